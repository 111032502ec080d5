"""The options of every part, one module a group, and how a process loads them.

A configuration is an object that is handed on, never a global: two applications with different
configurations can live in one process, as they do in the tests.
"""

import os
from collections.abc import Sequence

from keystoneauth1 import loading
from keystonemiddleware import auth_token
from oslo_config import cfg
from oslo_db import options as database_options
from oslo_log import log

from tricircle.config import api, bus, cloud, coordination, gateway, sites, xjob

GROUPS = (cloud, api, gateway, sites, xjob, coordination)

SERVICE_USER = "service_user"
"""The group that holds the credentials which the top itself acts with (a keystoneauth plug-in's options)."""

KEYSTONE_TIMEOUT = 5
"""Seconds for an answer of Keystone, unless its two groups of options say otherwise."""

CONFIG_FILES_VARIABLE = "OS_TRICIRCLE_CONFIG_FILES"
"""Names the configuration files of a WSGI application, which has no command line; separated by `;`."""


def list_opts() -> list[tuple[str | None, list[cfg.Opt]]]:
    """List every option of our own, by group, for oslo-config-generator."""
    service_user = [
        *loading.get_auth_common_conf_options(),
        *loading.get_auth_plugin_conf_options("password"),
        *loading.get_session_conf_options(),
    ]
    return [(group.GROUP, list(group.OPTIONS)) for group in GROUPS] + [(SERVICE_USER, service_user)]


def declare() -> cfg.ConfigOpts:
    """Make a configuration that knows every option and has read nothing yet."""
    conf = cfg.ConfigOpts()
    for group in GROUPS:
        conf.register_opts(group.OPTIONS, group=group.GROUP)
    conf.register_opt(bus.TRANSPORT_URL)
    conf.register_opts(database_options.database_opts, group="database")
    loading.register_auth_conf_options(conf, SERVICE_USER)
    loading.register_session_conf_options(conf, SERVICE_USER)
    for group, options in auth_token.list_opts():
        conf.register_opts(options, group=group)
    # keystoneauth waits for ever by default, and with it would every request that finds something due.
    conf.set_default("timeout", KEYSTONE_TIMEOUT, group=SERVICE_USER)
    conf.set_default("http_connect_timeout", KEYSTONE_TIMEOUT, group="keystone_authtoken")
    log.register_options(conf)
    return conf


def load(arguments: Sequence[str] = (), files: Sequence[str] | None = None) -> cfg.ConfigOpts:
    """Read the configuration of one process.

    :param arguments: command line without the program's name.
    :param files: configuration files; None looks in the places usual for OpenStack
        (`/etc/tricircle/tricircle.conf` among them).
    :raises oslo_config.cfg.Error: an option or a file is wrong.
    """
    conf = declare()
    conf(list(arguments), project="tricircle", default_config_files=None if files is None else list(files))
    return conf


def load_from_environment() -> cfg.ConfigOpts:
    """Read the configuration of a WSGI application."""
    named = [name for name in os.environ.get(CONFIG_FILES_VARIABLE, "").split(";") if name]
    return load(files=named or None)
