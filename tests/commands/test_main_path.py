"""From waiting pods to nodes and back, with the commands a user types, the sandbox and a real Terraform."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.sandbox.cluster.store import Key
from tests.commands.tools import Desk, FleetRepository, Outcome, git, new_repository, policy
from tests.commands.waiting import until

if TYPE_CHECKING:

    from tests.commands.world import World

POOL = "karpenter-b3-8-eu-west-par-a"
TF = f"pools/terraform/pool-{POOL}.tf"
#: Two of these do not fit on one b3-8.
POD = """
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: default}}
spec: {{containers: [{{name: main, image: pause, resources: {{requests: {{cpu: {cpu}, memory: 1Gi}}}}}}]}}
"""


@pytest.fixture
def fleet(world: World, desk: Desk) -> FleetRepository:
    """A bare repository with settings and a policy of b3-8 alone; the provider and the cluster are empty."""
    clear(world)
    made = new_repository(desk.folder / "fleet.git")
    made.commit({"cluster.yaml": world.settings(), "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    return made


def clear(world: World) -> None:
    world.heal()
    for pod in world.cluster.listing("pods"):
        world.cluster.delete(Key("pods", "default", str(pod["metadata"]["name"])), {})  # type: ignore[index, call-overload]
    client = world.client()
    for pool in client.pools():
        assert pool.state is not None
        client.delete_pool(pool.state.id)
    until("the provider is empty", lambda: not len(client.pools()))
    until("the cluster is empty", lambda: not nodes(world))


def nodes(world: World) -> list[str]:
    return [str(one["metadata"]["name"]) for one in world.cluster.listing("nodes")]  # type: ignore[index, call-overload]


def placed(world: World) -> dict[str, str]:
    """Where the pods run."""
    pods = world.cluster.listing("pods")
    return {str(one["metadata"]["name"]): str(one["spec"].get("nodeName", "")) for one in pods}  # type: ignore[index, call-overload, union-attr]


def pods(world: World, *names: str, cpu: str = "1500m") -> None:
    for name in names:
        world.seed(POD.format(name=name, cpu=cpu))


def propose(desk: Desk, **more: str) -> tuple[Outcome, str]:
    """The outcome, and the branch that it names."""
    outcome = desk.run("propose", "--repo", "fleet.git", **more)
    return outcome, branch_of(outcome)


def branch_of(outcome: Outcome) -> str:
    """The branch that a proposal names; empty where there is none."""
    return outcome.err.partition("branch ")[2].partition(",")[0]


def apply(desk: Desk, world: World, terraform: str, *more: str) -> Outcome:
    return apply_from("fleet.git", desk, world, terraform, *more)


def apply_from(repository: str, desk: Desk, world: World, terraform: str, *more: str) -> Outcome:
    where = ["--cli-config", str(world.cli_config), "--program", terraform]
    return desk.run("apply", "--repo", repository, *where, *more)


def approve(desk: Desk, fleet: FleetRepository) -> str:
    outcome, branch = propose(desk)
    assert outcome.code == 0, outcome
    fleet.merge(branch)
    return branch


def sizes(world: World) -> dict[str, int]:
    return {pool.name: pool.desired for pool in world.client().pools()}


def test_pods_become_a_proposal_an_approval_and_nodes(
    world: World, desk: Desk, fleet: FleetRepository, terraform: str
) -> None:
    main = fleet.head()
    outcome, _ = propose(desk)
    assert (outcome.code, outcome.err) == (0, "poolplan: nothing to propose\n")
    assert (fleet.head(), fleet.branches()) == (main, ["main"])

    pods(world, "one", "two")
    outcome, branch = propose(desk)
    assert outcome.code == 0
    assert f"+ {POOL}" in outcome.out
    assert fleet.head() == main, "a proposal is not an approval"
    again, _ = propose(desk)
    assert again.err == outcome.err.replace("opened", "stands")

    refused = apply(desk, world, terraform)
    assert refused.code == 3
    assert refused.err == (
        "poolplan: nothing is approved: there is no clusters/demo/plan.json; plan with poolplan propose, review and "
        "merge\n"
    )
    assert sizes(world) == {}

    fleet.merge(branch)
    applied = apply(desk, world, terraform)
    assert (applied.code, applied.out) == (0, f"Applied {digest_of(fleet)}: 1 pool changed, 0 nodes removed.\n"), applied
    assert sizes(world) == {POOL: 2}
    until("both pods run", lambda: all(placed(world).values()))
    repeated = apply(desk, world, terraform)
    assert (repeated.code, repeated.out) == (0, "Nothing to do: the approved plan is in effect.\n"), repeated
    merged, _ = propose(desk)
    assert merged.err == "poolplan: up tidied up (it is merged)\n", merged
    nothing, _ = propose(desk)
    assert nothing.err == "poolplan: nothing to propose\n", nothing


def test_the_same_plan_is_the_same_commit_from_two_clones(world: World, desk: Desk, fleet: FleetRepository) -> None:
    pods(world, "one")
    commits = {proposed_by(desk, clone, fleet) for clone in ("one", "two")}
    git("clone", "--quiet", "--bare", fleet.path, desk.folder / "bare.git")
    outcome = desk.run("propose", "--repo", "bare.git", "--now", "2026-03-01T12:00:00Z")
    assert outcome.code == 0, outcome
    commits.add(git("--git-dir", desk.folder / "bare.git", "rev-parse", branch_of(outcome)))
    assert len(commits) == 1


def proposed_by(desk: Desk, name: str, fleet: FleetRepository) -> str:
    """The commit that a person proposes from a clone; the proposal is deleted again."""
    git("clone", "--quiet", fleet.path, desk.folder / name)
    outcome = desk.run("propose", "--repo", name, "--now", "2026-03-01T12:00:00Z")
    assert outcome.code == 0, outcome
    assert "opened" in outcome.err
    commit = fleet.head(branch_of(outcome))
    for branch in (branch_of(outcome), "poolplan/demo/ledger"):
        git("update-ref", "-d", f"refs/heads/{branch}", cwd=fleet.path)
    return commit


@pytest.fixture
def running(world: World, desk: Desk, fleet: FleetRepository, terraform: str) -> FleetRepository:
    """Two pods on two nodes of one pool, by the approved plan."""
    pods(world, "one", "two")
    approve(desk, fleet)
    applied = apply(desk, world, terraform)
    assert applied.code == 0, applied
    until("both pods run", lambda: all(placed(world).values()))
    return fleet


def test_the_named_node_leaves_and_no_other(world: World, desk: Desk, running: FleetRepository, terraform: str) -> None:
    oldest, newest = nodes_in_order(world)
    (pod,) = [name for name, node in placed(world).items() if node == oldest]
    delete_pod(world, pod)
    world.clock.sleep(timedelta(minutes=5))
    approve(desk, running)
    assert json.loads(running.read("plan.json"))["changes"][0]["victims"] == [oldest]

    pods(world, "late", cpu="100m")
    until("somebody uses the node again", lambda: placed(world)["late"] == oldest)
    refused = apply(desk, world, terraform)
    assert refused.code == 3, refused
    assert refused.err == (
        "poolplan: nodes that the plan removes are in use now; nothing was changed, plan again\n"
        f"  - {oldest} holds pods that would be evicted\n"
    )
    assert not any(one["spec"].get("unschedulable") for one in world.cluster.listing("nodes"))  # type: ignore[union-attr]
    delete_pod(world, "late")

    blind = apply(desk, world, terraform, "--kubeconfig", "gone")
    assert blind.code == 3, blind
    assert blind.err.splitlines()[0] == (
        "poolplan: nodes would leave, and no cluster is at hand to see that they are still empty; nothing was changed"
    )
    assert blind.err.splitlines()[1].startswith("  - gone: no cluster to read: ")
    assert blind.err.endswith("give --kubeconfig or --context\n")
    assert sizes(world) == {POOL: 2}

    applied = apply(desk, world, terraform)
    assert (applied.code, applied.out) == (0, f"Applied {digest_of(running)}: 0 pools changed, 1 node removed.\n"), applied
    assert applied.err == f"poolplan: cordoned {oldest}\npoolplan: {POOL}: removing {oldest}\n"
    assert sizes(world) == {POOL: 1}
    until("the node is gone", lambda: nodes(world) == [newest])
    again = apply(desk, world, terraform, "--kubeconfig", "gone")
    assert again.out == "Nothing to do: the approved plan is in effect.\n", "no cluster is needed where nobody leaves"


def delete_pod(world: World, name: str) -> None:
    world.cluster.delete(Key("pods", "default", name), {})
    until(f"pod {name} is gone", lambda: name not in placed(world))


def nodes_in_order(world: World) -> list[str]:
    client = world.client()
    (pool,) = client.pools()
    assert pool.state is not None
    bodies = world.sandbox.model.list_nodes(pool.state.id)
    return [str(body["name"]) for body in bodies]


def test_what_was_changed_after_the_plan_is_refused(
    world: World, desk: Desk, running: FleetRepository, terraform: str
) -> None:
    pods(world, "three")
    approve(desk, running)
    good = running.head()

    client = world.client()
    (pool,) = client.pools()
    client.update_pool(pool, pool.resized(5))
    drifted = apply(desk, world, terraform)
    assert drifted.code == 3
    assert drifted.err == (
        "poolplan: terraform would not do exactly what was approved; nothing was changed\n"
        f"  - {POOL}: it has changed since the plan: desired_nodes is 5, the plan says 2\n"
        "  - what to do: set back what was changed outside, or plan, review and merge anew\n"
    )
    assert sizes(world) == {POOL: 5}
    drift = desk.run("drift", "--repo", "fleet.git", "--detailed-exitcode")
    assert (drift.code, drift.out) == (2, drift.out)
    assert drift.out.splitlines()[1].split() == [POOL, "size", "desiredNodes", "3", "5", "ask"]
    state = desk.run(
        "drift", "--repo", "fleet.git", "--engine-state", "--cli-config", str(world.cli_config), "--program", terraform,
        "-o", "json",
    )  # fmt: skip
    assert [(one["kind"], one["declared"], one["observed"]) for one in json.loads(state.out)["differences"]] == [
        ("size", 3, 5), ("engine-state", 2, 5),
    ], state  # fmt: skip
    assert pool.state is not None
    client.update_pool(client.pool(pool.state.id), pool)
    until("five nodes are two again", lambda: len(nodes(world)) == 2)

    text = running.read(TF)
    assert "desired_nodes = 3" in text
    approved = digest_of(running)
    sneaked = running.commit({TF: text.replace("desired_nodes = 3", "desired_nodes = 4")}, "One more by hand")
    by_hand = apply(desk, world, terraform)
    assert (by_hand.code, by_hand.out) == (3, f"Applied {approved}: 1 pool changed, 0 nodes removed.\n")
    assert by_hand.err.endswith(
        "poolplan: what main asks for is not approved as it stands; plan with poolplan propose, review and merge\n"
        f"  - {sneaked[:12]} changes pools by hand: a change by hand needs a plan of its own\n"
    )
    assert sizes(world) == {POOL: 3}

    git("--git-dir", running.path, "update-ref", "refs/heads/main", good)
    plan = json.loads(running.read("plan.json"))
    plan["changes"][0]["after"]["desiredNodes"] = plan["pools"][0]["desiredNodes"] = 9
    running.commit({"plan.json": json.dumps(plan), TF: text.replace("= 3", "= 9")}, "Sneak")
    tampered = apply(desk, world, terraform)
    assert tampered.code == 3
    assert "the plan was changed after it was made" in tampered.err
    assert sizes(world) == {POOL: 3}


def digest_of(fleet: FleetRepository) -> str:
    """The digits of main's plan that people are shown."""
    return str(json.loads(fleet.read("plan.json"))["digest"])[7:19]


def test_drift_is_put_back_or_taken_into_git(
    world: World, desk: Desk, running: FleetRepository, terraform: str
) -> None:
    declared, before = running.read(TF), nodes(world)
    client = world.client()
    (pool,) = client.pools()
    client.update_pool(pool, pool.resized(3))
    until("a third node is there", lambda: len(nodes(world)) == 3)
    (new,) = set(nodes(world)) - set(before)

    asked, branch = propose(desk)
    assert branch == "poolplan/demo/drift", asked
    assert "desired_nodes = 3" in running.read(TF, at=branch)
    git("--git-dir", running.path, "update-ref", "-d", f"refs/heads/{branch}")
    closed, _ = propose(desk)
    assert "drift declined" in closed.err, closed
    other, branch = propose(desk)
    assert branch == "poolplan/demo/restore", other
    running.merge(branch)
    assert running.read(TF) == declared, "the files say what they said"
    assert json.loads(running.read("plan.json"))["changes"][0]["victims"] == [new]
    applied = apply(desk, world, terraform)
    assert (applied.code, applied.out) == (0, f"Applied {digest_of(running)}: 0 pools changed, 1 node removed.\n"), applied
    assert sizes(world) == {POOL: 2}
    until("the third node is gone", lambda: sorted(nodes(world)) == sorted(before))
    propose(desk)
    calm = desk.run("drift", "--repo", "fleet.git", "--detailed-exitcode")
    assert (calm.code, calm.out) == (0, ""), calm

    (pool,) = client.pools()
    client.update_pool(pool, replace(pool, maximum=9))
    taken, branch = propose(desk)
    assert branch == "poolplan/demo/drift", taken
    running.merge(branch)
    applied = apply(desk, world, terraform)
    assert (applied.code, applied.out) == (0, f"Applied {digest_of(running)}: taken into Git, nothing changed.\n"), applied
    calm = desk.run("drift", "--repo", "fleet.git", "--detailed-exitcode")
    assert (calm.code, calm.out) == (0, ""), calm
    propose(desk)
    repeated = apply(desk, world, terraform)
    assert (repeated.code, repeated.out) == (0, "Nothing to do: the approved plan is in effect.\n"), repeated
