"""Every configuration file of a sandbox, as one table."""

from __future__ import annotations

import os
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

from sandbox.configuration import (
    cinder,
    clouds,
    glance,
    haproxy,
    ini,
    keystone,
    mariadb,
    neutron,
    nova,
    placement,
    rabbitmq,
    top,
    top_neutron,
)
from sandbox.layout import CINDER, GLANCE, KEYSTONE, NEUTRON, NOVA

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.layout import Layout, Service

    State = dict[Service, tuple[str, ...]]

SHARED_FILES = {"keystone.conf": keystone.sections, "glance-api.conf": glance.sections}
SITE_FILES = {
    "placement.conf": placement.sections,
    "neutron.conf": neutron.sections,
    "ml2.ini": neutron.ml2_sections,
    "cinder.conf": cinder.sections,
    "nova.conf": nova.sections,
}
TOP_FILES = {
    "tricircle.conf": top.sections,
    "neutron.conf": top_neutron.sections,
    "ml2.ini": top_neutron.ml2_sections,
}
# What the services expect to be there and do not make by themselves.
SHARED_STATE: State = {GLANCE: ("images", "staging", "tasks", "lock")}
TOP_STATE: State = {NEUTRON: ("lock",)}
SITE_STATE: State = {NEUTRON: ("lock",), CINDER: ("lock",), NOVA: ("lock", "instances")}


def write(layout: Layout) -> None:
    """Write every configuration file, and make the directories and keys that they speak of."""
    layout.run.mkdir(parents=True, exist_ok=True, mode=0o700)
    layout.log("any").parent.mkdir(exist_ok=True)
    for file, shared_sections in SHARED_FILES.items():
        write_file(layout.conf("shared", file), ini.render(shared_sections(layout)))
    for site in layout.sites:
        for file, site_sections in SITE_FILES.items():
            write_file(layout.conf(site.name, file), ini.render(site_sections(layout, site)))
    for file, top_sections in TOP_FILES.items():
        write_file(layout.conf("top", file), ini.render(top_sections(layout)))
    write_file(layout.clouds, clouds.render(layout))
    if layout.is_full:
        write_servers(layout)
    make_directories(layout)
    for repository in ("fernet-keys", "credential-keys"):
        make_keys(layout.state("shared", KEYSTONE.name) / repository)


def write_servers(layout: Layout) -> None:
    """Write what the servers of the full profile read, and make their directories."""
    files = {
        "mariadb.cnf": ini.render(mariadb.sections(layout)),
        "mariadb.sql": mariadb.statements(),
        "rabbitmq.conf": rabbitmq.options(layout),
        "rabbitmq-definitions.json": rabbitmq.definitions(layout),
        "rabbitmq-plugins": "[].\n",
        "rabbitmq-env.conf": "",
    }
    for file, text in files.items():
        write_file(layout.conf("servers", file), text)
    write_file(layout.conf("top", "haproxy.cfg"), haproxy.render(layout))
    layout.data("rabbitmq").mkdir(parents=True, exist_ok=True, mode=0o700)


def write_file(path: Path, text: str) -> None:
    """Write a file that only its owner may read, for each of them holds a password."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


def make_directories(layout: Layout) -> None:
    """Make the services' state directories, and the databases' directories."""
    owners = {"shared": SHARED_STATE, "top": TOP_STATE, **{site.name: SITE_STATE for site in layout.sites}}
    for owner, services in owners.items():
        for service, names in services.items():
            for name in names:
                (layout.state(owner, service.name) / name).mkdir(parents=True, exist_ok=True)
        if not layout.is_full:
            layout.database(owner, "any").parent.mkdir(parents=True, exist_ok=True)


def make_keys(repository: Path) -> None:
    """Make a Fernet key repository: a staged key 0 and a primary key 1."""
    repository.mkdir(parents=True, exist_ok=True, mode=0o700)
    for number in ("0", "1"):
        key = repository / number
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(urlsafe_b64encode(os.urandom(32)))
