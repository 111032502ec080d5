"""keystone.conf: the one Keystone of the top and all sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.configuration import ini
from sandbox.layout import KEYSTONE

if TYPE_CHECKING:
    from sandbox.layout import Layout


def sections(layout: Layout) -> ini.Sections:
    """Return keystone.conf."""
    state = layout.state("shared", KEYSTONE.name)
    return {
        "DEFAULT": {"use_stderr": True},
        "database": ini.database(layout, "shared", KEYSTONE.name),
        "token": {"provider": "fernet", "expiration": layout.token_lifetime},
        "fernet_tokens": {"key_repository": state / "fernet-keys"},
        "fernet_receipts": {"key_repository": state / "fernet-keys"},
        "credential": {"key_repository": state / "credential-keys"},
        "cache": {"enabled": True, **cache(layout)},
        # At the usual cost a password check takes a quarter of a second of a core, and each command does one.
        "identity": {"password_hash_rounds": 4},
    }


def cache(layout: Layout) -> ini.Options:
    """Return where Keystone remembers what it has looked up."""
    if not layout.is_full:
        # One process, so its memory is a cache that all requests share.
        return {"backend": "dogpile.cache.memory"}
    return {
        "backend": "oslo_cache.memcache_pool",
        "memcache_servers": layout.memcached,
        "memcache_socket_timeout": 1,
        "memcache_dead_retry": 10,
    }
