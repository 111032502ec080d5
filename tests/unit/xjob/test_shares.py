"""How workers share out their periodic work, by tooz over files."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from oslo_config import cfg

from tricircle.xjob.shares import Everything, Shares, make_shares

THINGS = [f"health of {number}" for number in range(60)]

Join = Callable[[str], Shares]


@pytest.fixture
def join(embedded_conf: cfg.ConfigOpts, tmp_path: Path) -> Iterator[Join]:
    """Have a worker meet the others."""
    embedded_conf.set_override("backend_url", f"file://{tmp_path}/meeting?timeout=1000", group="coordination")
    joined: list[Shares] = []

    def join(name: str) -> Shares:
        shares = make_shares(embedded_conf, name)
        shares.refresh()
        joined.append(shares)
        return shares

    yield join
    for shares in joined:
        shares.leave()


def owned(shares: Shares) -> set[str]:
    return {thing for thing in THINGS if shares.is_mine(thing)}


def test_a_worker_that_meets_nobody_does_everything(embedded_conf: cfg.ConfigOpts) -> None:
    shares = make_shares(embedded_conf, "w")
    shares.refresh()
    assert isinstance(shares, Everything)
    assert owned(shares) == set(THINGS)
    shares.leave()


def test_each_thing_has_one_owner(join: Join) -> None:
    workers = [join(name) for name in "abc"]
    for worker in workers:
        worker.refresh()
    parts = [owned(worker) for worker in workers]
    assert all(parts)
    assert sorted(thing for part in parts for thing in part) == sorted(THINGS)


def test_who_comes_takes_a_part_and_who_leaves_gives_it_back(join: Join) -> None:
    first = join("a")
    assert owned(first) == set(THINGS)
    second = join("b")
    first.refresh()
    assert owned(first) < set(THINGS)
    second.leave()
    first.refresh()
    assert owned(first) == set(THINGS)


def test_who_dies_is_missed(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = join("a"), join("b")
    first.refresh()
    # It beats no more, and what it has left behind is too old.
    monkeypatch.setattr(first._coordinator, "_timeout", 0)  # type: ignore[attr-defined]
    monkeypatch.setattr(second, "_coordinator", None)
    first.refresh()
    assert owned(first) == set(THINGS)


def test_where_workers_cannot_meet_each_does_everything_and_says_so_once(
    embedded_conf: cfg.ConfigOpts, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "meeting").touch()
    url = f"file://{tmp_path}/meeting/below-a-file"
    embedded_conf.set_override("backend_url", url, group="coordination")
    shares = make_shares(embedded_conf, "w")
    with caplog.at_level(logging.WARNING, logger="tricircle"):
        shares.refresh()
        shares.refresh()
    assert owned(shares) == set(THINGS)
    assert len(caplog.records) == 1
    (tmp_path / "meeting").unlink()
    shares.refresh()
    assert owned(shares) == set(THINGS)
    other = make_shares(embedded_conf, "v")
    other.refresh()
    shares.refresh()
    assert owned(shares) | owned(other) == set(THINGS)
    assert not owned(shares) & owned(other)
    shares.leave()
    other.leave()


def test_a_backend_that_there_is_not_is_no_reason_to_stop(
    embedded_conf: cfg.ConfigOpts, caplog: pytest.LogCaptureFixture
) -> None:
    embedded_conf.set_override("backend_url", "pigeon://user:secret@host", group="coordination")
    shares = make_shares(embedded_conf, "w")
    shares.refresh()
    assert owned(shares) == set(THINGS)
    assert "secret" not in caplog.text
