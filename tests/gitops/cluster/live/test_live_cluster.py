"""What a controller does with a live cluster: wait for changes, be woken, and stop. Following itself is tried elsewhere.

Threads over a server that answers are in ``tests/contracts/test_api_server.py``.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.cluster.live import Answer, LiveCluster
from gitops.cluster.live.batching import Window
from gitops.errors import Waiting
from tests.commands.waiting import until
from tests.gitops.cluster.live.scripted import ScriptedApi, ScriptedStream
from tests.gitops.cluster.made import ENVIRONMENT, node, plain, pod
from tests.gitops.sandbox.conftest import HandClock

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUR = timedelta(hours=1)


class Quiet(ScriptedApi):
    """A server where nothing ever changes: its watches last until they are closed."""

    def watch(self, kind: object, *, version: str, seconds: int, silence: float) -> ScriptedStream | Answer:
        return Lasting([])


class Lasting(ScriptedStream):
    def __init__(self, given: list[bytes]) -> None:
        super().__init__(given)
        self.over = threading.Event()

    def lines(self) -> Iterator[bytes]:
        assert self.over.wait(60)
        yield from ()

    def close(self) -> None:
        self.over.set()


def live_over(api: ScriptedApi) -> tuple[LiveCluster, HandClock]:
    clock = HandClock()
    return LiveCluster(api, environment=ENVIRONMENT, clock=clock, window=Window(idle=0.0, longest=0.0)), clock


def test_before_everything_is_read_there_is_no_snapshot_and_no_change() -> None:
    live, clock = live_over(Quiet())
    assert not live.synced
    with pytest.raises(Waiting, match="have yet to be read"):
        live.snapshot_inputs()
    assert not live.wait_for_change(clock.now())


def test_it_waits_until_all_is_read_and_then_for_the_next_change() -> None:
    api = Quiet()
    api.put(node("n1"), pod("web"))
    live, clock = live_over(api)
    with live:
        assert live.wait_for_change(clock.now() + HOUR)
        assert not live.wait_for_change(clock.now())  # a replica that does not lead looks at nothing, and must not spin
        assert [one.key for one in live.snapshot_inputs().snapshot.pods] == ["shop/web"]
        assert not live.wait_for_change(clock.now())
    assert not [one for one in threading.enumerate() if one.name.startswith("follow-")]


def test_it_can_be_nudged_once() -> None:
    live, clock = live_over(Quiet())
    live.nudge()
    assert live.wait_for_change(clock.now() + HOUR)
    assert not live.wait_for_change(clock.now())


def test_stopping_ends_a_wait() -> None:
    live, clock = live_over(Quiet())
    waited: list[bool] = []
    waiting = threading.Thread(target=lambda: waited.append(live.wait_for_change(clock.now() + HOUR)))
    waiting.start()
    live.stop()
    waiting.join(20)
    assert waited == [False]
    live.stop()


def test_the_policy_may_come_from_elsewhere() -> None:
    from gitops.cluster.items import Item, YamlBody  # noqa: PLC0415 - only here

    api = Quiet()
    api.put(node("n1"), plain("OVHNodeClass", "theirs", "karpenter.ovhcloud.sh/v1alpha1", spec={"region": "GRA11"}))
    ours = plain("OVHNodeClass", "ours", "karpenter.ovhcloud.sh/v1alpha1", spec={"region": "GRA11"})
    item = Item(ours["apiVersion"], ours["kind"], YamlBody(None, ours))  # type: ignore[arg-type]
    live, _ = live_over(api)
    with live:
        until("all is read", lambda: live.synced)
        assert [one.name for one in live.snapshot_inputs().policy.node_classes] == ["theirs"]
        given = live.snapshot_inputs(policy_items=[item])
    assert [one.name for one in given.policy.node_classes] == ["ours"]
    assert given.warnings == ("1 policy objects of the snapshot are not used: a policy was given",)


def test_what_a_right_is_missing_for_is_a_warning_of_the_inputs() -> None:
    api = Quiet()
    api.refused["CSINode"] = Answer(403)
    live, _ = live_over(api)
    with live:
        until("all is read", lambda: live.synced)
        (warning,) = live.snapshot_inputs().warnings
    assert warning.startswith("no right to list csinodes.storage.k8s.io: the volumes a node attaches")
