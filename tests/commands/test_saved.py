"""What is saved plans as what it was saved from; and the smaller commands, each on a cluster with two waiting pods."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gitops.catalogs.bundle import bundled
from gitops.ovh.rights import RIGHTS
from gitops.sandbox.cluster import reviews
from tests.commands.tools import Desk, Outcome, new_repository, policy
from tests.commands.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commands.world import World

NOW = ("--now", "2026-03-01T12:00:00Z")
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: REPLICAS
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, resources: {requests: {cpu: "1", memory: 1Gi}}}]}
"""
DAEMONS = """
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: kube-system}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: agent, resources: {requests: {cpu: 100m}}}]}
"""


@pytest.fixture(scope="module")
def busy(world: World) -> World:
    """A cluster with one node that is full, two pods that wait, and its policy in it."""
    world.seed(DAEMONS)
    world.client().create_pool(world_pool())
    until("a node is there", lambda: len(world.cluster.listing("nodes")) == 1)
    world.seed(DEPLOYMENT.replace("REPLICAS", "3"))
    until("three pods are there", lambda: len(world.cluster.listing("pods")) == 4)
    return world


def world_pool() -> Any:
    from tests.gitops.plans import pool  # noqa: PLC0415 - one line for a pool

    return pool("system", 1, zones=("eu-west-par-a",))


@pytest.fixture
def desk(busy: World, tmp_path: Path) -> Iterator[Desk]:
    made = busy.desk(tmp_path)
    made.write({"policy.yaml": policy()})
    yield made
    busy.heal()


def document(outcome: Outcome) -> dict[str, Any]:
    assert outcome.code == 0, outcome
    found: dict[str, Any] = json.loads(outcome.out)
    return found


def test_a_saved_cluster_plans_as_the_live_one(desk: Desk) -> None:
    live = document(desk.run("plan", "--policy", "policy.yaml", "-o", "json", *NOW))
    saved = desk.run("snapshot", "live.json")
    assert (saved.code, saved.out) == (0, "")
    assert "objects in live.json" in saved.err
    again = document(desk.run("plan", "--snapshot", "live.json", "--policy", "policy.yaml", "-o", "json", *NOW))
    assert again == live
    assert sum(len(one["pods"]) for one in live["placements"]) == 2, "two pods wait for a node"
    first = (desk.folder / "live.json").read_bytes()
    desk.run("snapshot", "live.json")
    assert (desk.folder / "live.json").read_bytes() == first


def test_a_snapshot_that_cannot_be_written_is_told(desk: Desk) -> None:
    outcome = desk.run("snapshot", "gone/live.json")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "poolplan: gone/live.json: cannot be written: No such file or directory\n"


def test_what_a_deployment_would_cost_is_planned_beside_a_snapshot(desk: Desk) -> None:
    desk.run("snapshot", "live.json")
    more = DEPLOYMENT.replace("REPLICAS", "2").replace("web", "shop")
    desk.write({"shop.yaml": more, "web.yaml": DEPLOYMENT.replace("REPLICAS", "5")})
    sources = ["--snapshot", "live.json", "--policy", "policy.yaml", "-o", "json", *NOW]
    plain = document(desk.run("plan", *sources))
    with_shop = document(desk.run("plan", "--snapshot", "shop.yaml", *sources))
    grown = document(desk.run("plan", *sources, "--snapshot", "web.yaml"))
    assert [waiting(one) for one in (plain, with_shop, grown)] == [2, 4, 4], "less the pods that are there already"
    assert float(with_shop["cost"]["hourlyAfter"]) > float(plain["cost"]["hourlyAfter"])


def waiting(plan: dict[str, Any]) -> int:
    return sum(len(one["pods"]) for one in plan["placements"])


def test_exit_code_2_says_that_something_changes(desk: Desk) -> None:
    changes = desk.run("plan", "--policy", "policy.yaml", "--detailed-exitcode", *NOW)
    assert changes.code == 2
    desk.write({"small.yaml": policy("b3-8").replace("cpu: 20", "cpu: 0")})
    nothing = desk.run("plan", "--policy", "small.yaml", "--detailed-exitcode", *NOW)
    assert nothing.code == 0, nothing


def test_a_pod_and_a_pool_are_explained(desk: Desk) -> None:
    plan = document(desk.run("plan", "--policy", "policy.yaml", "-o", "json", *NOW))
    (placement,) = plan["placements"]
    pod = desk.run("explain", placement["pods"][0], "--policy", "policy.yaml", *NOW)
    assert pod.code == 0
    (change,) = plan["changes"]
    lines = [line.strip() for line in pod.out.splitlines()]
    assert lines[0] == f"{placement['pods'][0]} goes on {placement['node']}, a node still to come"
    assert {reason["text"] for reason in change["reasons"]} <= set(lines)
    pool = desk.run("explain", placement["pool"], "--policy", "policy.yaml", *NOW)
    assert pool.out.splitlines()[0] == f"pool {placement['pool']}: create, 0 → 1 nodes"
    told = json.loads(desk.run("explain", placement["pool"], "--policy", "policy.yaml", "-o", "json", *NOW).out)
    assert (told["kind"], told["pool"]["reasons"]) == ("Explanation", change["reasons"])
    bare = desk.run("explain", placement["pods"][0].partition("/")[2], "--policy", "policy.yaml", "-o", "markdown", *NOW)
    assert bare.out.startswith("## ")
    system = desk.run("explain", "system", "--policy", "policy.yaml", *NOW)
    assert system.code in (0, 1)
    desk.write({"small.yaml": policy("b3-8").replace("cpu: 20", "cpu: 0")})
    nowhere = desk.run("explain", placement["pods"][0], "--policy", "small.yaml", *NOW)
    assert nowhere.out.startswith(f"{placement['pods'][0]} stays pending\n")
    assert "\n  default, Limits: limits.cpu is 0, 0 in use; one more b3-8 adds 2\n" in nowhere.out


def test_rendering_twice_changes_nothing_and_a_pool_that_goes_takes_its_files_along(desk: Desk) -> None:
    assert desk.run("plan", "--policy", "policy.yaml", "--out", "plan.json", *NOW).code == 0
    first = desk.run("render", "plan.json", "--into", "files")
    assert (first.code, first.out) == (0, "")
    before = desk.contents()
    assert {name for name in before if name.startswith("files/")} >= {
        "files/terraform/provider.tf", "files/manifests/kustomization.yaml"
    }
    again = desk.run("render", "plan.json", "--into", "files")
    assert again.err.endswith("in files, 0 of them changed\n")
    assert desk.contents() == before

    desk.write({"files/notes.bin": "", "files/terraform/own.tf": "# a person's\n"})
    (desk.folder / "files/notes.bin").write_bytes(b"\xff\x00")
    desk.write({"none.yaml": policy("b3-8").replace("cpu: 20", "cpu: 0")})
    assert desk.run("plan", "--policy", "none.yaml", "--out", "plan.json", *NOW).code == 0
    assert desk.run("render", "plan.json", "--into", "files").code == 0
    left = {name for name in desk.contents() if name.startswith("files/")}
    assert not [name for name in left if "karpenter" in name]
    assert {"files/notes.bin", "files/terraform/own.tf"} <= left


def test_render_refuses_what_was_changed_and_where_it_cannot_write(desk: Desk) -> None:
    assert desk.run("plan", "--policy", "policy.yaml", "--out", "plan.json", *NOW).code == 0
    whole = json.loads((desk.folder / "plan.json").read_text("utf-8"))
    whole["changes"][0]["after"]["desiredNodes"] = whole["pools"][0]["desiredNodes"] = 9
    desk.write({"changed.json": json.dumps(whole), "taken": "a file"})
    changed = desk.run("render", "changed.json", "--into", "files")
    assert (changed.code, changed.out) == (1, "")
    assert "changed.json: the plan was changed after it was made" in changed.err
    assert not (desk.folder / "files").exists()
    taken = desk.run("render", "plan.json", "--into", "taken")
    assert (taken.code, taken.out) == (1, "")
    assert taken.err == "poolplan: taken/manifests cannot be written: Not a directory\n"


def test_a_fresh_catalog_is_what_plan_reads(desk: Desk) -> None:
    fresh = desk.run("catalog", "--out", "catalog.yaml")
    assert (fresh.code, fresh.out) == (0, "")
    assert "quota of the project in EU-WEST-PAR: 1 of 1000 instances, 2 of 2000 vCPUs" in fresh.err
    printed = desk.run("catalog")
    assert printed.out == (desk.folder / "catalog.yaml").read_text("utf-8")
    ours = document(desk.run("plan", "--policy", "policy.yaml", "-o", "json", *NOW))
    theirs = document(desk.run("plan", "--policy", "policy.yaml", "--catalog", "catalog.yaml", "-o", "json", *NOW))
    assert theirs["changes"] == ours["changes"]
    elsewhere = desk.run("catalog", "--region", "MARS")
    assert (elsewhere.code, elsewhere.out) == (1, "")


def test_a_flavor_that_cannot_be_had_is_named(busy: World, desk: Desk) -> None:
    busy.fail(scenario="flavor-unavailable", flavor="b3-16")
    assert desk.run("catalog", "--out", "catalog.yaml").code == 0
    desk.write({"policy.yaml": policy("b3-8, b3-16, b9-8")})
    plan = document(desk.run("plan", "--policy", "policy.yaml", "--catalog", "catalog.yaml", "-o", "json", *NOW))
    assert plan["warnings"] == [
        "NodePool default: lists b3-16, which EU-WEST-PAR does not sell",
        "NodePool default: lists b9-8, which the catalog does not know",
    ]
    desk.write({"policy.yaml": policy("b3-16")})
    plan = document(desk.run("plan", "--policy", "policy.yaml", "--catalog", "catalog.yaml", "-o", "json", *NOW))
    assert plan["warnings"][1] == (
        "NodePool default: nothing can be ordered under it: EU-WEST-PAR sells none of its flavors"
    )
    assert [len(one["pods"]) for one in plan["unplaced"]] == [2]
    assert {flavor.name for flavor in bundled().flavors} >= {"b3-8", "b3-16"}


def test_drift_is_told_and_counted_where_asked(busy: World, desk: Desk) -> None:
    fleet = new_repository(desk.folder / "fleet.git")
    fleet.commit({"cluster.yaml": busy.settings(), "policy/policy.yaml": policy()}, "Describe")
    calm = desk.run("drift", "--repo", "fleet.git", "--detailed-exitcode")
    assert (calm.code, calm.out.splitlines()[1].split()[:2]) == (0, ["system", "foreign"]), calm
    proposed = desk.run("propose", "--repo", "fleet.git")
    fleet.merge(proposed.err.partition("branch ")[2].partition(",")[0])
    told = desk.run("drift", "--repo", "fleet.git")
    asked = desk.run("drift", "--repo", "fleet.git", "--detailed-exitcode")
    assert (told.code, asked.code) == (0, 2)
    assert told.out == asked.out
    gone = "karpenter-b3-16-eu-west-par-a"
    assert told.out.splitlines()[1].split() == [gone, "gone", "-", "1", "node", "-", "ask"]
    read = document(desk.run("drift", "--repo", "fleet.git", "-o", "json"))
    assert (read["kind"], read["cluster"], read["drifted"], read["commit"]) == ("Drift", "demo", True, fleet.head())
    (difference,) = (one for one in read["differences"] if one["kind"] != "foreign")
    assert (difference["pool"], difference["kind"], difference["policy"]) == (gone, "gone", "ask")
    patch = json.loads(desk.run("drift", "--repo", "fleet.git", "-o", "patch").out)
    assert [one["op"] for one in patch] == ["test", "remove"]


def test_policy_and_settings_are_validated(busy: World, desk: Desk) -> None:
    desk.write({
        "fleet/clusters/a/cluster.yaml": busy.settings("a"), "fleet/clusters/a/policy/p.yaml": policy(),
        "fleet/clusters/b/cluster.yaml": busy.settings("b"), "fleet/clusters/b/policy/p.yaml": policy("b3-8"),
        "fleet/clusters/b/pools/manifests/x.yaml": "not: ours\n", "fleet/.github/workflow.yaml": "on: push\n",
    })  # fmt: skip
    whole = desk.run("validate", "fleet")
    assert whole.code == 0, whole
    assert whole.err.endswith("poolplan: right: 2 NodePools, 2 OVHNodeClasses, 2 settings files\n")
    desk.write({"fleet/clusters/b/cluster.yaml": busy.settings("b").replace("poolplan.dev/", "poolplan.de/")})
    misspelt = desk.run("validate", "fleet")
    assert "poolplan: fleet/clusters/b/cluster.yaml is left out, and so is the policy beside it" in misspelt.err
    one = desk.run("validate", "policy.yaml")
    assert one.err == "poolplan: right: 1 NodePool, 1 OVHNodeClass, 0 settings files\n"


def test_everything_an_apply_needs_is_looked_at(desk: Desk) -> None:
    outcome = desk.run("validate", "--live")
    assert outcome.code == 0, outcome
    lines = outcome.out.splitlines()
    assert len([line for line in lines if line.startswith("ok    OVH right ")]) == len(RIGHTS)
    assert lines[-5:-3] == [
        "ok    OVH quota: EU-WEST-PAR: 1 of 1000 instances, 2 of 2000 vCPUs, 8 of 8000 GB memory",
        "ok    Kubernetes: 1 nodes and 4 pods can be read",
    ]  # fmt: skip
    assert lines[-3:] == [f"ok    Kubernetes rights to {what}: granted" for what in ("follow", "drain", "show")]


def test_the_fleet_repository_is_looked_at_too(desk: Desk) -> None:
    made = new_repository(desk.folder / "fleet.git")
    made.commit({"cluster.yaml": "kind: Cluster\n"}, "Begin")
    outcome = desk.run("validate", "--live", "--repo", made.path.as_uri())
    assert "can be read and pushed to; it has demo" in outcome.out
    assert made.branches() == ["main"], "nothing is pushed"
    missing = desk.run("validate", "--live", "--repo", "nowhere")
    assert missing.code == 1
    assert "FAIL  repository: nowhere is no folder" in missing.out


def test_a_right_that_is_missing_is_a_failure_only_where_it_is_needed(busy: World, desk: Desk) -> None:
    rules = [{"method": "GET", "path": "*"}, {"method": "PUT", "path": "/cloud/project/*"}]
    body = json.dumps({"status": "validated", "rules": [rule for rule in rules if rule["path"] != "*"]})
    busy.fail(method="GET", path="/auth/currentCredential", status=200, body=body)
    outcome = desk.run("validate", "--live")
    assert outcome.code == 1
    lines = outcome.out.splitlines()
    put = "/cloud/project/{serviceName}/kube/{kubeId}/nodepool/{nodePoolId}"
    assert f"ok    OVH right PUT {put}: granted" in lines
    remedy = "make a consumer key that has it, docs/guides/rights.md says how"
    assert f"FAIL  OVH right DELETE {put}: not granted: no pool is deleted through the API; {remedy}" in lines
    assert f"none  OVH right GET /me: not granted: the subsidiary whose prices count must be named; {remedy}" in lines
    busy.fail(method="GET", path="/auth/currentCredential", status=403, message="This call has not been granted")
    unknown = desk.run("validate", "--live")
    assert unknown.code == 0, unknown
    assert "none  OVH rights: cannot be listed: " in unknown.out


def test_rights_that_the_cluster_does_not_grant_are_named_with_what_is_lost_and_a_way_out(
    busy: World, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    monkeypatch.setitem(reviews._STATUS, review, {"allowed": False, "reason": "nobody said so"})
    outcome = desk.run("validate", "--live")
    assert outcome.code == 0, "a plan of files needs none of them"
    (show,) = [line for line in outcome.out.splitlines() if "Kubernetes rights to show" in line]
    assert show.startswith("none  Kubernetes rights to show: ")
    assert "pods and NodePools do not say what is planned; " in show
    assert show.endswith("; the chart grants it, and docs/guides/rights.md lists all of them")


def test_each_missing_thing_is_said_at_once(desk: Desk) -> None:
    outcome = desk.run("validate", "--live", "--kubeconfig", "gone", OVH_APPLICATION_SECRET="wrong")
    assert outcome.code == 1
    failed = [line.partition(":")[0] for line in outcome.out.splitlines() if line.startswith("FAIL")]
    assert failed == [f"FAIL  {name}" for name in ("OVH cluster", "OVH pools", "region", "Kubernetes")]
