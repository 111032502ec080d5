"""tempest.conf for the top of a sandbox: who asks, where the Networking API is, what it can do."""

import configparser
import json
from pathlib import Path
from typing import Any

import urllib3

DOMAIN = "Default"
ADMIN = "admin"


def write(file: Path, facts: dict[str, Any]) -> None:
    """Write tempest.conf.

    :param facts: what `sandbox env --json` prints.
    """
    conf = configparser.RawConfigParser()
    conf.read_dict(sections(facts, extensions(facts)))
    with file.open("w") as written:
        conf.write(written)


def sections(facts: dict[str, Any], aliases: list[str]) -> dict[str, dict[str, str]]:
    """Return what is in tempest.conf.

    :param aliases: of the API's extensions: tests of others are skipped.
    """
    admin = facts["users"][ADMIN]
    return {
        "DEFAULT": {"log_file": "tempest.log", "debug": "true"},
        "oslo_concurrency": {"lock_path": "locks"},
        # Each test class gets a project and users of its own.
        "auth": {
            "use_dynamic_credentials": "true",
            "create_isolated_networks": "false",  # they have routers
            "admin_username": ADMIN,
            "admin_password": admin["password"],
            "admin_project_name": admin["project"],
            "admin_domain_name": DOMAIN,
        },
        "identity": {"uri_v3": facts["keystone_url"], "region": facts["top"]["region"]},
        # What only looks is done by a user with the role `reader`.
        "enforce_scope": {"neutron": "true"},
        # No test may ask for a server, a volume or an image.
        "service_available": {
            "neutron": "true",
            **dict.fromkeys(("nova", "cinder", "glance", "swift", "horizon"), "false"),
        },
        "network": {"build_interval": "1", "build_timeout": "30"},
        "network-feature-enabled": {
            "api_extensions": ",".join(aliases),
            "ipv6": "true",
            "ipv6_subnet_attributes": "true",
            "port_security": str("port-security" in aliases).lower(),
            "floating_ips": "false",
        },
        "neutron_plugin_options": {
            "available_type_drivers": "vlan,vxlan,flat,local",
            "provider_vlans": "stretched",
            "create_shared_resources": "true",
        },
    }


def extensions(facts: dict[str, Any]) -> list[str]:
    """Ask the top for the aliases of its extensions."""
    headers = {"X-Auth-Token": token(facts)}
    answer = urllib3.request("GET", f"{facts['top']['network_url']}/v2.0/extensions", headers=headers)
    return sorted(extension["alias"] for extension in _document(answer)["extensions"])


def token(facts: dict[str, Any]) -> str:
    """Log in as the administrator."""
    admin, domain = facts["users"][ADMIN], {"name": DOMAIN}
    user = {"name": ADMIN, "domain": domain, "password": admin["password"]}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": admin["project"], "domain": domain}},
        }
    }
    answer = urllib3.request("POST", f"{facts['keystone_url']}/auth/tokens", json=body)
    _document(answer)
    return str(answer.headers["X-Subject-Token"])


def _document(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    if answer.status >= 300:
        raise RuntimeError(f"answered with {answer.status}: {answer.data[:500]!r}")
    document: dict[str, Any] = json.loads(answer.data)
    return document
