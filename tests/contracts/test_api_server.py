"""What poolplan relies on in an API server: lists in pages, watches that go on where they stopped, and Leases."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest

from gitops.clock import SystemClock
from gitops.cluster.kinds import CLUSTER_KINDS
from gitops.cluster.lease import Lease, Record
from gitops.cluster.live import Answer, LiveCluster, read_cluster
from gitops.cluster.live.events import Change, read_event
from gitops.leading import Leadership
from tests.commands.waiting import until
from tests.contracts.apiservers import MAKERS, Server, node, pod

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitops.cluster.live.events import Event

PODS, NODES = CLUSTER_KINDS[:2]
NOTHINGS = replace(PODS, api_version="example.org/v1", plural="nothings")
FIRST = Record(
    holder="one", lease_duration_seconds=15, acquire_time="2026-03-01T12:00:00.000000Z",
    renew_time="2026-03-01T12:00:00.000000Z", lease_transitions=0,
)  # fmt: skip


@pytest.fixture(params=MAKERS, ids=lambda make: make.__name__)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    with ExitStack() as stack:
        yield request.param(tmp_path, stack)


def page(server: Server, limit: int = 0, token: str = "") -> tuple[list[str], str, str]:
    """Names of a page of nodes, the token of the next, and the list's version."""
    answer = server.api.list(NODES, limit=limit, token=token)
    assert answer.status == 200
    said = json.loads(answer.body)
    metadata = said["metadata"]
    names = [one["metadata"]["name"] for one in said["items"]]
    return names, metadata.get("continue", ""), metadata["resourceVersion"]


def watched(server: Server, version: str, count: int) -> list[Event]:
    """The next so many events of nodes, bookmarks left out."""
    stream = server.api.watch(NODES, version=version, seconds=60, silence=60)
    assert not isinstance(stream, Answer)
    found: list[Event] = []
    for line in stream.lines():
        event = read_event(line)
        found += [event] if event.change is not Change.BOOKMARK else []
        if len(found) == count:
            stream.close()
            break
    return found


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(one.change.value, one.head.metadata.name) for one in events]


# Lists


def test_pages_are_of_one_instant(server: Server) -> None:
    for name in "abcde":
        server.core.create_node(node(name))
    first, token, version = page(server, 2)
    server.core.create_node(node("aa"))
    server.core.delete_node("e")
    second, last, same = page(server, 2, token)
    third, end, _ = page(server, 2, last)
    assert (first, second, third, end, same) == (["a", "b"], ["c", "d"], ["e"], "", version)
    assert page(server)[0] == ["a", "aa", "b", "c", "d"]


def test_a_page_can_be_asked_for_again(server: Server) -> None:
    for name in "abc":
        server.core.create_node(node(name))
    _, token, _ = page(server, 2)
    assert page(server, 2, token) == page(server, 2, token)


def test_a_token_that_nobody_gave_is_refused(server: Server) -> None:
    assert server.api.list(NODES, limit=2, token="nonsense").status == 400


def test_a_kind_that_is_not_served_is_a_404(server: Server) -> None:
    assert server.api.list(NOTHINGS, limit=0, token="").status == 404
    refused = server.api.watch(NOTHINGS, version="1", seconds=60, silence=60)
    assert isinstance(refused, Answer)
    assert refused.status == 404


# Watches


def test_a_watch_tells_what_changes_after_a_list(server: Server) -> None:
    server.core.create_node(node("a"))
    version = page(server)[2]
    server.core.create_node(node("b"))
    server.core.patch_node("a", {"metadata": {"labels": {"x": "1"}}})
    server.core.delete_node("a")
    found = watched(server, version, 3)
    assert told(found) == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "a")]
    versions = [int(one.head.metadata.resource_version) for one in found]
    assert versions == sorted(set(versions))
    assert versions[0] > int(version)


def test_a_watch_goes_on_from_an_event(server: Server) -> None:
    version = page(server)[2]
    for name in "abc":
        server.core.create_node(node(name))
    first = watched(server, version, 1)[-1].head.metadata.resource_version
    assert told(watched(server, first, 2)) == [("ADDED", "b"), ("ADDED", "c")]


def test_a_watch_from_a_forgotten_version_says_410(server: Server) -> None:
    server.core.create_node(node("a"))
    (event,) = watched(server, server.forget(), 1)
    assert (event.change, event.head.code) == (Change.ERROR, 410)


def test_a_watch_ends_in_its_time(server: Server) -> None:
    stream = server.api.watch(NODES, version=page(server)[2], seconds=1, silence=60)
    assert not isinstance(stream, Answer)
    assert {read_event(line).change for line in stream.lines()} <= {Change.BOOKMARK}


def test_a_watch_can_be_ended_from_elsewhere(server: Server) -> None:
    stream = server.api.watch(NODES, version=page(server)[2], seconds=60, silence=60)
    assert not isinstance(stream, Answer)
    seen: list[bytes] = []
    reading = Thread(target=lambda: seen.extend(stream.lines()))
    reading.start()
    server.core.create_node(node("a"))
    until("the watch tells of the node", lambda: bool(seen))
    stream.close()
    reading.join(20)
    assert not reading.is_alive()
    stream.close()


# Leases


def test_a_lease_is_written_over_only_as_it_was_read(server: Server) -> None:
    lease = Lease(server.api, "default", "poolplan")
    assert lease.read() is None
    made = lease.write(FIRST, None)
    assert made is not None
    assert (made.record, lease.read()) == (FIRST, made)
    assert lease.write(FIRST, None) is None
    other = Record(holder="other", lease_duration_seconds=15, renew_time="2026-03-01T12:00:20.000000Z")
    newer = lease.write(other, made)
    assert newer is not None
    assert (newer.record.holder, newer.record.acquire_time, newer.version != made.version) == ("other", None, True)
    assert lease.write(FIRST, made) is None
    assert lease.read() == newer


def test_a_leader_that_stops_lets_another_lead(server: Server) -> None:
    clock = SystemClock()
    lease = Lease(server.api, "default", "poolplan")
    one, other = (Leadership(lease, name, clock=clock) for name in ("one", "other"))
    one.turn()
    other.turn()
    assert (one.leads(), other.leads(), other.holder) == (True, False, "one")
    one.turn()
    one.release()
    other.turn()
    assert (one.leads(), other.leads(), one.problem, other.problem) == (False, True, None, None)


# All of it


def same_as_read_anew(live: LiveCluster, server: Server) -> bool:
    return live.snapshot_inputs() == read_cluster(server.api, environment={})


def test_a_followed_cluster_is_what_is_read_anew(server: Server) -> None:
    core, clock = server.core, SystemClock()
    core.create_node(node("a"))
    core.create_namespaced_pod("default", pod("web"))
    with LiveCluster(server.api, environment={}, clock=clock) as live:
        assert live.wait_for_change(clock.now() + timedelta(seconds=60))
        assert live.synced
        until("all is known", lambda: same_as_read_anew(live, server))
        steps: list[Any] = [
            lambda: core.create_namespaced_pod("default", pod("another", cpu="9")),
            lambda: core.patch_node("a", {"spec": {"taints": [{"key": "x", "effect": "NoSchedule"}]}}),
            lambda: core.delete_namespaced_pod("web", "default", grace_period_seconds=0),
            lambda: core.delete_node("a"),
        ]
        for step in steps:
            step()
            assert live.wait_for_change(clock.now() + timedelta(seconds=60))
            until("the change is known", lambda: same_as_read_anew(live, server))
        assert [one.name for one in live.snapshot_inputs().snapshot.pods] == ["another"]
