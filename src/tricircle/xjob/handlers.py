"""Which handler does which type of job."""

from collections.abc import Mapping
from types import MappingProxyType

from tricircle.jobs import types
from tricircle.xjob.adopt import adopt
from tricircle.xjob.after_delete import drop_route
from tricircle.xjob.catch_up import catch_up
from tricircle.xjob.clean_up import clean_up
from tricircle.xjob.drift import drift
from tricircle.xjob.follow import follow
from tricircle.xjob.intent import find_made
from tricircle.xjob.learn import learn
from tricircle.xjob.members import keep_members
from tricircle.xjob.node import refresh
from tricircle.xjob.port_sweep import sweep
from tricircle.xjob.rebuild import rebuild
from tricircle.xjob.replicate import replicate
from tricircle.xjob.task import Handler

HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        types.LEARN.name: learn,
        types.REPLICATE.name: replicate,
        types.CATCH_UP.name: catch_up,
        types.DRIFT.name: drift,
        types.FOLLOW.name: follow,
        types.INTENT.name: find_made,
        types.AFTER_DELETE.name: drop_route,
        types.REBUILD.name: rebuild,
        types.NODE.name: refresh,
        types.ADOPT.name: adopt,
        types.CLEAN_UP.name: clean_up,
        types.MEMBERS.name: keep_members,
        types.PORTS.name: sweep,
    }
)
