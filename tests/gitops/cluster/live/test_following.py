"""One kind followed turn by turn, through all that an API server does now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gitops.clock import Bell
from gitops.cluster.kinds import CLUSTER_KINDS, POLICY_LISTS
from gitops.cluster.live import Answer
from gitops.cluster.live.course import Course
from gitops.cluster.live.following import Follower
from gitops.cluster.live.state import ClusterState
from gitops.errors import Stalled, Waiting
from tests.gitops.cluster.live.scripted import ScriptedApi
from tests.gitops.cluster.made import container, node, plain, pod

if TYPE_CHECKING:
    from gitops.cluster.kinds import Kind

PODS, NODES = CLUSTER_KINDS[:2]
CLAIMS = next(kind for kind in CLUSTER_KINDS if kind.kind == "PersistentVolumeClaim")
POOLS = POLICY_LISTS[1]


class Followed:
    """A kind that is followed by hand. ``now`` is the time of its clock."""

    def __init__(self, api: ScriptedApi, kind: Kind = PODS) -> None:
        self.now, self.api = 100.0, api
        self.state = ClusterState(api.address, [kind], seconds=lambda: self.now, bell=Bell(), stale_after=180.0)
        self.follower = Follower(api, kind, self.state, seconds=lambda: self.now, watched=300)
        self.course = Course()

    def turn(self, times: int = 1) -> Course:
        for _ in range(times):
            self.course = self.follower.turn(self.course)
        return self.course

    @property
    def names(self) -> list[str]:
        return sorted(one.name for one in self.state.everything()[0])


@pytest.fixture
def api() -> ScriptedApi:
    made = ScriptedApi()
    made.put(*(pod(f"web-{number}") for number in range(5)))
    return made


def test_a_list_is_read_in_pages_and_then_watched_from(api: ScriptedApi) -> None:
    followed = Followed(api)
    assert followed.turn() == Course("6")
    assert followed.names == [f"Pod shop/web-{number}" for number in range(5)]
    api.put(pod("late"), pod("web-0", labels={"x": "1"}))
    api.remove(("Pod", "shop", "web-1"))
    assert followed.turn() == Course("9")
    assert followed.names == ["Pod shop/late", "Pod shop/web-0", *(f"Pod shop/web-{number}" for number in (2, 3, 4))]
    followed.turn()
    assert api.asked == [
        ("list", "Pod", ""), ("list", "Pod", "2"), ("list", "Pod", "4"), ("watch", "Pod", "6"), ("watch", "Pod", "9"),
    ]  # fmt: skip


def test_a_bookmark_moves_the_version_on(api: ScriptedApi) -> None:
    followed = Followed(api)
    followed.turn()
    api.put(node("n1"), node("n2"))
    api.faults.append("bookmark")
    followed.now += 170
    assert followed.turn() == Course("8")
    followed.now += 170
    assert len(followed.names) == 5


@pytest.mark.parametrize("fault", ["gone", "gone at once"])
def test_a_version_that_is_forgotten_is_listed_anew(api: ScriptedApi, fault: str) -> None:
    followed = Followed(api)
    followed.turn()
    api.remove(("Pod", "shop", "web-1"))
    api.faults.append(fault)
    assert followed.turn() == Course("", 1, 1.0)
    assert followed.turn() == Course("8", 1, 0.0)
    assert "Pod shop/web-1" not in followed.names


def test_a_watch_that_breaks_off_goes_on_where_it_was(api: ScriptedApi) -> None:
    followed = Followed(api)
    followed.turn()
    api.faults.append("break")
    api.put(pod("late"))
    assert followed.turn() == Course("7", 1, 1.0)
    assert "Pod shop/late" in followed.names
    assert followed.turn().version == "7"
    assert api.asked[-2:] == [("watch", "Pod", "6"), ("watch", "Pod", "7")]


def test_an_event_that_is_none_is_told_and_tried_again(api: ScriptedApi) -> None:
    followed = Followed(api)
    followed.turn()
    api.faults.append("nonsense")
    assert followed.turn() == Course("6", 1, 1.0)
    with pytest.raises(Stalled, match=r"https://cluster\.example answered the watch of pods with something that is no event"):
        followed.state.everything()
    followed.turn()
    assert len(followed.names) == 5


@pytest.mark.parametrize(
    ("kind", "refused", "error", "said"),
    [
        (PODS, Answer(403), Stalled, r"no right to list pods in all namespaces at https://cluster\.example; grant the verb list"),
        (PODS, Answer(401), Stalled, "does not accept these credentials"),
        (PODS, Answer(500), Waiting, r"the pods of https://cluster\.example have yet to be read: .* cannot list pods now \(500\)"),
        (PODS, Answer(404), Stalled, "answered 404 when asked to list pods"),
        (PODS, Answer(200, b'{"items": []}'), Stalled, "without a resourceVersion"),
    ],
)
def test_a_list_that_fails_never_becomes_no_pods(
    api: ScriptedApi, kind: Kind, refused: Answer, error: type[Exception], said: str
) -> None:
    followed = Followed(api, kind)
    api.refused[kind.kind] = refused
    assert [followed.turn().pause for _ in range(3)] == [1.0, 2.0, 4.0]
    with pytest.raises(error, match=said):
        followed.state.everything()
    assert followed.state.synced is False
    api.refused.clear()
    followed.turn()
    assert len(followed.names) == 5


def test_what_may_be_listed_must_be_watched_too(api: ScriptedApi) -> None:
    followed = Followed(api, CLAIMS)
    api.refused_watches["PersistentVolumeClaim"] = Answer(403)
    followed.turn(2)
    with pytest.raises(Stalled, match=r"no right to watch persistentvolumeclaims .* grant the verb watch"):
        followed.state.everything()


def test_without_a_right_that_a_plan_can_do_without_there_is_a_warning(api: ScriptedApi) -> None:
    followed = Followed(api, CLAIMS)
    api.put(plain("PersistentVolumeClaim", "data"))
    api.refused["PersistentVolumeClaim"] = Answer(403)
    assert followed.turn() == Course("", 0, 60.0)
    assert followed.state.everything() == ([], ("no right to list persistentvolumeclaims: pods with volume claims stay unplaced",))
    api.refused.clear()
    followed.turn()
    assert (followed.names, followed.state.everything()[1]) == (["PersistentVolumeClaim data"], ())


def test_a_kind_that_comes_later_is_found(api: ScriptedApi) -> None:
    followed = Followed(api, POOLS)
    api.refused["NodePool"] = Answer(404)
    assert followed.turn() == Course("", 0, 60.0)
    assert followed.state.everything() == ([], ())
    (health,) = followed.state.health()
    assert (health.synced, health.remark) == (True, "https://cluster.example serves no nodepools.karpenter.sh")
    api.refused.clear()
    api.put(plain("NodePool", "general", "karpenter.sh/v1", spec={}))
    followed.turn()
    assert followed.names == ["NodePool general"]
    assert followed.state.health()[0].remark == ""
    api.refused_watches["NodePool"] = Answer(404)
    followed.turn()
    assert followed.state.everything() == ([], ())


def test_an_unforeseen_failure_ends_no_thread(api: ScriptedApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Answer:
        raise KeyError("items")

    followed = Followed(api)
    followed.turn()
    monkeypatch.setattr(api, "watch", fail)
    assert followed.turn().pause == 1.0
    with pytest.raises(Stalled, match=r"following the pods of https://cluster\.example failed: KeyError$"):
        followed.state.everything()


def test_an_object_that_is_wrong_is_kept_for_the_plan_to_name(api: ScriptedApi) -> None:
    followed = Followed(api)
    api.put(pod("wrong", spec={"containers": [container("1", restartPolicy=["x"])]}))
    followed.turn()
    assert "Pod shop/wrong" in followed.names


def test_only_what_decides_is_kept(api: ScriptedApi) -> None:
    secret = {**container("1"), "env": [{"name": "PASSWORD", "value": "hunter2"}], "args": ["hunter2"]}
    api.put(pod("talkative", spec={"containers": [secret]}, annotations={"note": "hunter2"}))
    followed = Followed(api)
    followed.turn()
    api.put(pod("late", spec={"containers": [secret]}))
    followed.turn()
    assert len(followed.names) == 7
    assert not any("hunter2" in str(one.body.plain()) for one in followed.state.everything()[0])


def test_a_follower_that_was_stopped_opens_no_watch_again(api: ScriptedApi) -> None:
    followed = Followed(api)
    followed.follower.stop()
    followed.follower.run()
    assert api.asked == []
