"""NodePool and OVHNodeClass manifests: every field that Karpenter's users write is understood or spoken of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gitops.cluster import Inputs, read_inputs, read_policy
from gitops.errors import InputError, InputErrors
from planner.labels import OS, REGION, ZONE
from planner.policy import Consolidation, DisruptionBudget, DisruptionReason, NodeClass, NodePool
from planner.requirements import Requirement
from planner.resources import Resources
from planner.taints import Taint

from .made import ENVIRONMENT, plain, read

if TYPE_CHECKING:
    from planner.policy import Policy

FOLDER = Path(__file__).parents[2] / "data" / "cluster" / "karpenter"
PROJECT = ENVIRONMENT["OVH_SERVICE_NAME"]


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return read_policy([FOLDER], ENVIRONMENT)


@pytest.fixture(scope="module")
def policy(inputs: Inputs) -> Policy:
    return inputs.policy


def pool(policy: Policy, name: str) -> NodePool:
    return next(one for one in policy.node_pools if one.name == name)


def test_understands_every_field_of_the_schema(inputs: Inputs) -> None:
    assert inputs.warnings == ()


def test_counts_what_is_no_policy(inputs: Inputs) -> None:
    assert inputs.unknown_kinds == {"NodePool.kube.cloud.ovh.com": 1, "Secret": 1}


def test_node_classes(policy: Policy) -> None:
    assert policy.node_classes == (
        NodeClass(name="apart", service_name=PROJECT, anti_affinity=True),
        NodeClass(name="default", service_name=PROJECT, kube_id="kube-1", region="GRA11", tags=(("team", "platform"),)),
        NodeClass(name="monthly", service_name=PROJECT, monthly_billed=True),
    )


def test_a_basic_pool(policy: Policy) -> None:
    assert pool(policy, "basic") == NodePool(
        name="basic",
        node_class="default",
        requirements=tuple(
            Requirement(key, frozenset(values))
            for key, values in (
                ("karpenter.sh/capacity-type", ["on-demand"]),
                ("kubernetes.io/arch", ["amd64"]),
                ("kubernetes.io/os", ["linux"]),
                ("node.kubernetes.io/instance-type", ["b3-8", "b3-16"]),
            )
        ),
        labels=(("purpose", "basic"),),
        limits=Resources.of({"cpu": 20_000, "memory": 40 * 1024**3}),
        limited=("cpu", "memory"),
        consolidate_after=60,
    )


def test_a_pool_with_every_field(policy: Policy) -> None:
    made = pool(policy, "everything")
    assert made.weight == 10
    assert made.labels == ((OS, "linux"), ("purpose", "everything"))
    assert made.annotations == (("example.com/owner", "platform"),)
    assert {str(one): one.min_values for one in made.requirements} == {
        "node.kubernetes.io/instance-type In [b2-15, b2-30, b2-7]": 2,
        f"{ZONE} NotIn [eu-west-par-c]": 0,
        "karpenter.ovhcloud.sh/instance-cpu >= 3 and karpenter.ovhcloud.sh/instance-cpu <= 32": 0,
        "example.com/legacy DoesNotExist": 0,
        f"{REGION} Exists": 0,
    }
    assert made.taints == (Taint("team", "platform"),)
    assert made.startup_taints == (Taint("example.com/agent-not-ready", "", "NoExecute"),)
    assert (made.expire_after, made.termination_grace_period, made.consolidate_after) == (None, 5400, None)
    assert made.consolidation is Consolidation.WHEN_EMPTY


def test_a_limit_of_zero_is_still_a_limit(policy: Policy) -> None:
    made = pool(policy, "everything")
    assert made.limited == ("cpu", "memory", "nodes", "nvidia.com/gpu")
    assert made.limits.get("nodes") == 0


def test_budgets(policy: Policy) -> None:
    assert pool(policy, "everything").budgets == (
        DisruptionBudget(percent=10),
        DisruptionBudget(
            nodes=0, schedule="0 23 * * *", duration=20 * 3600,
            reasons=(DisruptionReason.EMPTY, DisruptionReason.DRIFTED),
        ),
        DisruptionBudget(nodes=3),
    )  # fmt: skip
    assert pool(policy, "basic").budgets is None


def test_a_fixed_pool(policy: Policy) -> None:
    assert pool(policy, "fixed").replicas == 3


def test_the_old_version_says_the_same_in_other_places(policy: Policy) -> None:
    made = pool(policy, "old")
    assert (made.node_class, made.expire_after) == ("default", 24 * 3600)
    assert made.consolidation is Consolidation.WHEN_EMPTY_OR_UNDERUTILIZED


def test_defaults_are_karpenters(tmp_path: Path) -> None:
    made = read(tmp_path, node_pool(), node_class()).policy.node_pools[0]
    assert made == NodePool(name="general", node_class="default")
    assert (made.consolidate_after, made.expire_after, made.weight) == (0, 720 * 3600, 0)


def test_a_field_that_is_not_known_is_named_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "class.yaml"
    file.write_text(
        "apiVersion: karpenter.ovhcloud.sh/v1alpha1\nkind: OVHNodeClass\nmetadata: {name: default}\n"
        "spec:\n  region: GRA11\n  subnet: [a]\nextra: 1\n"
    )
    warnings = read_policy([file], {}).warnings
    known = "is not a field poolplan knows; it changes nothing (in OVHNodeClass default)"
    assert warnings == (f"{file}:6:3: spec.subnet {known}", f"{file}:7:8: extra {known}")


@pytest.mark.parametrize(
    ("path", "spec"),
    [
        ("spec.nodes", {"nodes": 3}),
        ("spec.disruption.expireAfter", {"disruption": {"expireAfter": "1h"}}),
        ("spec.disruption.budgets[0].crontab", {"disruption": {"budgets": [{"nodes": "1", "crontab": "x"}]}}),
    ],
)
def test_unknown_fields_at_any_depth(tmp_path: Path, path: str, spec: dict[str, Any]) -> None:
    warnings = read(tmp_path, node_pool(**spec), node_class()).warnings
    assert [warning.split(": ", 1)[1].split(" ")[0] for warning in warnings] == [path]


def test_placeholders_are_filled_from_the_environment_and_escaped_ones_kept(tmp_path: Path) -> None:
    written = node_class(tags={"a": "x-${OVH_REGION}-y", "b": "$${KEPT}"})
    assert read(tmp_path, written).policy.node_classes[0].tags == (("a", "x-GRA11-y"), ("b", "${KEPT}"))


def test_placeholders_elsewhere_are_left_alone(tmp_path: Path) -> None:
    secret = plain("Secret", "s", stringData={"key": "${NOT_SET}"})
    assert read(tmp_path, secret).unknown_kinds == {"Secret": 1}


def test_balanced_is_taken_as_the_more_careful_policy_and_said_so(tmp_path: Path) -> None:
    read_one = read(tmp_path, node_pool(disruption={"consolidationPolicy": "Balanced"}), node_class())
    assert read_one.policy.node_pools[0].consolidation is Consolidation.WHEN_EMPTY
    assert "Balanced is taken as WhenEmpty" in read_one.warnings[0]


def test_up_to_ten_faults_are_told_at_once(tmp_path: Path) -> None:
    requirements = [{"key": f"key-{number}", "operator": "Is"} for number in range(14)]
    with pytest.raises(InputErrors) as caught:
        read(tmp_path, node_pool(requirements=requirements), node_class())
    assert len(caught.value.errors) == 10
    assert str(caught.value).endswith("\nand 4 more")


def test_a_given_policy_replaces_that_of_the_snapshot(tmp_path: Path) -> None:
    live, own = tmp_path / "live", tmp_path / "own"
    live.mkdir()
    own.mkdir()
    read(live, node_pool(), node_class())
    read(own, node_pool(weight=7), node_class())
    files = ([live / "objects.json"], [own / "objects.json"])
    inputs = read_inputs(files[0], environment={}, policy_paths=files[1])
    assert [one.weight for one in inputs.policy.node_pools] == [7]
    assert inputs.warnings == ("2 policy objects of the snapshot are not used: a policy was given",)


def test_the_same_manifest_in_two_files_is_one(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text((FOLDER / "node-classes.yaml").read_text())
    assert len(read_policy([tmp_path], ENVIRONMENT).policy.node_classes) == 3


def test_an_unset_variable_is_an_error_with_the_place_even_when_others_are_set() -> None:
    without = {key: value for key, value in ENVIRONMENT.items() if key != "OVH_KUBE_ID"}
    with pytest.raises(InputError, match=r"node-classes\.yaml:8:11: spec\.kubeId: .*OVH_KUBE_ID is not set"):
        read_policy([FOLDER], without)


def node_pool(*, requirements: list[dict[str, Any]] | None = None, **spec: Any) -> dict[str, Any]:
    node = {"nodeClassRef": {"name": "default"}, "requirements": requirements or []}
    return plain("NodePool", "general", "karpenter.sh/v1", spec={"template": {"spec": node}, **spec})


def node_class(**spec: Any) -> dict[str, Any]:
    return plain("OVHNodeClass", "default", "karpenter.ovhcloud.sh/v1alpha1", spec=spec)
