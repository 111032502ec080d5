"""Who may use the plugin's resources: an administrator, or a service.

A tenant sees adopted ports as the ordinary ports that they are.
"""

from oslo_policy import policy

from tricircle.network.attributes import ATTRIBUTES

ADMIN_OR_SERVICE = "rule:admin_only or rule:service_api"
"""Both rules are Neutron's own."""

METHODS = {"create": "POST", "get": "GET", "update": "PUT", "delete": "DELETE"}


def list_rules() -> list[policy.DocumentedRuleDefault]:
    """List the rules, for Neutron and for oslopolicy-sample-generator."""
    rules = []
    for collection in ATTRIBUTES:
        resource = collection.removesuffix("s")
        path = "/" + collection.replace("_", "-")
        for verb, method in METHODS.items():
            paths = {"create": [path], "get": [path, path + "/{id}"]}.get(verb, [path + "/{id}"])
            rules.append(
                policy.DocumentedRuleDefault(
                    name=f"{verb}_{resource}",
                    check_str=ADMIN_OR_SERVICE,
                    description=f"{verb.capitalize()} {resource.replace('_', ' ')}s",
                    operations=[{"method": method, "path": each} for each in paths],
                    scope_types=["project"],
                )
            )
    return rules
