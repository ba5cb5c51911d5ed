"""An apply without review, as a user types it: at once, within its limits, and with the same record afterwards."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from gitops.apply.hands import Applied
from gitops.commands.emergency import _tell
from gitops.emergency import opening
from gitops.emergency.opening import Outcome as Settled
from gitops.errors import Interrupted
from gitops.serving import Served, listen
from planner.drift import Drift, DriftKind
from renderer.drift import drift_text
from tests.commands.test_main_path import POOL, TF, apply, clear, nodes, placed, pods
from tests.commands.tools import Desk, FleetRepository, Outcome, git, new_repository, policy
from tests.commands.waiting import until
from tests.gitops.git.test_signing import needs_ssh, ssh_key

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from tests.commands.world import World

BRANCH = "poolplan/demo/emergency"
URGENT = """
apiVersion: v1
kind: Pod
metadata: {name: urgent, namespace: default}
spec:
  priorityClassName: high
  priority: 2000
  containers: [{name: main, image: pause, resources: {requests: {cpu: 1500m, memory: 1Gi}}}]
"""


@pytest.fixture
def fleet(world: World, desk: Desk) -> FleetRepository:
    clear(world)
    made = new_repository(desk.folder / "fleet.git")
    made.commit({"cluster.yaml": world.settings(), "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    return made


def emergency(desk: Desk, *more: str) -> Outcome:
    return desk.run("emergency", "--repo", "fleet.git", "--reason", "payments are down", *more)


def test_growth_is_there_at_once_and_reviewed_afterwards(
    world: World, desk: Desk, fleet: FleetRepository, terraform: str
) -> None:
    pods(world, "one", "two")
    outcome = emergency(desk)
    assert outcome.code == 0, outcome.err
    assert f"create {POOL}: started" in outcome.err
    assert f"create {POOL}: complete, " in outcome.err
    assert "Applied without review: 1 pool changed. emergency opened: branch poolplan/demo/emergency" in outcome.out
    until("the pods run", lambda: all(placed(world).values()))
    assert len(nodes(world)) == 2
    message = git("log", "-1", "--format=%B", BRANCH, cwd=fleet.path)
    assert "Review the emergency in demo" in message
    assert "Poolplan-Emergency: payments are down (applied without review at 2026" in message
    assert "by kubernetes-admin-sandbox)" in message
    assert "desired_nodes = 2" in fleet.read(TF, at=BRANCH)
    record = git("show", "poolplan/demo/ledger:records/0000001-emergency.json", cwd=fleet.path)
    assert json.loads(record)["reason"] == "payments are down"
    events = [one for one in world.cluster.listing("events") if one["reason"] == "PoolplanEmergency"]  # type: ignore[index, call-overload]
    assert len(events) == 1

    fleet.merge(BRANCH)
    applied = apply(desk, world, terraform)
    assert applied.code == 0, applied.err
    assert len(nodes(world)) == 2
    again = apply(desk, world, terraform)
    assert again.out == "Nothing to do: the approved plan is in effect.\n"
    assert desk.run("drift", "--repo", "fleet.git", "--detailed-exitcode").code == 0
    assert [pool.name for pool in world.client().pools()] == [POOL]


def test_a_second_try_has_nothing_to_do(world: World, desk: Desk, fleet: FleetRepository) -> None:
    pods(world, "one")
    assert emergency(desk).code == 0
    until("the pod runs", lambda: all(placed(world).values()))
    assert fleet.head(BRANCH)
    assert emergency(desk).out == "Nothing to do: the plan adds no node.\n"
    assert len(nodes(world)) == 1


def test_a_second_emergency_grows_what_the_first_one_made(world: World, desk: Desk, fleet: FleetRepository) -> None:
    pods(world, "one")
    assert emergency(desk).code == 0
    until("the pod runs", lambda: all(placed(world).values()))
    pods(world, "two")
    again = emergency(desk)
    assert again.code == 0, again
    assert "emergency revised" in again.out
    until("both run", lambda: all(placed(world).values()))
    assert {pool.name: pool.desired for pool in world.client().pools()} == {POOL: 2}
    assert "desired_nodes = 2" in fleet.read(TF, at=BRANCH)


def rules(world: World, fleet: FleetRepository, text: str) -> None:
    """cluster.yaml with these rules for emergencies."""
    fleet.commit({"cluster.yaml": f"{world.settings()}  emergency: {text}\n"}, "Set rules for emergencies")


def test_what_goes_beyond_its_limits_is_refused(world: World, desk: Desk, fleet: FleetRepository) -> None:
    rules(world, fleet, "{guardrails: {maxNodesAdded: 1}}")
    pods(world, "one", "two")
    refused = emergency(desk)
    assert refused.code == 3
    assert refused.err == (
        "poolplan: this is more than an emergency may do; nothing was changed\n"
        "  - the plan adds 2 nodes, at most 1 may be added (spec.emergency.guardrails.maxNodesAdded)\n"
    )
    assert nodes(world) == []
    assert "poolplan/demo/ledger" not in fleet.branches()


def test_a_freeze_holds_unless_it_is_forced(world: World, desk: Desk, fleet: FleetRepository) -> None:
    fleet.commit({"FREEZE": "quarter end\n"}, "Freeze")
    pods(world, "one")
    refused = emergency(desk)
    assert refused.code == 3
    assert "quarter end (clusters/demo/FREEZE); --force does it all the same" in refused.err
    assert emergency(desk, "--force").code == 0


def test_a_dry_run_says_who_may_and_changes_nothing(world: World, desk: Desk, fleet: FleetRepository) -> None:
    pods(world, "one")
    outcome = emergency(desk, "--dry-run")
    assert outcome.code == 0
    assert outcome.out.endswith("kubernetes-admin-sandbox may do this. Nothing was changed.\n")
    assert (nodes(world), fleet.branches()) == ([], ["main"])


@pytest.mark.parametrize("reason", ["", "now"])
def test_a_reason_is_a_reason(desk: Desk, fleet: FleetRepository, reason: str) -> None:
    assert fleet.branches() == ["main"]
    outcome = desk.run("emergency", "--repo", "fleet.git", "--reason", reason)
    assert outcome.code == 1
    assert "say in a few words why nobody can be waited for" in outcome.err


@needs_ssh
def test_keys_decide_where_they_are_named(
    world: World, desk: Desk, fleet: FleetRepository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file, public = ssh_key(tmp_path_factory.mktemp("keys") / "key")
    pods(world, "one")
    rules(world, fleet, f"{{signers: ['{public}']}}")
    refused = emergency(desk)
    assert refused.code == 3
    assert "spec.emergency.signers names keys, and the key of spec.git.signing is none of them" in refused.err
    signing = f"  git: {{signing: {{format: ssh, key: {{file: {file}}}}}}}\n"
    fleet.commit(
        {"cluster.yaml": f"{world.settings()}{signing}  emergency: {{signers: ['{public}']}}\n"}, "Sign"
    )  # fmt: skip
    outcome = emergency(desk)
    assert outcome.code == 0, outcome
    assert " by SHA256:" in git("log", "-1", "--format=%B", BRANCH, cwd=fleet.path)


def test_while_git_is_away_the_record_waits_and_is_brought_later(
    world: World, desk: Desk, fleet: FleetRepository, tmp_path: Path
) -> None:
    away = tmp_path / "away.git"
    where = fleet.path.as_uri()
    pods(world, "one")
    assert desk.run("drift", "--repo", where).code == 0, "it was seen once"
    fleet.path.rename(away)
    outcome = desk.run("emergency", "--repo", where, "--reason", "payments are down")
    assert outcome.code == 0, outcome
    assert "going on with the repository as it was last seen" in outcome.err
    assert "the emergency's record waits here" in outcome.err
    until("the pod runs", lambda: all(placed(world).values()))
    away.rename(fleet.path)
    assert "poolplan/demo/ledger" not in fleet.branches()
    proposed = desk.run("propose", "--repo", where)
    assert "emergency opened" in proposed.err, proposed
    assert git("show", "poolplan/demo/ledger:records/0000001-emergency.json", cwd=fleet.path)
    assert not list((desk.home / "state" / "emergencies").rglob("*.json"))


def test_whoever_has_set_an_address_is_told(world: World, desk: Desk, fleet: FleetRepository) -> None:
    heard: list[dict[str, Any]] = []

    async def hear(request: Request) -> Response:
        heard.append(await request.json())
        return Response(status_code=204)

    app = Starlette(routes=[Route("/secret-path", hear, methods=["POST"])])
    pods(world, "one")
    with Served(app, listen(0), name="hook") as served:
        address = f"http://127.0.0.1:{served.port}/secret-path"
        outcome = desk.run(
            "emergency", "--repo", "fleet.git", "--reason", "payments are down", POOLPLAN_NOTIFY_URL=address
        )  # fmt: skip
    assert outcome.code == 0
    (told,) = heard
    assert told["text"] == (
        "poolplan emergency in demo by kubernetes-admin-sandbox: +1 node, without review (done). "
        "Reason: payments are down"
    )
    assert fleet.head(BRANCH)
    pods(world, "two")
    deaf = desk.run("emergency", "--repo", "fleet.git", "--reason", "payments are down", POOLPLAN_NOTIFY_URL=address)
    assert deaf.code == 0
    assert "127.0.0.1 could not be told" in deaf.err
    assert "secret-path" not in deaf.err


def test_what_waits_too_long_for_people_is_applied_by_itself(world: World, desk: Desk, fleet: FleetRepository) -> None:
    rules(world, fleet, "{automatic: {priority: 1000, after: 10m}}")
    world.seed("{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 2000}")
    pods(world, "calm")
    first = desk.run("propose", "--repo", "fleet.git")
    assert "up opened" in first.err
    world.clock.sleep(timedelta(minutes=11))
    assert "applied without review" not in desk.run("propose", "--repo", "fleet.git").err, "it is not urgent"
    world.seed(URGENT)
    assert "up revised" in desk.run("propose", "--repo", "fleet.git").err
    assert nodes(world) == [], "nobody has waited for the urgent pod yet"
    world.clock.sleep(timedelta(minutes=11))
    acted = desk.run("propose", "--repo", "fleet.git")
    assert "applied without review, as spec.emergency.automatic says: 1 pool changed" in acted.err, acted
    until("the urgent pod runs", lambda: bool(placed(world)["urgent"]))
    record = json.loads(git("show", "poolplan/demo/ledger:records/0000003-emergency.json", cwd=fleet.path))
    assert record["by"] == ["poolplan itself (spec.emergency.automatic)"]
    assert record["reason"].startswith("pods of priority 2000 wait, and nobody has reviewed plan ")


def test_a_process_that_does_not_lead_any_more_does_nothing_by_itself(
    world: World, desk: Desk, fleet: FleetRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller asks before it begins and before each step, as it does for what people approved."""

    def refuse() -> None:
        raise Interrupted("another process leads")

    rules(world, fleet, "{automatic: {priority: 1000, after: 10m}}")
    world.seed("{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: high}, value: 2000}")
    world.seed(URGENT)
    desk.run("propose", "--repo", "fleet.git")
    world.clock.sleep(timedelta(minutes=11))
    with monkeypatch.context() as other:
        other.setattr(opening, "act_by_itself", partial(opening.act_by_itself, allowed=refuse))
        told = desk.run("propose", "--repo", "fleet.git")
    assert "no emergency: another process leads" in told.err
    assert (nodes(world), BRANCH in fleet.branches()) == ([], False)
    assert "applied without review" in desk.run("propose", "--repo", "fleet.git").err


def test_what_still_differs_is_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    drift = Drift(pool="a", kind=DriftKind.SIZE, field="desired", declared=2, observed=1)
    outcome = Settled(view="", verdict="Its proposal waits.", applied=Applied(changed=2, drift=(drift,)))
    assert _tell(outcome) == 1
    told = capsys.readouterr()
    assert told.out == "Applied without review: 2 pools changed. Its proposal waits.\n"
    assert f"still different: {drift_text(drift)}\n" in told.err
