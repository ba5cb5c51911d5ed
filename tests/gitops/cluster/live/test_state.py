"""What is known of a cluster, how old it may be, and which changes are news."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from gitops.clock import Bell
from gitops.cluster.items import Item
from gitops.cluster.kinds import CLUSTER_KINDS
from gitops.cluster.live.api import LiveBody
from gitops.cluster.live.batching import Batch
from gitops.cluster.live.state import ClusterState
from gitops.errors import Stalled, Waiting

PODS, NODES = CLUSTER_KINDS[:2]
KEY = ("shop", "web")


class Known:
    """A state of pods and nodes, by a clock that is moved by hand."""

    def __init__(self) -> None:
        self.now, self.bell = 0.0, Bell()
        self.state = ClusterState(
            "https://here", [PODS, NODES], seconds=lambda: self.now, bell=self.bell, stale_after=180.0
        )

    @property
    def rang(self) -> bool:
        return self.bell.wait(timedelta())


@pytest.fixture
def known() -> Known:
    made = Known()
    made.state.replace(PODS, {KEY: item("1")})
    made.state.replace(NODES, {})
    made.state.close_batch()
    assert made.rang
    return made


def item(text: str) -> Item:
    return Item("v1", "Pod", LiveBody(msgspec.Raw(text.encode()), "https://here"), -1)


def test_nothing_is_known_before_every_kind_has_been_read() -> None:
    known = Known()
    with pytest.raises(Waiting, match=r"the pods of https://here have yet to be read$"):
        known.state.everything()
    known.state.replace(PODS, {})
    with pytest.raises(Waiting, match=r"the nodes of https://here have yet to be read$"):
        known.state.everything()
    assert (known.state.synced, known.state.batch, known.rang) == (False, Batch(), False)
    known.state.replace(NODES, {})
    assert (known.state.synced, known.state.batch, known.rang) == (True, Batch(0.0, 0.0), True)
    assert known.state.everything() == ([], ())


def test_changes_are_one_batch_until_it_is_closed(known: Known) -> None:
    known.now = 5.0
    known.state.put(PODS, ("shop", "db"), item("2"))
    assert known.rang
    known.now = 6.0
    known.state.drop(PODS, KEY)
    assert not known.rang
    assert known.state.batch == Batch(5.0, 6.0)
    assert [one.body.plain() for one in known.state.everything()[0]] == [2]
    known.state.close_batch()
    assert known.state.batch == Batch()


def test_what_stays_as_it_is_is_no_news(known: Known) -> None:
    before = known.state.everything()[0]
    known.state.put(PODS, KEY, item("1"))
    known.state.drop(PODS, ("shop", "never"))
    known.state.replace(PODS, {KEY: item("1")})
    known.state.hear(NODES)
    after = known.state.everything()[0]
    assert (known.state.batch, known.rang) == (Batch(), False)
    assert after[0] is before[0]


def test_a_list_keeps_what_has_not_changed(known: Known) -> None:
    before = known.state.everything()[0]
    known.state.replace(PODS, {KEY: item("1"), ("shop", "db"): item("2")})
    assert known.state.batch != Batch()
    assert known.state.everything()[0][0] is before[0]


def test_an_object_that_only_a_list_misses_is_gone(known: Known) -> None:
    known.state.replace(PODS, {})
    assert known.state.batch != Batch()
    assert known.state.everything() == ([], ())


def test_what_is_too_old_is_not_planned_on(known: Known) -> None:
    known.now = 180.0
    known.state.hear(NODES)
    assert len(known.state.everything()[0]) == 1
    known.state.fail(PODS, Waiting("https://here does not answer: refused"))
    assert len(known.state.everything()[0]) == 1
    known.now = 181.0
    with pytest.raises(Waiting, match="nothing was heard of the pods of https://here for 181 s: https://here does not"):
        known.state.everything()
    assert known.state.synced is False
    known.state.hear(PODS)
    assert known.state.synced
    assert known.state.batch == Batch(181.0, 181.0)  # whoever was refused is woken


def test_a_refusal_counts_at_once_and_wakes_when_it_is_over(known: Known) -> None:
    known.state.fail(NODES, Stalled("no right to watch nodes"))
    for _ in range(2):
        with pytest.raises(Stalled, match=r"^no right to watch nodes$"):
            known.state.everything()
    known.state.hear(NODES)
    assert known.rang
    assert len(known.state.everything()[0]) == 1


def test_health_tells_ages_and_reasons(known: Known) -> None:
    known.now = 30.0
    known.state.hear(NODES)
    known.state.fail(PODS, Waiting("slow"))
    pods, nodes = known.state.health()
    assert (pods.kind, pods.synced, pods.age, pods.objects, pods.problem) == ("pods", True, 30.0, 1, "slow")
    assert (nodes.kind, nodes.age, nodes.objects, nodes.problem) == ("nodes", 0.0, 0, "")
    assert Known().state.health()[0].age is None
