"""Writes configuration files as oslo.config reads them, and holds the sections that all services share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.layout import ENVIRONMENT, PASSWORD, PRODUCT_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.layout import Layout, Service, Site

    Options = Mapping[str, object]
    Sections = Mapping[str, Options]

# Where pip puts the paste files and filter lists that the packages carry: the sites', and the top's.
PACKAGED = ENVIRONMENT / "etc"
TOP_PACKAGED = PRODUCT_ENVIRONMENT / "etc"


def render(sections: Sections) -> str:
    """Return sections as text; booleans and lists in oslo.config's spelling."""
    blocks = []
    for name, options in sections.items():
        lines = [f"[{name}]", *(f"{key} = {spell(value)}" for key, value in options.items())]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def spell(value: object) -> str:
    """Return one value in oslo.config's spelling."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return ",".join(str(item) for item in value)
    return str(value)


def database(layout: Layout, owner: str, name: str) -> Options:
    """Return a database section.

    On SQLite a service is one process: nothing else writes its file, so a writer waits for a thread of its
    own process (``timeout``), and what a power cut would lose (``sqlite_synchronous``) is of no interest.
    """
    more = {} if layout.is_full else {"sqlite_synchronous": False}
    return {"connection": layout.database_url(owner, name), **more}


def credentials(layout: Layout, user: str, **more: object) -> Options:
    """Return how a service logs in to Keystone, as keystoneauth's options."""
    return {
        "auth_url": layout.keystone_url,
        "auth_type": "password",
        "username": user,
        "password": PASSWORD,
        "project_name": "service",
        "user_domain_id": "default",
        "project_domain_id": "default",
        **more,
    }


def token_check(layout: Layout, service: Service) -> Options:
    """Return how a service checks its callers' tokens, as keystonemiddleware's options."""
    return {**uncached_token_check(layout, service), **token_cache(layout)}


def uncached_token_check(layout: Layout, service: Service) -> Options:
    """Return the same for a service that keeps what Keystone told it in its own memory."""
    return credentials(
        layout,
        service.name,
        www_authenticate_uri=layout.keystone_url,
        service_token_roles="service",  # noqa: S106 - the name of a role
        service_token_roles_required=True,
        service_type=service.type,
    )


def token_cache(layout: Layout) -> Options:
    """Return where a service keeps what Keystone told it of a token: in its own memory, or in memcached."""
    if not layout.is_full:
        return {}
    # A dead memcached is to cost a request little: it is asked again only after a while.
    patience = {"memcache_pool_socket_timeout": 1, "memcache_pool_dead_retry": 10}
    return {"memcached_servers": layout.memcached, **patience}


def bus(layout: Layout) -> Sections:
    """Return the section by which services are back soon when RabbitMQ is."""
    patience = {"rabbit_retry_backoff": 1, "rabbit_interval_max": 2, "kombu_reconnect_delay": 0.5}
    return {"oslo_messaging_rabbit": patience} if layout.is_full else {}


def site_process(layout: Layout, site: Site, service: Service) -> Options:
    """Return the options of every process that has a message bus."""
    return {
        "host": site.host,
        "my_ip": site.address,
        "transport_url": layout.bus_url(site.name),
        "use_stderr": True,
        "state_path": layout.state(site.name, service.name),
    }


def lock(layout: Layout, owner: str, service: Service) -> Options:
    """Return where a service puts its lock files."""
    return {"lock_path": layout.state(owner, service.name) / "lock"}
