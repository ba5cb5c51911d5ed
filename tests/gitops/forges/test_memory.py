"""What the forge in memory offers to tests beyond the seam: faults, lies, counts and what only people do."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.errors import Stalled, Waiting
from gitops.forges.base import PullRequest, RequestState, RequestText, StatusState
from gitops.forges.markers import marked, unmarked
from gitops.forges.memory import Call, MemoryForge
from gitops.forges.memory_server import MemoryServer
from gitops.forges.merging import Method
from gitops.git.base import BranchName, CommitId
from gitops.git.memory import MemoryRepository
from gitops.git.opening import open_path
from tests.contracts.forges import ADA, TOP, Ticking, World, begin, make_memory
from tests.gitops.git.tools import MAIN, isolate, new_bare

if TYPE_CHECKING:
    from collections.abc import Iterator

SIDE = BranchName("poolplan/prod/up")
TEXT = RequestText(title="Grow prod by 2 nodes", body="It")
LIE = CommitId("0123456789" * 4)


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield make_memory(tmp_path, stack)


@pytest.fixture
def forge(world: World) -> MemoryForge:
    assert isinstance(world.forge, MemoryForge)
    return world.forge


def opened(world: World) -> PullRequest:
    world.push(SIDE, "2\n")
    return world.forge.open(TEXT, branch=SIDE, base=MAIN)


def test_every_call_is_counted_with_its_arguments(world: World, forge: MemoryForge) -> None:
    made = opened(world)
    forge.get(made.number)
    forge.get(made.number)
    assert forge.calls == [Call("open", (TEXT, SIDE, MAIN)), Call("get", (1,)), Call("get", (1,))]
    assert (forge.count(), forge.count("get"), forge.count("merge")) == (3, 2, 0)


def test_a_fault_comes_at_its_call_and_is_gone(world: World, forge: MemoryForge) -> None:
    made = opened(world)
    forge.fail(Waiting("502"), on="get", nth=2)
    forge.get(made.number)
    with pytest.raises(Waiting, match="502"):
        forge.get(made.number)
    assert forge.get(made.number) == made
    assert forge.count("get") == 3


def test_a_fault_of_any_call_counts_them_all(world: World, forge: MemoryForge) -> None:
    made = opened(world)
    forge.fail(Killed(), nth=2)
    forge.get(made.number)
    with pytest.raises(Killed):
        forge.votes(made.number)


def test_a_call_can_take_effect_and_fail_all_the_same(world: World, forge: MemoryForge) -> None:
    made = opened(world)
    forge.fail(Killed(), on="merge", after=True)
    with pytest.raises(Killed):
        forge.merge(made.number, head=made.head, message="Merge it")
    assert world.main != made.head
    assert forge.merge(made.number, head=made.head, message="Merge it") == world.main


def test_a_fault_before_the_effect_leaves_everything(world: World, forge: MemoryForge) -> None:
    made, before = opened(world), world.main
    forge.fail(Killed(), on="merge")
    with pytest.raises(Killed):
        forge.merge(made.number, head=made.head, message="Merge it")
    assert world.main == before


def test_a_lie_is_told_everywhere_until_it_is_taken_back(world: World, forge: MemoryForge) -> None:
    made = opened(world)
    forge.lie(made.number, head=LIE, merged_as=LIE, state=RequestState.MERGED)
    assert forge.get(made.number).head == LIE
    assert forge.open_requests(MAIN) == ()
    assert forge.merge(made.number, head=made.head, message="Merge it") == LIE
    newest = forge.newest(SIDE, MAIN)
    assert newest is not None
    assert newest.state is RequestState.MERGED
    forge.lie(made.number)
    assert forge.get(made.number) == made


def test_two_controllers_look_at_one_server(world: World, forge: MemoryForge) -> None:
    made = opened(world)
    other = MemoryForge(forge.server, login="other")
    assert other.open(TEXT, branch=SIDE, base=MAIN) == made
    forge.comment(made.number, "poolplan:a", "ours")
    other.comment(made.number, "poolplan:a", "theirs")
    assert [said.author for said in forge.server.kept(made.number).comments] == ["poolplan", "other"]


def test_a_deleted_branch_closes_its_request(world: World, forge: MemoryForge) -> None:
    made = opened(world)
    world.repository.delete_branch(SIDE, expect=made.head)
    closed = forge.get(made.number)
    assert (closed.state, closed.ended_by, closed.head) == (RequestState.CLOSED, "", made.head)
    with pytest.raises(Stalled, match="no branch"):
        forge.server.reopen(made.number)


def test_a_fork_s_branch_of_the_same_name_is_not_ours(world: World, forge: MemoryForge) -> None:
    world.push(SIDE, "2\n")
    theirs = forge.server.request(ADA, TEXT, branch=SIDE, base=MAIN, fork=True)
    assert theirs.fork
    assert forge.newest(SIDE, MAIN) is None
    ours = forge.open(TEXT, branch=SIDE, base=MAIN)
    assert [one.number for one in forge.open_requests(MAIN)] == [theirs.number, ours.number]


def test_teams_may_hold_each_other(forge: MemoryForge) -> None:
    forge.server.team("a", "b", "ada")
    forge.server.team("b", "a", "grace")
    assert forge.members("a") == forge.members("b") == {"ada", "grace"}


def test_a_text_beyond_the_limit_is_refused(world: World, forge: MemoryForge) -> None:
    made = opened(world)
    small = MemoryForge(forge.server, body_limit=100)
    for ask in (
        lambda: small.revise(made.number, RequestText(title="x", body="x" * 101)),
        lambda: small.comment(made.number, "poolplan:a", "x" * 99),
    ):
        with pytest.raises(Stalled, match="100 characters"):
            ask()


def test_a_status_is_kept_by_commit(world: World, forge: MemoryForge) -> None:
    made = opened(world)
    forge.set_status(made.head, StatusState.PENDING, "Waits", url="https://example.test")
    assert forge.server.statuses == {
        (made.head, "poolplan/plan"): (StatusState.PENDING, "Waits", "https://example.test")
    }


@pytest.mark.parametrize("method", Method)
def test_merging_makes_commits_in_a_real_repository_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: Method
) -> None:
    isolate(tmp_path / "home", monkeypatch)
    repository = open_path(new_bare(tmp_path / "bare"))
    begin(repository)
    forge = MemoryForge(MemoryServer(repository, Ticking()))
    world = World(forge=forge, repository=repository, people=None)  # type: ignore[arg-type]
    made = opened(world)
    world.push(MAIN, "aside\n", path="docs/a")
    forge.server.merge(ADA, made.number, method)
    assert len(repository.show(world.main).parents) == (2 if method is Method.MERGE else 1)
    texts = {str(path): text for path, text in repository.read(world.main, TOP)}
    assert texts == {"README": "fleet\n", "clusters/prod/a": "2\n", "docs/a": "aside\n"}
    assert repository.git.output("fsck", "--strict", "--no-dangling") == b""


def test_a_merge_in_memory_is_the_one_git_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same story told over a repository in memory ends at the same commit."""
    isolate(tmp_path / "home", monkeypatch)
    ends = []
    for repository in (MemoryRepository(), open_path(new_bare(tmp_path / "bare"))):
        begin(repository)
        forge = MemoryForge(MemoryServer(repository, Ticking()))
        world = World(forge=forge, repository=repository, people=None)  # type: ignore[arg-type]
        made = opened(world)
        ends.append(forge.merge(made.number, head=made.head, message="Merge it"))
    assert ends[0] == ends[1]


@given(st.lists(st.tuples(st.sampled_from([None, *Method]), st.integers(1, 3)), max_size=6))
def test_each_commit_of_main_was_pushed_or_brought_by_one_request(story: list[tuple[Method | None, int]]) -> None:
    """Whatever was pushed and merged by whichever method: ``None`` pushes, a method merges that many commits."""
    with ExitStack() as stack:
        world = make_memory(Path(), stack)
    forge = world.forge
    assert isinstance(forge, MemoryForge)
    expected: dict[CommitId, int | None] = {world.main: None}
    for step, (method, count) in enumerate(story):
        branch, onto, number = BranchName(f"people/{step}") if method else MAIN, world.main, None
        for index in range(count):
            onto = world.push(branch, path=f"{step}/{index}", onto=onto, message=f"{step} {index}")
        if method:
            world.push(MAIN, path=f"aside/{step}")
            expected[world.main] = None
            number = forge.server.request(ADA, TEXT, branch=branch, base=MAIN).number
            forge.server.merge(ADA, number, method)
        for commit in world.repository.log(MAIN, TOP, limit=100):
            expected.setdefault(commit.id, number)
    found = {commit: forge.bringing(commit, MAIN) for commit in expected}
    assert {commit: one.number if one else None for commit, one in found.items()} == expected
    texts = {str(path) for path, _ in world.repository.read(world.main, TOP)}
    assert {f"{step}/{index}" for step, (_, count) in enumerate(story) for index in range(count)} <= texts


def test_a_marker_counts_at_the_beginning_only() -> None:
    text = marked("poolplan:a", "words\n\nmore")
    assert unmarked("poolplan:a", text) == "words\n\nmore"
    assert unmarked("poolplan:a", text.replace("\n", "\r\n") + "\r\n") == "words\n\nmore"
    assert unmarked("poolplan:b", text) is None
    assert unmarked("poolplan:a", f"> {text}") is None
    assert unmarked("poolplan:a", f"see\n{text}") is None


@pytest.mark.parametrize("marker", ["", "a b", "a-->b", "a--b", "a\nb"])
def test_a_marker_cannot_leave_its_html_comment(marker: str) -> None:
    with pytest.raises(ValueError, match="HTML comment"):
        marked(marker, "text")
