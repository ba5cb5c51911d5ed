"""Law: whatever happened to a cluster and to its watches, what is followed is what a file of its objects says."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.clock import Bell
from gitops.cluster import read_inputs
from gitops.cluster.inputs import make_inputs
from gitops.cluster.live.course import Course
from gitops.cluster.live.following import Follower
from gitops.cluster.live.listing import READ_KINDS
from gitops.cluster.live.state import ClusterState
from gitops.cluster.readings import Readings
from tests.gitops.cluster.live.scripted import ScriptedApi
from tests.gitops.cluster.made import ENVIRONMENT, Object, listed, plain, pod, workload
from tests.gitops.cluster.test_properties import NODES, pods

EPHEMERAL = {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast"}}}}
OTHERS = st.sampled_from([
    workload("DaemonSet", "agent"), workload("DaemonSet", "agent", replicas=1), plain("Namespace", "shop"),
    pod("scratching", spec={"volumes": [EPHEMERAL]}), pod("scratching", spec={"runtimeClassName": "micro"}),
    plain("Service", "web", metadata={"namespace": "shop"}, spec={"selector": {"app": "web"}}),
    plain("Service", "web", metadata={"namespace": "shop"}, spec={"selector": {"app": "db"}}),
    plain("PersistentVolumeClaim", "scratching-scratch", metadata={"namespace": "shop"}, spec={"volumeName": "pv"}),
    plain("PriorityClass", "usual", "scheduling.k8s.io/v1", value=3, globalDefault=True),
    plain("PriorityClass", "usual", "scheduling.k8s.io/v1", value=4, globalDefault=True),
    plain("RuntimeClass", "micro", "node.k8s.io/v1", overhead={"podFixed": {"cpu": "10m"}}),
    plain("LimitRange", "usual", metadata={"namespace": "shop"},
          spec={"limits": [{"type": "Container", "defaultRequest": {"memory": "1Gi"}}]}),
    plain("OVHNodeClass", "default", "karpenter.ovhcloud.sh/v1alpha1", spec={"region": "GRA11"}),
])  # fmt: skip
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.one_of(pods(), NODES, OTHERS)),
        st.tuples(st.just("remove"), st.integers(0, 9)),
        st.tuples(st.just("fault"), st.sampled_from(["break", "gone", "gone at once", "bookmark", "nonsense"])),
    ),
    max_size=15,
)


class Followed:
    """All kinds, followed by hand."""

    def __init__(self, api: ScriptedApi) -> None:
        self.api, self.readings = api, Readings()
        self.state = ClusterState(api.address, READ_KINDS, seconds=lambda: 0.0, bell=Bell())
        self.followers = [Follower(api, kind, self.state, seconds=lambda: 0.0, watched=300) for kind in READ_KINDS]
        self.courses = [Course() for _ in self.followers]

    def turn(self) -> None:
        """Long enough for every kind to be up to date, as long as only one thing goes wrong."""
        for _ in range(5):
            self.courses = [one.turn(course) for one, course in zip(self.followers, self.courses, strict=True)]


def read_file(objects: list[Object]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "objects.json")
        file.write_text(json.dumps(listed(*objects)))
        return read_inputs([file], environment=ENVIRONMENT)


@settings(max_examples=40)
@given(STEPS)
def test_what_is_followed_is_what_the_file_says(steps: list[tuple[str, Any]]) -> None:
    followed = Followed(ScriptedApi())
    for what, given_ in steps:
        if what == "put":
            followed.api.put(given_)
        elif what == "fault":
            followed.api.faults.append(given_)
        elif followed.api.objects:
            keys = sorted(followed.api.objects)
            followed.api.remove(keys[given_ % len(keys)])
        followed.turn()
        items, _ = followed.state.everything()
        made = make_inputs(items, environment=ENVIRONMENT, readings=followed.readings)
        read = read_file(list(followed.api.objects.values()))
        assert made.snapshot == read.snapshot
        assert made.policy == read.policy


CLASSES = (
    plain("PriorityClass", "usual", "scheduling.k8s.io/v1", value=3, globalDefault=True),
    plain("PriorityClass", "usual", "scheduling.k8s.io/v1", value=4, globalDefault=True),
    plain("RuntimeClass", "micro", "node.k8s.io/v1", overhead={"podFixed": {"cpu": "10m"}}),
    plain("LimitRange", "usual", metadata={"namespace": "shop"},
          spec={"limits": [{"type": "Container", "defaultRequest": {"memory": "1Gi"}}]}),
)  # fmt: skip


def test_what_pods_stand_for_changes_with_their_classes() -> None:
    api = ScriptedApi()
    api.put(pod("web", spec={"runtimeClassName": "micro"}), workload("DaemonSet", "agent"))
    followed = Followed(api)
    seen = []
    for one in CLASSES:
        api.put(one)
        followed.turn()
        made = make_inputs(followed.state.everything()[0], environment=ENVIRONMENT, readings=followed.readings).snapshot
        assert made == read_file(list(api.objects.values())).snapshot
        seen.append((made.pods[0].needs, made.daemonsets[0].template.needs))
    assert len(set(seen)) == len(CLASSES)


def test_what_has_not_changed_is_the_very_same_value() -> None:
    api = ScriptedApi()
    api.put(pod("web"), pod("db"), plain("Namespace", "shop"))
    followed = Followed(api)
    followed.turn()
    first = make_inputs(followed.state.everything()[0], environment={}, readings=followed.readings).snapshot
    api.put(pod("web", labels={"x": "1"}))
    followed.turn()
    second = make_inputs(followed.state.everything()[0], environment={}, readings=followed.readings).snapshot
    assert first.pods[0] is second.pods[0]
    assert first.pods[1] is not second.pods[1]


def test_what_only_gone_pods_had_in_common_is_forgotten() -> None:
    api, environment = ScriptedApi(), ENVIRONMENT
    followed = Followed(api)
    followed.turn()
    for number in range(2500):
        api.put(pod("web", labels={"run": str(number)}, spec={"nodeSelector": {"run": str(number)}}))
        if number % 100 == 0:
            api.changes = api.changes[-100:]
            followed.turn()
            make_inputs(followed.state.everything()[0], environment=environment, readings=followed.readings)
    assert followed.readings.needs.size < 1100
