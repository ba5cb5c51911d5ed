"""``plan --evidence`` and ``replay``: a plan is checked on a machine that has nothing but two files."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from gitops.evidence.files import TEXT
from tests.commands.tools import base, new_repository, policy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.tools import Desk, Outcome
    from tests.commands.world import World

PLAN = ("plan", "--snapshot", "cluster.yaml", "--policy", "policy.yaml")
FILES = ("--out", "plan.json", "--evidence", "evidence.json.gz")
NOW = ("--now", "2026-03-01T12:00:00Z")


@pytest.fixture
def planned(desk: Desk) -> Desk:
    """A desk with a plan and its evidence, and nothing else left on it."""
    desk.write({name: base(name) for name in ("cluster.yaml", "policy.yaml")})
    done = desk.run(*PLAN, *FILES, *NOW)
    assert done.code == 0, done
    for name in ("cluster.yaml", "policy.yaml"):
        (desk.folder / name).unlink()
    return desk


def replayed(desk: Desk, plan: str = "plan.json", evidence: str = "evidence.json.gz") -> Outcome:
    before = desk.contents()
    outcome = desk.run("replay", plan, "--evidence", evidence)
    assert desk.contents() == before
    return outcome


def test_a_plan_is_made_again_from_its_evidence(planned: Desk) -> None:
    digest = json.loads((planned.folder / "plan.json").read_text("utf-8"))["digest"]
    outcome = replayed(planned)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"{digest}: the same plan from the same evidence\n"


def test_the_same_plan_is_the_same_evidence_with_the_clocks_time_too(planned: Desk) -> None:
    first = (planned.folder / "evidence.json.gz").read_bytes()
    planned.write({name: base(name) for name in ("cluster.yaml", "policy.yaml")})
    assert planned.run(*PLAN, *FILES, *NOW).code == 0
    assert (planned.folder / "evidence.json.gz").read_bytes() == first
    assert planned.run(*PLAN, *FILES).code == 0
    assert replayed(planned).code == 0


def test_evidence_of_another_cluster_is_refused_with_what_differs(planned: Desk) -> None:
    planned.write(
        {"policy.yaml": base("policy.yaml"), "cluster.yaml": base("cluster.yaml").replace("3a7e1d", "3a7e1e")}
    )
    assert planned.run(*PLAN, "--evidence", "other.json.gz", *NOW).code == 0
    outcome = replayed(planned, evidence="other.json.gz")
    assert (outcome.code, outcome.out) == (3, "")
    first, *reasons = outcome.err.splitlines()
    assert first == "poolplan: plan.json is not what poolplan 0.1.0 plans from other.json.gz"
    assert len(reasons) == 1
    assert reasons[0].startswith("  - the plan was made from another snapshot (")


def test_a_plan_for_more_than_the_evidence_asks_for_is_refused(planned: Desk) -> None:
    """The document holds together, so that only a replay can tell."""
    evidence = json.loads(gzip.decompress((planned.folder / "evidence.json.gz").read_bytes()))
    pods = evidence["inputs"]["snapshot"]["pods"]
    evidence["inputs"]["snapshot"]["pods"] = [one for one in pods if one.get("node_name")]
    evidence["version"] = "0.0.9"
    planned.write({"less.json": json.dumps(evidence)})
    outcome = replayed(planned, evidence="less.json")
    assert outcome.code == 3
    first, *reasons = outcome.err.splitlines()
    assert first.endswith("from less.json, which poolplan 0.0.9 wrote: use that version to be sure")
    assert reasons[0].startswith("  - the plan was made from another snapshot")
    assert reasons[1].endswith("the plan says create, the replay says nothing")


def test_a_reason_changed_by_hand_is_told(planned: Desk) -> None:
    text = (planned.folder / "plan.json").read_text("utf-8")
    plan = json.loads(text)
    plan["warnings"] = ["a person's own"]
    planned.write({"plan.json": json.dumps(plan, indent=2, ensure_ascii=False) + "\n"})
    outcome = replayed(planned)
    assert outcome.code == 0
    assert outcome.err == "poolplan: not as in the replay, though no approval binds to it: warnings\n"


def test_bad_files_are_told(planned: Desk) -> None:
    planned.write({"words": "words!", "old.json": '{"apiVersion": "poolplan.dev/v9", "kind": "Evidence"}'})
    gone = replayed(planned, plan="gone.json")
    assert (gone.code, gone.err) == (1, "poolplan: gone.json: cannot be read: No such file or directory\n")
    words = replayed(planned, evidence="words")
    assert (words.code, words.err) == (1, "poolplan: words: is no evidence: neither gzip nor base64 nor JSON\n")
    old = replayed(planned, evidence="old.json")
    assert (old.code, old.err) == (1, "poolplan: old.json:1:16: apiVersion: must be poolplan.dev/v1alpha1\n")
    assert replayed(planned, plan="words").code == 1


def test_evidence_that_plans_nothing_is_told(planned: Desk) -> None:
    evidence = json.loads(gzip.decompress((planned.folder / "evidence.json.gz").read_bytes()))
    evidence["inputs"]["cluster_plan"] = "big"
    planned.write({"big.json": json.dumps(evidence)})
    outcome = replayed(planned, evidence="big.json")
    assert outcome.code == 1
    assert outcome.err.startswith("poolplan: big.json: nothing can be planned from it: cluster plan 'big' is unknown")


WAITS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: secret/image, env: [{name: TOKEN, value: hunter2-hunter2}],
      resources: {requests: {cpu: "1", memory: 1Gi}}}]}
"""


def test_a_proposal_keeps_evidence_that_replays_anywhere(world: World, tmp_path: Path, desk: Desk) -> None:
    """From the live cluster to a branch, and from the branch to a machine that has neither cluster nor keys."""
    world.seed(WAITS)
    robin = world.desk(tmp_path / "robin")
    fleet = new_repository(robin.folder / "fleet.git")
    fleet.commit({"cluster.yaml": world.settings(), "policy/policy.yaml": policy()}, "Describe")
    world.clock.sleep(timedelta(minutes=5))  # no more pods come
    proposed = robin.run("propose", "--repo", "fleet.git", "--evidence")
    assert proposed.code == 0, proposed
    (branch,) = (one for one in fleet.branches() if one.endswith("/up"))
    desk.write({"plan.json": fleet.read("plan.json", at=branch), "evidence": fleet.read(str(TEXT), at=branch)})
    replayed_there = replayed(desk, evidence="evidence")
    assert (replayed_there.code, replayed_there.err) == (0, ""), replayed_there

    again = robin.run("propose", "--repo", "fleet.git", "--evidence")
    assert again.code == 0
    assert fleet.read("plan.json", at=branch) == (desk.folder / "plan.json").read_text("utf-8"), "the same plan stands"
