"""From a plan to a branch and, once it is merged, to an approval: the whole way in a repository."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from gitops.approval import Approval, Withheld, judge
from gitops.errors import Stalled, Waiting
from gitops.git.base import Author, BranchName, CommitId, Draft, Repository
from gitops.git.facts import gather_facts
from gitops.git.memory import MemoryRepository
from gitops.git.opening import open_path
from gitops.propose import Proposed, ProposedState, proposal_branch, propose
from gitops.settings import Delegate, Engine
from planner.plan import Plan
from planner.pools import Pool
from renderer.files import FileSet
from renderer.layout import PLAN
from renderer.tree import render_files
from tests.gitops.git.tools import MAIN, NOON, SOMEBODY, Person, isolate, new_bare, new_checkout
from tests.gitops.plans import SETTINGS, plan_of, pool

ROOT = SETTINGS.folder
NAME = "karpenter-b3-8-a"
HANDMADE = FileSet.of({PurePosixPath("cluster.yaml"): "kind: Cluster\n", PurePosixPath("policy/a.yaml"): "a: 1\n"})


def edit(repository: Repository, files: FileSet, *, message: str = "By hand") -> CommitId:
    """Somebody's own commit on main."""
    head = repository.head(MAIN)
    draft = Draft(root=ROOT, files=files, message=message, author=SOMEBODY, at=NOON)
    commit = repository.commit(draft, parent=head)
    repository.push(commit, MAIN, expect=head)
    return commit


def declare(repository: Repository, *pools: Pool) -> CommitId:
    """Main declares these pools."""
    files = render_files(plan_of((), pools).desired, SETTINGS.terraform).under(PurePosixPath("pools"))
    return edit(repository, files, message="Declare pools")


def merge(repository: Repository, proposed: Proposed) -> CommitId:
    """A person merges the proposal."""
    assert proposed.commit is not None
    repository.push(proposed.commit, MAIN, expect=repository.head(MAIN))
    return proposed.commit


@pytest.fixture
def repository() -> Repository:
    made = MemoryRepository()
    edit(made, HANDMADE, message="Begin")
    return made


@pytest.fixture
def plan() -> Plan:
    return plan_of((), (pool(desired=2),))


def test_a_plan_becomes_one_commit_on_a_branch_of_its_own(repository: Repository, plan: Plan) -> None:
    main = repository.head(MAIN)
    proposed = propose(repository, plan, SETTINGS)
    assert proposed.state is ProposedState.OPENED
    assert proposed.branch == f"poolplan/prod/{plan.digest[7:19]}" == proposal_branch(plan.digest, SETTINGS)
    assert proposed.commit is not None
    commit = repository.show(proposed.commit)
    assert commit.parents == (main,)
    assert commit.at == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert commit.author == Author("poolplan", "poolplan@localhost")
    assert commit.trailers("Poolplan-Digest") == (plan.digest,)
    assert commit.trailers("Poolplan-Cluster") == ("prod",)
    assert proposed.proposal is not None
    assert proposed.proposal.message == commit.message
    files = repository.read(proposed.commit, ROOT)
    assert json.loads(files.get(PLAN) or "")["digest"] == plan.digest
    assert {str(path) for path in files.paths()} == {
        "cluster.yaml", "policy/a.yaml", "plan.json", "pools/manifests/kustomization.yaml",
        f"pools/manifests/{NAME}.yaml", f"pools/terraform/pool-{NAME}.tf", "pools/terraform/backend.tf",
        "pools/terraform/provider.tf", "pools/terraform/versions.tf",
    }  # fmt: skip
    assert repository.head(MAIN) == main


def test_proposing_again_changes_nothing(repository: Repository, plan: Plan) -> None:
    first = propose(repository, plan, SETTINGS)
    later = replace(plan, evidence=replace(plan.evidence, now="2026-03-01T13:00:00Z"))
    again = propose(repository, later, SETTINGS)
    assert again == replace(first, state=ProposedState.UNCHANGED)


def test_the_same_plan_on_the_same_main_is_the_same_commit_anywhere(
    repository: Repository, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(tmp_path / "home", monkeypatch)
    real = open_path(new_bare(tmp_path / "bare"))
    edit(real, HANDMADE, message="Begin")
    assert propose(real, plan, SETTINGS) == propose(repository, plan, SETTINGS)


def test_a_plan_without_changes_is_not_proposed(repository: Repository) -> None:
    before = repository.branches()
    assert propose(repository, plan_of(), SETTINGS) == Proposed(state=ProposedState.NOTHING)
    assert repository.branches() == before


def test_a_plan_that_main_says_already_is_not_proposed(repository: Repository, plan: Plan) -> None:
    merge(repository, propose(repository, plan, SETTINGS))
    started = replace(plan, declared=plan.desired)
    assert propose(repository, started, SETTINGS).state is ProposedState.NOTHING


def test_only_the_files_that_change_are_in_the_diff(repository: Repository) -> None:
    declare(repository, pool(desired=1), pool("karpenter-c3-4-a"))
    comment = "# keep: asked for by the data team\n"
    place = PurePosixPath(f"pools/terraform/pool-{NAME}.tf")
    before = repository.read(repository.head(MAIN) or CommitId(""), ROOT)
    edit(repository, FileSet.of({place: comment + (before.get(place) or "")}))
    before = repository.read(repository.head(MAIN) or CommitId(""), ROOT)
    plan = plan_of((pool(desired=1), pool("karpenter-c3-4-a")), (pool(desired=4), pool("karpenter-c3-4-a")))
    proposed = propose(repository, plan, SETTINGS)
    after = repository.read(proposed.commit or CommitId(""), ROOT)
    changed = {str(path) for path, text in after if before.get(path) != text}
    assert changed == {"plan.json", f"pools/terraform/pool-{NAME}.tf", f"pools/manifests/{NAME}.yaml"}
    assert (after.get(place) or "").startswith(comment)


def test_the_files_of_a_deleted_pool_go(repository: Repository) -> None:
    declare(repository, pool(desired=1), pool("karpenter-c3-4-a"))
    edit(repository, FileSet.of({PurePosixPath("pools/terraform/.terraform.lock.hcl"): "lock\n"}))
    proposed = propose(repository, plan_of((pool(), pool("karpenter-c3-4-a")), (pool(),)), SETTINGS)
    paths = repository.read(proposed.commit or CommitId(""), ROOT).paths()
    assert not [path for path in paths if "c3-4" in path.name]
    assert PurePosixPath("pools/terraform/.terraform.lock.hcl") in paths


def test_a_plan_from_elsewhere_is_refused(repository: Repository) -> None:
    declare(repository, pool(desired=5))
    stale = plan_of((pool(desired=1),), (pool(desired=2),))
    told = f"main is not where the plan starts: main declares {NAME} with 5 nodes, the plan says 1"
    with pytest.raises(Waiting, match=told):
        propose(repository, stale, SETTINGS)
    assert [name for name, _ in repository.branches()] == ["main"]


def test_pools_that_cannot_be_read_are_refused(repository: Repository, plan: Plan) -> None:
    edit(repository, FileSet.of({PurePosixPath(f"pools/terraform/pool-{NAME}.tf"): 'resource "x" {\n'}))
    with pytest.raises(Stalled, match=rf"clusters/prod/pools/terraform/pool-{NAME}\.tf:\d+"):
        propose(repository, plan, SETTINGS)


def test_a_cluster_that_is_not_there_is_refused(repository: Repository, plan: Plan) -> None:
    with pytest.raises(Stalled, match=r"main has no clusters/dev/cluster\.yaml\. Commit it there first"):
        propose(repository, plan, replace(SETTINGS, name="dev"))


def test_a_repository_without_main_is_refused(plan: Plan) -> None:
    with pytest.raises(Stalled, match="has no branch main"):
        propose(MemoryRepository(), plan, SETTINGS)


def test_a_plan_without_a_time_is_refused(repository: Repository, plan: Plan) -> None:
    with pytest.raises(Stalled, match="names no time it was made for"):
        propose(repository, replace(plan, evidence=replace(plan.evidence, now="noon")), SETTINGS)


def test_a_change_elsewhere_leaves_the_review_alone(repository: Repository, plan: Plan) -> None:
    first = propose(repository, plan, SETTINGS)
    beside = Draft(root=PurePosixPath("docs"), files=HANDMADE, message="Docs", author=SOMEBODY, at=NOON)
    head = repository.head(MAIN)
    repository.push(repository.commit(beside, parent=head), MAIN, expect=head)
    assert propose(repository, plan, SETTINGS) == replace(first, state=ProposedState.UNCHANGED)


def test_a_change_of_the_cluster_revises_the_proposal(repository: Repository, plan: Plan) -> None:
    first = propose(repository, plan, SETTINGS)
    main = edit(repository, FileSet.of({PurePosixPath("policy/b.yaml"): "b: 1\n"}))
    again = propose(repository, plan, SETTINGS)
    assert again.state is ProposedState.REVISED
    assert again.branch == first.branch
    assert repository.show(again.commit or CommitId("")).parents == (main,)


def test_what_a_person_adds_to_a_proposal_is_not_thrown_away(repository: Repository, plan: Plan) -> None:
    first = propose(repository, plan, SETTINGS)
    assert first.branch is not None
    draft = Draft(root=ROOT, files=FileSet.of({PLAN: "{}"}), message="I know better", author=SOMEBODY, at=NOON)
    added = repository.commit(draft, parent=first.commit)
    repository.push(added, first.branch, expect=first.commit)
    with pytest.raises(Stalled, match=f"somebody committed to {first.branch}. Merge it, or delete it"):
        propose(repository, plan, SETTINGS)
    other = propose(repository, plan_of((), (pool(desired=9),)), SETTINGS)
    assert other.withdrawn == ()
    assert repository.head(first.branch) == added


def test_older_proposals_of_the_cluster_are_withdrawn(repository: Repository, plan: Plan) -> None:
    first = propose(repository, plan, SETTINGS)
    hand = edit(repository, HANDMADE)
    for name in ("poolplan/prod/mine", "poolplan/prod/0123456789ab", "poolplan/dev/0123456789ab", "other"):
        repository.push(hand, BranchName(name), expect=None)
    second = propose(repository, plan_of((), (pool(desired=9),)), SETTINGS)
    assert second.state is ProposedState.OPENED
    assert second.withdrawn == (first.branch,)
    kept = {"main", "other", "poolplan/dev/0123456789ab", "poolplan/prod/0123456789ab", "poolplan/prod/mine"}
    assert {name for name, _ in repository.branches()} == {*kept, second.branch}


def test_a_proposal_that_is_no_longer_wanted_is_withdrawn(repository: Repository, plan: Plan) -> None:
    first = propose(repository, plan, SETTINGS)
    assert first.branch is not None
    nothing = Proposed(state=ProposedState.NOTHING, withdrawn=(first.branch,))
    assert propose(repository, plan_of(), SETTINGS) == nothing


def test_a_merged_proposal_is_left_to_people(repository: Repository, plan: Plan) -> None:
    first = propose(repository, plan, SETTINGS)
    merge(repository, first)
    assert propose(repository, plan_of(plan.desired.pools, plan.desired.pools), SETTINGS).withdrawn == ()


def test_a_branch_that_cannot_be_withdrawn_is_reported(
    plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolate(tmp_path / "home", monkeypatch)
    person = new_checkout(tmp_path / "work")
    person.write("clusters/prod/cluster.yaml", "kind: Cluster\n")
    person.commit()
    repository = open_path(person.folder)
    first = propose(repository, plan, SETTINGS)
    person.git("switch", "--quiet", str(first.branch))
    second = propose(repository, plan_of((), (pool(desired=9),)), SETTINGS)
    assert second.state is ProposedState.OPENED
    assert second.withdrawn == ()
    (left,) = second.left
    assert f"the branch {first.branch} is checked out" in left


def test_settings_name_branch_prefix_and_author(repository: Repository, plan: Plan) -> None:
    git = replace(SETTINGS.git, branch="live", proposal_prefix="bot/", author_name="Bot", author_email="bot@b.test")
    repository.push(repository.head(MAIN) or CommitId(""), BranchName("live"), expect=None)
    proposed = propose(repository, plan, replace(SETTINGS, git=git))
    assert proposed.branch == f"bot/prod/{plan.digest[7:19]}"
    assert repository.show(proposed.commit or CommitId("")).author == Author("Bot", "bot@b.test")


# From the proposal to the approval


def approved(repository: Repository, plan: Plan) -> Approval | Withheld:
    return judge(gather_facts(repository, SETTINGS), plan)


def test_a_proposal_is_not_an_approval(repository: Repository, plan: Plan) -> None:
    propose(repository, plan, SETTINGS)
    verdict = approved(repository, plan)
    assert isinstance(verdict, Withheld)
    assert verdict.reasons[0] == "main holds no approved plan: there is no clusters/prod/plan.json"


def test_merging_is_the_approval(repository: Repository, plan: Plan) -> None:
    commit = merge(repository, propose(repository, plan, SETTINGS))
    assert approved(repository, plan) == Approval(digest=plan.digest, head=commit, brought_by=commit)


def test_later_commits_elsewhere_keep_the_approval(repository: Repository, plan: Plan) -> None:
    commit = merge(repository, propose(repository, plan, SETTINGS))
    head = edit(repository, FileSet.of({PurePosixPath("policy/b.yaml"): "b: 1\n"}))
    assert approved(repository, plan) == Approval(digest=plan.digest, head=head, brought_by=commit)


def test_a_squash_without_the_trailer_approves(repository: Repository, plan: Plan) -> None:
    proposed = propose(repository, plan, SETTINGS)
    files = repository.read(proposed.commit or CommitId(""), ROOT)
    squashed = edit(repository, files, message="Scale prod (#12)")
    assert approved(repository, plan) == Approval(digest=plan.digest, head=squashed, brought_by=squashed)


def test_an_edit_by_hand_after_the_merge_withholds_it(repository: Repository, plan: Plan) -> None:
    merge(repository, propose(repository, plan, SETTINGS))
    place = PurePosixPath(f"pools/terraform/pool-{NAME}.tf")
    text = repository.read(repository.head(MAIN) or CommitId(""), ROOT).get(place) or ""
    edit(repository, FileSet.of({place: text.replace("= 2", "= 3")}))
    told = f"main declares {NAME} with 3 nodes, the plan says 2: a change by hand needs a new plan"
    assert approved(repository, plan) == Withheld((told,))


def test_only_the_live_form_is_judged(repository: Repository, plan: Plan) -> None:
    merge(repository, propose(repository, plan, SETTINGS))
    place = PurePosixPath(f"pools/manifests/{NAME}.yaml")
    text = repository.read(repository.head(MAIN) or CommitId(""), ROOT).get(place) or ""
    edit(repository, FileSet.of({place: text.replace("desiredNodes: 2", "desiredNodes: 3")}))
    assert isinstance(approved(repository, plan), Approval)
    delegated = replace(SETTINGS, engine=Engine.DELEGATED, delegate=Delegate.FLUX)
    assert isinstance(judge(gather_facts(repository, delegated), plan), Withheld)


def test_a_plan_that_was_tampered_with_withholds_it(repository: Repository, plan: Plan) -> None:
    merge(repository, propose(repository, plan, SETTINGS))
    text = repository.read(repository.head(MAIN) or CommitId(""), ROOT).get(PLAN) or ""
    edit(repository, FileSet.of({PLAN: text.replace('"desiredNodes": 2', '"desiredNodes": 3')}))
    verdict = approved(repository, plan)
    assert isinstance(verdict, Withheld)
    assert "clusters/prod/plan.json" in verdict.reasons[0]
    assert "changed after it was made" in verdict.reasons[0]


def test_broken_files_withhold_it(repository: Repository, plan: Plan) -> None:
    merge(repository, propose(repository, plan, SETTINGS))
    edit(repository, FileSet.of({PurePosixPath(f"pools/terraform/pool-{NAME}.tf"): "resource {", PLAN: "{"}))
    verdict = approved(repository, plan)
    assert isinstance(verdict, Withheld)
    assert [reason.partition("clusters/prod/")[2].partition(":")[0] for reason in verdict.reasons] == [
        "plan.json", f"pools/terraform/pool-{NAME}.tf",
    ]  # fmt: skip


def test_a_whole_story_with_people_at_their_shells(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge commit, made by Git, in a checkout that poolplan only writes branches to."""
    isolate(tmp_path / "home", monkeypatch)
    person = Person(new_checkout(tmp_path / "work").folder)
    person.write("clusters/prod/cluster.yaml", "kind: Cluster\n")
    person.commit()
    repository = open_path(person.folder)
    proposed = propose(repository, plan, SETTINGS)
    assert person.git("status", "--porcelain") == ""
    person.git("merge", "--quiet", "--no-ff", "--no-edit", str(proposed.branch))
    verdict = approved(repository, plan)
    assert isinstance(verdict, Approval)
    assert verdict.brought_by == proposed.commit
    assert verdict.head == person.git("rev-parse", "main")


def test_an_empty_repository_approves_nothing(plan: Plan) -> None:
    assert approved(MemoryRepository(), plan) == Withheld(("there is no branch main",))
