"""The commit of a plan: small, the same anywhere, and only poolplan's own files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from gitops.errors import Stalled
from gitops.git.base import Author, BranchName, CommitId
from gitops.git.opening import open_path
from gitops.loop.drafting import made_at
from gitops.loop.steps import Step
from planner.portion import Kind
from renderer.layout import PLAN
from tests.gitops.git.tools import isolate, new_bare
from tests.gitops.loop.town import Town, nodes

NAME = "karpenter-b3-8-a"


@pytest.fixture
def town() -> Town:
    return Town(plain=True)


def files(town: Town, commit: CommitId | None = None) -> dict[PurePosixPath, str]:
    at = commit or town.tip()
    assert at is not None
    return town.repository.read(at, town.settings.folder).as_map()


def test_a_plan_is_its_pools_and_its_document(town: Town) -> None:
    plan = town.plan(nodes(2))
    town.propose(plan)
    made = files(town)
    assert json.loads(made[PLAN])["digest"] == plan.digest
    assert {str(path) for path in made} == {
        "cluster.yaml", "policy/a.yaml", "plan.json", "pools/manifests/kustomization.yaml",
        f"pools/manifests/{NAME}.yaml", f"pools/terraform/pool-{NAME}.tf", "pools/terraform/backend.tf",
        "pools/terraform/provider.tf", "pools/terraform/versions.tf",
    }  # fmt: skip


def test_only_the_files_that_change_are_in_the_diff(town: Town) -> None:
    town.edit_pools(nodes(1), nodes(1, "karpenter-c3-4-a"))
    place = PurePosixPath(f"pools/terraform/pool-{NAME}.tf")
    comment = "# keep: asked for by the data team\n"
    town.edit({str(place): comment + files(town, town.main)[place]})
    before = files(town, town.main)
    town.propose(town.plan(nodes(4), nodes(1, "karpenter-c3-4-a")))
    after = files(town)
    changed = {str(path) for path, text in after.items() if before.get(path) != text}
    assert changed == {"plan.json", f"pools/terraform/pool-{NAME}.tf", f"pools/manifests/{NAME}.yaml"}
    assert after[place].startswith(comment)


def test_the_files_of_a_deleted_pool_go(town: Town) -> None:
    town.edit_pools(nodes(1), nodes(1, "karpenter-c3-4-a"))
    town.edit({"pools/terraform/.terraform.lock.hcl": "lock\n"})
    town.propose(town.plan(nodes(1), victims={"karpenter-c3-4-a": ("n1",)}))
    made = files(town, town.tip(Kind.DOWN))
    assert not [path for path in made if "c3-4" in path.name]
    assert PurePosixPath("pools/terraform/.terraform.lock.hcl") in made


def test_the_same_plan_on_the_same_main_is_the_same_commit_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, town: Town
) -> None:
    isolate(tmp_path / "home", monkeypatch)
    real = Town(plain=True, repository=open_path(new_bare(tmp_path / "bare")))
    for one in (real, town):
        one.propose(one.plan(nodes(2)))
    assert real.tip() == town.tip() is not None
    assert real.ledger == town.ledger


def test_settings_name_branch_prefix_and_author(town: Town) -> None:
    git = replace(town.settings.git, proposal_prefix="bot/", author_name="Bot", author_email="bot@b.test")
    town.settings = replace(town.settings, git=git)
    done = town.propose(town.plan(nodes(2)))[Kind.UP]
    assert (done.step, done.branch) == (Step.PROPOSE, "bot/prod/up")
    assert town.repository.show(CommitId(done.commit)).author == Author("Bot", "bot@b.test")
    assert town.repository.head(BranchName("bot/prod/ledger")) is not None


def test_a_plan_without_a_time_is_refused(town: Town) -> None:
    plan = town.plan(nodes(2))
    with pytest.raises(Stalled, match="names no time it was made for"):
        made_at(replace(plan, evidence=replace(plan.evidence, now="noon")))


def test_a_plan_that_was_tampered_with_is_a_change_by_hand(town: Town) -> None:
    town.propose(town.plan(nodes(2)))
    tip = town.tip()
    assert tip is not None
    town.repository.push(tip, BranchName("main"), expect=town.main)
    text = files(town, town.main)[PLAN]
    town.edit({str(PLAN): text.replace('"desiredNodes": 2', '"desiredNodes": 3')})
    assert town.apply().applied
    town.edit({f"pools/terraform/pool-{NAME}.tf": "resource {"})
    withheld = town.apply().withheld
    assert withheld is not None
    assert f"clusters/prod/pools/terraform/pool-{NAME}.tf" in withheld.reasons[0]
