"""Who may use the Admin API: oslo.policy rules, with the operation that each one guards.

It is the top's own API, so the top's own policy decides; for everything else the sites' policies do.
"""

from oslo_config import cfg
from oslo_policy import policy

from tricircle import config
from tricircle.errors import Forbidden
from tricircle.identity.identity import Identity

ADMIN = "role:admin"

SITES_LIST = "tricircle:sites:list"
SITES_CREATE = "tricircle:sites:create"
SITES_SHOW = "tricircle:sites:show"
SITES_UPDATE = "tricircle:sites:update"
SITES_DELETE = "tricircle:sites:delete"
ZONES_LIST = "tricircle:availability_zones:list"
ZONES_SHOW = "tricircle:availability_zones:show"
ZONES_SET = "tricircle:availability_zones:set"
ZONES_DELETE = "tricircle:availability_zones:delete"
ROUTES_SHOW = "tricircle:routes:show"
NODES_LIST = "tricircle:nodes:list"
NODES_SHOW = "tricircle:nodes:show"
BINDINGS_LIST = "tricircle:project_bindings:list"
BINDINGS_SHOW = "tricircle:project_bindings:show"
BINDINGS_SET = "tricircle:project_bindings:set"
BINDINGS_DELETE = "tricircle:project_bindings:delete"
JOBS_LIST = "tricircle:jobs:list"
JOBS_CREATE = "tricircle:jobs:create"
JOBS_SHOW = "tricircle:jobs:show"
JOBS_REDO = "tricircle:jobs:redo"
JOBS_CANCEL = "tricircle:jobs:cancel"
JOBS_COUNT = "tricircle:jobs:count"
WORKERS_LIST = "tricircle:workers:list"
DEFINITIONS_LIST = "tricircle:definitions:list"
DEFINITIONS_SHOW = "tricircle:definitions:show"
DEFINITIONS_MEND = "tricircle:definitions:mend"


def _rule(name: str, method: str, path: str, description: str) -> policy.DocumentedRuleDefault:
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=ADMIN,
        description=description,
        operations=[{"method": method, "path": path}],
    )


_RULES = (
    _rule(SITES_LIST, "GET", "/v1/sites", "List the sites."),
    _rule(SITES_CREATE, "POST", "/v1/sites", "Register a site."),
    _rule(SITES_SHOW, "GET", "/v1/sites/{site}", "Show a site."),
    _rule(SITES_UPDATE, "PATCH", "/v1/sites/{site}", "Change a site: its state, its names, its region."),
    _rule(SITES_DELETE, "DELETE", "/v1/sites/{site}", "Remove a site."),
    _rule(ZONES_LIST, "GET", "/v1/availability-zones", "List the availability zones with their sites."),
    _rule(ZONES_SHOW, "GET", "/v1/availability-zones/{name}", "Show an availability zone with its sites."),
    _rule(ZONES_SET, "PUT", "/v1/availability-zones/{name}", "Make or change an availability zone."),
    _rule(ZONES_DELETE, "DELETE", "/v1/availability-zones/{name}", "Remove an availability zone."),
    _rule(ROUTES_SHOW, "GET", "/v1/routes/{resource_id}", "Tell which sites hold a resource."),
    _rule(NODES_LIST, "GET", "/v1/nodes", "List the sites with their capacity and whether they answer."),
    _rule(NODES_SHOW, "GET", "/v1/nodes/{site}", "Show the capacity of a site and whether it answers."),
    _rule(BINDINGS_LIST, "GET", "/v1/project-bindings", "List which project is bound to which zone."),
    _rule(BINDINGS_SHOW, "GET", "/v1/project-bindings/{project_id}", "Show what a project is bound to."),
    _rule(BINDINGS_SET, "PUT", "/v1/project-bindings/{project_id}", "Bind a project to a zone."),
    _rule(BINDINGS_DELETE, "DELETE", "/v1/project-bindings/{project_id}", "Let a bound project go."),
    _rule(JOBS_LIST, "GET", "/v1/jobs", "List the jobs of all projects."),
    _rule(JOBS_CREATE, "POST", "/v1/jobs", "Ask for the upkeep of a site: rebuild, node, catch_up, drift."),
    _rule(
        JOBS_SHOW, "GET", "/v1/jobs/{job_id}", "Show a job with its parameters and all that happened to it."
    ),
    _rule(JOBS_REDO, "POST", "/v1/jobs/{job_id}/redo", "Have a failed or cancelled job done again."),
    _rule(JOBS_CANCEL, "POST", "/v1/jobs/{job_id}/cancel", "Have a job not done, or not gone on with."),
    _rule(JOBS_COUNT, "GET", "/v1/job-counts", "Count the jobs by type and state."),
    _rule(WORKERS_LIST, "GET", "/v1/workers", "List the processes that do jobs."),
    _rule(DEFINITIONS_LIST, "GET", "/v1/definitions", "List the replicated resources of all projects."),
    _rule(DEFINITIONS_SHOW, "GET", "/v1/definitions/{definition_id}", "Show a replicated resource."),
    _rule(
        DEFINITIONS_MEND,
        "POST",
        "/v1/definitions/{definition_id}/mend",
        "Change a replicated resource back in sites where it was changed.",
    ),
)


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """List every rule, for oslopolicy-sample-generator and its like."""
    return list(_RULES)


def make_enforcer(conf: cfg.ConfigOpts) -> policy.Enforcer:
    """Make what decides: the rules above, as `[oslo_policy] policy_file` changes them."""
    enforcer = policy.Enforcer(conf)
    enforcer.register_defaults(list_rules())
    return enforcer


def get_enforcer() -> policy.Enforcer:
    """Make an enforcer for oslo.policy's command-line tools."""
    return make_enforcer(config.load_from_environment())


def require(enforcer: policy.Enforcer, rule: str, identity: Identity) -> None:
    """Let a request go on.

    :raises Forbidden: the policy says no.
    """
    credentials = {
        "user_id": identity.user_id,
        "project_id": identity.project_id,
        "roles": sorted(identity.roles),
    }
    if not enforcer.authorize(rule, {}, credentials):
        raise Forbidden(f"Policy doesn't allow {rule} to be performed.")
