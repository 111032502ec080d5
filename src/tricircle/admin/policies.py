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
