"""What is written into the cluster: only what is new, once, and never more than the API server allows."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from threading import Event as Signal
from typing import TYPE_CHECKING, Any

import pytest

from gitops.cluster.live.api import Answer
from gitops.controller.saying import MOST_EVENTS, Speaker, Voice
from gitops.errors import Stalled, Waiting
from gitops.loop.steps import Step
from tests.gitops.controller.test_seen import opened, view_of, waiting
from tests.gitops.loop.town import TownClock
from tests.planner.cluster import NOW, inputs_of, node_class, node_pool, pod

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitops.cluster.connection import Place
    from gitops.controller.view import View

Object = dict[str, Any]
POOL = ("nodepools", "default")


@dataclass
class FakeServer:
    """The calls that a speaker makes, over objects in memory. ``refuse`` gives a status for a call by its name."""

    address: str = "https://cluster.test"
    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    events: dict[str, Object] = field(default_factory=dict)
    refuse: Callable[[str], int] = lambda _: 0
    calls: list[str] = field(default_factory=list)

    def _answer(self, call: str, status: int, body: object = None) -> Answer:
        self.calls.append(call)
        return Answer(self.refuse(call) or status, json.dumps(body or {}).encode())

    def create_event(self, namespace: str, body: Mapping[str, Any]) -> Answer:
        assert body["metadata"]["namespace"] == namespace
        name, known = body["metadata"]["name"], body["metadata"]["name"] in self.events
        if not self.refuse("event"):
            self.events.setdefault(name, dict(body))
        return self._answer("event", 409 if known else 201)

    def read_cluster_object(self, place: Place) -> Answer:
        found = self.objects.get((place.plural, place.name))
        return self._answer(f"read {place.plural}", 200 if found else 404, found)

    def create_cluster_object(self, place: Place, body: Mapping[str, Any]) -> Answer:
        known = (place.plural, place.name) in self.objects
        if not self.refuse(f"create {place.plural}"):
            self.objects.setdefault((place.plural, place.name), dict(body))
        return self._answer(f"create {place.plural}", 409 if known else 201)

    def patch_cluster_status(self, place: Place, status: Mapping[str, Any]) -> Answer:
        found = self.objects.get((place.plural, place.name))
        if found is not None:
            found["status"] = {**found.get("status", {}), **status}
        return self._answer(f"status {place.plural}", 200 if found else 404)

    def delete_cluster_object(self, place: Place) -> Answer:
        gone = self.objects.pop((place.plural, place.name), None)
        return self._answer(f"delete {place.plural}", 200 if gone else 404)


@dataclass
class Scene:
    server: FakeServer = field(default_factory=FakeServer)
    clock: TownClock = field(default_factory=TownClock)
    remarks: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.speaker = self.anew()

    def anew(self) -> Speaker:
        """A speaker that knows nothing of what was said: after a restart."""
        return Speaker(api=self.server, clock=self.clock, remark=self.remarks.append)  # type: ignore[arg-type]

    def tell(self, view: View) -> list[str]:
        """The calls that it took."""
        self.server.calls.clear()
        self.speaker.tell(view)
        return list(self.server.calls)


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.server.objects[POOL] = {
        "metadata": {"name": "default", "generation": 4, "uid": "uid-of-default"},
        "status": {"conditions": [{"type": "ValidationSucceeded", "status": "True"}]},
    }
    return made


PROPOSED = view_of(waiting(), done=opened())


def about(scene: Scene, kind: str) -> list[Object]:
    """The Events on objects of this kind, in the order they were written."""
    return [one for one in scene.server.events.values() if one["involvedObject"]["kind"] == kind]


def test_a_pod_hears_of_each_step_once(scene: Scene) -> None:
    scene.tell(PROPOSED)
    (event,) = about(scene, "Pod")
    assert (event["reason"], event["type"], event["involvedObject"]["kind"]) == ("CapacityProposed", "Normal", "Pod")
    assert "event" not in scene.tell(PROPOSED)
    scene.tell(view_of(waiting(declared=1, observed=1)))
    assert [one["reason"] for one in about(scene, "Pod")] == ["CapacityProposed", "NodeJoining"]


def test_after_a_restart_nothing_is_said_twice(scene: Scene) -> None:
    scene.tell(PROPOSED)
    scene.speaker = scene.anew()
    assert "event" in scene.tell(PROPOSED)
    assert len(about(scene, "Pod")) == 1
    assert "event" not in scene.tell(PROPOSED), "what the server knows already counts as said"


def test_a_wave_of_pods_is_told_of_in_several_passes(scene: Scene) -> None:
    many = inputs_of([
        node_class(), node_pool("default", ("b3-8",)), *(pod(f"web-{number}") for number in range(MOST_EVENTS + 5)),
    ])  # fmt: skip
    view = view_of(many, done=opened())
    for told in (MOST_EVENTS, MOST_EVENTS + 5, MOST_EVENTS + 5):
        calls = scene.tell(view)
        assert len(about(scene, "Pod")) == told
    assert "event" not in calls


def test_conditions_carry_their_generation_and_leave_others_alone(scene: Scene) -> None:
    scene.tell(PROPOSED)
    kept, ready, reconciling, stalled = scene.server.objects[POOL]["status"]["conditions"]
    assert kept["type"] == "ValidationSucceeded"
    assert (ready["type"], ready["status"], ready["observedGeneration"]) == ("Ready", "True", 4)
    assert (stalled["type"], stalled["status"]) == ("Stalled", "False")
    assert reconciling["lastTransitionTime"] == "2026-03-01T12:00:00Z"
    assert "read nodepools" not in scene.tell(PROPOSED), "nothing new, so nothing is read"
    scene.clock.sleep(timedelta(minutes=5))
    scene.tell(view_of(waiting(declared=1)))
    _, again, *_ = scene.server.objects[POOL]["status"]["conditions"]
    assert again["lastTransitionTime"] == "2026-03-01T12:00:00Z", "only a change of status is a transition"


def test_a_node_pool_hears_of_what_is_under_way_whenever_that_changes(scene: Scene) -> None:
    scene.tell(view_of(waiting(), done=opened()))
    scene.tell(view_of(waiting(), done=opened()))
    scene.tell(view_of(waiting(declared=1)))
    scene.tell(view_of(waiting(declared=1, observed=1)))
    name = "karpenter-b3-8-eu-west-par-a"
    told = [(one["type"], one["reason"], one["message"]) for one in about(scene, "NodePool")]
    assert told == [
        ("Normal", "ChangeProposed", f"#12: {name} +1"),
        ("Normal", "NodesToCome", f"{name}: 1 node is approved and not ordered yet"),
        ("Normal", "NodesToCome", f"{name}: 1 node is joining"),
    ]
    scene.tell(view_of(waiting()))
    assert len(about(scene, "NodePool")) == 3, "that nothing is under way is told by the condition"


def test_after_a_restart_a_node_pool_hears_nothing_twice(scene: Scene) -> None:
    view = view_of(waiting(declared=1, observed=1))
    scene.tell(view)
    (event,) = about(scene, "NodePool")
    assert event["involvedObject"] == {
        "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": "default", "uid": "uid-of-default",
    }  # fmt: skip
    scene.speaker = scene.anew()
    assert scene.tell(view).count("event") == 1, "that of the pod, which the server knows; the condition stands"


def test_passes_that_fail_for_minutes_are_told_beside_what_was_said(scene: Scene) -> None:
    scene.tell(PROPOSED)
    said = scene.server.objects[POOL]["status"]["conditions"]
    failing = [
        replace(PROPOSED, problem="the API is away", at=NOW + timedelta(minutes=minutes)) for minutes in (4, 5, 6)
    ]
    assert scene.tell(failing[0]) == [], "another pass may follow soon"
    scene.tell(failing[1])
    *others, stalled = scene.server.objects[POOL]["status"]["conditions"]
    assert {one["type"]: one for one in others} == {one["type"]: one for one in said[:-1]}
    assert (stalled["type"], stalled["status"], stalled["message"]) == ("Stalled", "True", "the API is away")
    warning = about(scene, "NodePool")[-1]
    assert (warning["type"], warning["reason"]) == ("Warning", "PassFails")
    assert not {"event", "status nodepools"} & set(scene.tell(failing[2])), "said once"
    scene.tell(PROPOSED)
    assert scene.server.objects[POOL]["status"]["conditions"][-1]["status"] == "False"


def test_a_policy_that_is_only_in_git_has_nothing_to_show(scene: Scene) -> None:
    scene.server.objects.clear()
    scene.tell(PROPOSED)
    assert "status nodepools" not in scene.server.calls
    assert scene.remarks == []


def test_a_scale_plan_comes_changes_and_goes(scene: Scene) -> None:
    scene.tell(PROPOSED)
    plan = scene.server.objects["scaleplans", "prod-up"]
    assert (plan["spec"], plan["status"]["state"]) == ({}, "proposed")
    assert "status scaleplans" not in scene.tell(PROPOSED)
    scene.tell(view_of(waiting(), done=opened(Step.MERGE)))
    assert scene.server.objects["scaleplans", "prod-up"]["status"]["state"] == "approved"
    scene.tell(view_of(waiting(declared=1)))
    assert ("scaleplans", "prod-up") not in scene.server.objects
    assert "delete scaleplans" not in scene.tell(view_of(waiting(declared=1)))


def test_what_an_earlier_process_left_goes_too(scene: Scene) -> None:
    scene.server.objects["scaleplans", "prod-down"] = {"metadata": {"name": "prod-down"}}
    scene.tell(PROPOSED)
    assert ("scaleplans", "prod-down") not in scene.server.objects


def test_a_missing_right_is_told_once_and_hinders_nothing_else(scene: Scene) -> None:
    scene.server.refuse = lambda call: 403 if call == "event" else 0
    scene.tell(PROPOSED)
    scene.tell(PROPOSED)
    assert scene.remarks == ["events cannot be written: https://cluster.test answers 403; see its rights"]
    assert "status" in scene.server.objects["scaleplans", "prod-up"]


def test_a_server_that_fails_is_asked_again_with_the_next_view(scene: Scene) -> None:
    scene.server.refuse = lambda _: 503
    with pytest.raises(Stalled, match="answers 503 to events"):
        scene.tell(PROPOSED)
    scene.server.refuse = lambda _: 0
    scene.tell(PROPOSED)
    assert len(about(scene, "Pod")) == 1


@pytest.mark.parametrize("changed", [{"leads": False}, {"problem": "no answer"}, {"planned": None}])
def test_only_a_leader_that_knows_something_speaks(scene: Scene, changed: dict[str, Any]) -> None:
    assert scene.tell(replace(PROPOSED, **changed)) == []


def test_a_voice_says_the_newest_view_and_survives_what_goes_wrong(scene: Scene) -> None:
    told, views = Signal(), []

    class Once(Speaker):
        def tell(self, view: View) -> None:
            views.append(view)
            told.set()
            if len(views) == 1:
                raise Waiting("the server is away")

    voice = Voice(Once(api=scene.server, clock=scene.clock, remark=scene.remarks.append))  # type: ignore[arg-type]
    voice(PROPOSED)
    assert told.wait(10)
    told.clear()
    later = replace(PROPOSED, passes=9)
    voice(later)
    assert told.wait(10)
    voice.stop()
    assert views == [PROPOSED, later]
    assert scene.remarks == ["the cluster could not be told: the server is away"]
