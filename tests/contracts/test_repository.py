"""What every repository keeps, whether in memory, bare, a mirror of a remote, or a person's clone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from gitops.errors import Stalled, Waiting
from gitops.git.base import BranchName, CommitId, Repository
from gitops.git.memory import MemoryRepository
from gitops.git.objects import same_but_signature, split_signature
from gitops.git.opening import open_path, open_remote
from renderer.files import FileSet
from tests.gitops.git.tools import MAIN, NOON, ROOT, SOMEBODY, clone, draft, files, isolate, new_bare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOP = PurePosixPath()
NOBODY = CommitId("0123456789" * 4)
SIDE = BranchName("poolplan/prod/0123456789ab")


def _memory(folder: Path) -> Repository:
    return MemoryRepository()


def _bare(folder: Path) -> Repository:
    return open_path(new_bare(folder / "bare"))


def _mirror(folder: Path) -> Repository:
    return open_remote(new_bare(folder / "origin").as_uri(), cache=folder / "mirror")


def _clone(folder: Path) -> Repository:
    return open_path(clone(new_bare(folder / "origin"), folder / "clone").folder)


@pytest.fixture(params=[_memory, _bare, _mirror, _clone], ids=lambda make: make.__name__.strip("_"))
def repository(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    isolate(tmp_path / "home", monkeypatch)
    make: Callable[[Path], Repository] = request.param
    made = make(tmp_path)
    made.refresh()
    return made


def begin(repository: Repository, contents: FileSet | None = None) -> CommitId:
    """A first commit on main."""
    first = repository.commit(draft(contents or files(a="1\n"), message="Begin"), parent=None)
    repository.push(first, MAIN, expect=None)
    return first


def test_a_new_repository_has_no_branches(repository: Repository) -> None:
    assert repository.head(MAIN) is None
    assert repository.branches() == ()
    assert repository.log(MAIN, TOP, limit=5) == ()
    assert not repository.contains(MAIN, NOBODY)
    with pytest.raises(Stalled, match="main"):
        repository.ensure_ready(MAIN, ROOT)


def test_what_is_committed_is_read_back_byte_for_byte(repository: Repository) -> None:
    contents = files(a="ü €\n", b__c__d="no newline", b__e="", z="one\r\ntwo\r\n")
    first = begin(repository, contents)
    assert repository.read(first, ROOT) == contents
    assert repository.read(first, ROOT / "b") == files(c__d="no newline", e="")
    assert repository.read(first, TOP) == contents.under(ROOT)
    assert repository.read(first, PurePosixPath("clusters/other")) == FileSet()


def test_the_name_of_a_file_is_not_a_pattern(repository: Repository) -> None:
    contents = FileSet.of({PurePosixPath("*"): "star", PurePosixPath("a b/ü\"'.txt"): "odd"})
    first = begin(repository, contents)
    assert repository.read(first, ROOT) == contents
    assert repository.read(first, PurePosixPath("clusters/*")) == FileSet()


def test_a_root_that_is_a_file_is_refused(repository: Repository) -> None:
    first = begin(repository)
    with pytest.raises(Stalled, match="clusters/prod/a is a file"):
        repository.read(first, ROOT / "a")


def test_equal_drafts_are_equal_commits_in_every_repository(repository: Repository) -> None:
    """The ids are those that ``git commit`` gave the same files, author, dates and messages."""
    first = repository.commit(draft(files(a="1")), parent=None)
    assert first == repository.commit(draft(files(a="1")), parent=None)
    assert first == "e2d69ba9773cebe70d03ec63e27a0ccb67001c7c"
    second = repository.commit(draft(files(a="2"), message="Second\n\nWords: yes"), parent=first)
    assert second == repository.commit(draft(files(a="2"), message="Second\n\nWords: yes\n\n"), parent=first)
    assert second == "dcc85f38ab4048f117e8901d327d73d132e0c2ca"


def test_the_date_is_that_of_the_draft_in_any_zone(repository: Repository) -> None:
    first = begin(repository)
    later = NOON + timedelta(hours=5)
    commit = repository.commit(draft(files(a="2"), at=later), parent=first)
    repository.push(commit, MAIN, expect=first)
    newest = repository.log(MAIN, TOP, limit=1)[0]
    assert (newest.id, newest.parents, newest.at, newest.author) == (commit, (first,), later, SOMEBODY)
    assert newest.at.utcoffset() == timedelta(0)


def test_a_draft_that_changes_nothing_is_its_parent(repository: Repository) -> None:
    first = begin(repository, files(a="1", b="2"))
    assert repository.commit(draft(files(a="1")), parent=first) == first
    assert repository.commit(draft(FileSet(), removed=("gone", "b/gone")), parent=first) == first


def test_further_parents_are_kept_reachable_and_give_no_files(repository: Repository) -> None:
    first = begin(repository)
    left = repository.commit(draft(files(a="2", b="left"), message="Left"), parent=first)
    other = repository.commit(draft(files(a="3"), message="Other"), parent=first)
    kept = repository.commit(draft(files(c="4"), message="Keep"), parent=first, also=(left, other, left))
    assert kept == repository.commit(draft(files(c="4"), message="Keep"), parent=first, also=(left, other))
    assert repository.show(kept).parents == (first, left, other)
    assert repository.read(kept, ROOT) == files(a="1\n", c="4")
    repository.push(kept, MAIN, expect=first)
    repository.refresh()
    assert all(repository.contains(MAIN, one) for one in (first, left, other))


def test_a_further_parent_is_a_reason_for_a_commit(repository: Repository) -> None:
    first = begin(repository)
    left = repository.commit(draft(files(a="2")), parent=first)
    kept = repository.commit(draft(FileSet(), message="Keep"), parent=first, also=(left,))
    assert repository.show(kept).parents == (first, left)
    assert repository.show(kept).tree == repository.show(first).tree
    alone = repository.commit(draft(files(a="1\n"), message="Keep"), parent=None, also=(left,))
    assert repository.show(alone).parents == (left,)


def test_the_commit_with_further_parents_is_the_one_git_makes(repository: Repository) -> None:
    """The id is that of ``git commit-tree -p -p`` for the same tree, parents, author, dates and message."""
    first = repository.commit(draft(files(a="1")), parent=None)
    second = repository.commit(draft(files(a="2"), message="Second\n\nWords: yes"), parent=first)
    assert (
        repository.commit(draft(FileSet(), message="Keep"), parent=first, also=(second,))
        == "c569bd76d26cc5f1dbbca1e3e11bc2a94de1b4df"
    )


class Pen:
    """Signs differently each time, as GPG does."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    def sign(self, payload: bytes) -> str:
        self.payloads.append(payload)
        return f"-----BEGIN PGP SIGNATURE-----\n\nnumber {len(self.payloads)}\n-----END PGP SIGNATURE-----\n"


def test_a_signed_commit_says_what_the_unsigned_one_says(repository: Repository) -> None:
    first, pen = begin(repository), Pen()
    plain = repository.commit(draft(files(a="2"), message="Words\n\ngpgsig no header\n body"), parent=first)
    signed = repository.commit(
        draft(files(a="2"), message="Words\n\ngpgsig no header\n body"), parent=first, signer=pen
    )  # fmt: skip
    assert signed != plain
    assert pen.payloads == [repository.raw(plain)]
    assert replace(repository.show(signed), id=plain) == repository.show(plain)
    assert split_signature(repository.raw(signed)) == (
        repository.raw(plain), ("-----BEGIN PGP SIGNATURE-----\n\nnumber 1\n-----END PGP SIGNATURE-----",)
    )  # fmt: skip
    assert same_but_signature(repository.raw(signed), repository.raw(plain))
    repository.push(signed, MAIN, expect=first)
    repository.refresh()
    assert repository.head(MAIN) == signed
    assert repository.read(signed, ROOT) == files(a="2")


def test_a_commit_that_stands_is_not_signed_anew(repository: Repository) -> None:
    first, pen = begin(repository), Pen()
    standing = repository.commit(draft(files(a="2")), parent=first, signer=pen)
    again = repository.commit(draft(files(a="2")), parent=first, signer=pen, standing=standing)
    assert (again, len(pen.payloads)) == (standing, 1)
    other = repository.commit(draft(files(a="3")), parent=first, signer=pen, standing=standing)
    assert repository.read(other, ROOT) == files(a="3")
    unsigned = repository.commit(draft(files(a="2")), parent=first, standing=standing)
    assert split_signature(repository.raw(unsigned))[1] == ()
    assert repository.commit(draft(files(a="2")), parent=first, signer=pen, standing=unsigned) != unsigned
    assert repository.commit(draft(files(a="1\n")), parent=first, signer=pen, standing=standing) == first


def test_only_the_paths_of_the_draft_change(repository: Repository) -> None:
    first = begin(repository, files(own="1", theirs="2", deep__own="3", deep__theirs="4"))
    beside = repository.commit(draft(files(x="5"), root=PurePosixPath("docs")), parent=first)
    edit = draft(files(own="new", deep__more="6"), removed=("deep/own",))
    second = repository.commit(edit, parent=beside)
    assert repository.read(second, ROOT) == files(own="new", theirs="2", deep__theirs="4", deep__more="6")
    assert repository.read(second, PurePosixPath("docs")) == files(x="5")


def test_a_path_both_removed_and_written_is_written(repository: Repository) -> None:
    first = begin(repository)
    second = repository.commit(draft(files(a="2"), removed=("a",)), parent=first)
    assert repository.read(second, ROOT) == files(a="2")


def test_a_folder_goes_with_its_last_file(repository: Repository) -> None:
    first = begin(repository, files(a="1", b__c__d="2"))
    second = repository.commit(draft(FileSet(), removed=("b/c/d",)), parent=first)
    assert second == repository.commit(draft(FileSet(), removed=("b/c/d",)), parent=first)
    third = repository.commit(draft(files(b="a file now")), parent=second)
    assert repository.read(third, ROOT) == files(a="1", b="a file now")


def test_everything_can_be_removed(repository: Repository) -> None:
    first = begin(repository)
    second = repository.commit(draft(FileSet(), removed=("a",)), parent=first)
    assert second != first
    assert repository.read(second, TOP) == FileSet()


def test_what_is_in_the_way_is_named_and_kept(repository: Repository) -> None:
    first = begin(repository, files(a="1", b__c="2"))
    with pytest.raises(Stalled, match="clusters/prod/b is a folder"):
        repository.commit(draft(files(b="x")), parent=first)
    with pytest.raises(Stalled, match="clusters/prod/a is no folder"):
        repository.commit(draft(files(a__x="x")), parent=first)
    assert repository.commit(draft(FileSet(), removed=("a/x", "b")), parent=first) == first


def test_an_unknown_parent_is_refused(repository: Repository) -> None:
    with pytest.raises(Stalled):
        repository.commit(draft(files(a="1")), parent=NOBODY)
    first = begin(repository)
    with pytest.raises(Stalled):
        repository.commit(draft(files(a="2")), parent=first, also=(NOBODY,))
    with pytest.raises(Stalled):
        repository.read(NOBODY, ROOT)


def test_a_branch_is_made_moved_and_deleted(repository: Repository) -> None:
    first = begin(repository)
    second = repository.commit(draft(files(a="2")), parent=first)
    repository.push(first, SIDE, expect=None)
    assert repository.head(SIDE) == first
    repository.push(second, SIDE, expect=first)
    repository.refresh()
    assert repository.head(SIDE) == second
    assert repository.ensure_ready(MAIN, ROOT) == first
    repository.delete_branch(SIDE, expect=second)
    repository.refresh()
    assert repository.head(SIDE) is None
    assert repository.head(MAIN) == first


def test_a_branch_can_move_to_a_commit_that_does_not_follow(repository: Repository) -> None:
    first = begin(repository)
    one = repository.commit(draft(files(a="2")), parent=first)
    other = repository.commit(draft(files(a="3")), parent=first)
    repository.push(one, SIDE, expect=None)
    repository.push(other, SIDE, expect=one)
    repository.refresh()
    assert repository.head(SIDE) == other


def test_a_lost_race_changes_nothing(repository: Repository) -> None:
    first = begin(repository)
    second = repository.commit(draft(files(a="2")), parent=first)
    third = repository.commit(draft(files(a="3")), parent=first)
    repository.push(second, SIDE, expect=None)
    for expect in (None, first, NOBODY):
        with pytest.raises(Waiting, match="changed by somebody else"):
            repository.push(third, SIDE, expect=expect)
    with pytest.raises(Waiting, match="changed by somebody else"):
        repository.push(third, BranchName("never"), expect=first)
    with pytest.raises(Waiting, match="changed by somebody else"):
        repository.delete_branch(SIDE, expect=first)
    repository.refresh()
    assert repository.branches() == ((MAIN, first), (SIDE, second))


def test_repeating_is_harmless(repository: Repository) -> None:
    first = begin(repository)
    repository.push(first, MAIN, expect=None)
    repository.push(first, MAIN, expect=first)
    repository.delete_branch(SIDE, expect=first)
    repository.refresh()
    assert repository.branches() == ((MAIN, first),)


def test_branches_are_sorted_and_chosen_by_prefix(repository: Repository) -> None:
    first = begin(repository)
    for name in ("poolplan/prod/b", "poolplan/prod/a", "poolplan/production/a", "other"):
        repository.push(first, BranchName(name), expect=None)
    repository.refresh()
    assert [name for name, _ in repository.branches("poolplan/prod/")] == ["poolplan/prod/a", "poolplan/prod/b"]
    assert [name for name, _ in repository.branches()] == [
        "main", "other", "poolplan/prod/a", "poolplan/prod/b", "poolplan/production/a",
    ]  # fmt: skip


def test_a_branch_in_the_way_is_named(repository: Repository) -> None:
    first = begin(repository)
    repository.push(first, BranchName("poolplan/prod"), expect=None)
    with pytest.raises(Stalled, match="a branch named poolplan/prod is in the way"):
        repository.push(first, SIDE, expect=None)


def test_a_branch_contains_what_is_behind_it(repository: Repository) -> None:
    first = begin(repository)
    second = repository.commit(draft(files(a="2")), parent=first)
    beside = repository.commit(draft(files(a="3")), parent=first)
    repository.push(second, MAIN, expect=first)
    assert repository.contains(MAIN, first)
    assert repository.contains(MAIN, second)
    assert not repository.contains(MAIN, beside)
    assert not repository.contains(MAIN, NOBODY)
    assert not repository.contains(SIDE, first)


def test_the_log_is_of_the_folder_newest_first(repository: Repository) -> None:
    head, made = begin(repository), []
    for hour, (root, text) in enumerate([(ROOT, "2"), (PurePosixPath("docs"), "x"), (ROOT, "3")]):
        drafted = draft(files(a=text), root=root, message=f"Number {hour}", at=NOON + timedelta(hours=hour + 1))
        commit = repository.commit(drafted, parent=head)
        repository.push(commit, MAIN, expect=head)
        head = commit
        made.append(commit)
    assert [one.message for one in repository.log(MAIN, ROOT, limit=9)] == ["Number 2\n", "Number 0\n", "Begin\n"]
    assert [one.id for one in repository.log(MAIN, ROOT / "a", limit=2)] == [made[2], made[0]]
    assert [one.id for one in repository.log(MAIN, PurePosixPath("docs"), limit=9)] == [made[1]]
    assert len(repository.log(MAIN, TOP, limit=9)) == 4
    assert repository.log(MAIN, PurePosixPath("nowhere"), limit=9) == ()


def test_trailers_are_found_wherever_they_stand(repository: Repository) -> None:
    message = "Merge it\n\nPoolplan-Digest: sha256:aa\nPoolplan-Digest:sha256:bb\n\nCo-authored-by: Ada <a@b.test>\n"
    repository.push(repository.commit(draft(files(a="1"), message=message), parent=None), MAIN, expect=None)
    commit = repository.log(MAIN, TOP, limit=1)[0]
    assert commit.trailers("Poolplan-Digest") == ("sha256:aa", "sha256:bb")
    assert commit.trailers("Co-authored-by") == ("Ada <a@b.test>",)
    assert commit.trailers("Nothing") == ()


def test_the_line_of_a_branch_has_what_a_merge_brought_as_one_change(repository: Repository) -> None:
    first = begin(repository)
    side = repository.commit(draft(files(a="2\n"), message="Side"), parent=first)
    onward = repository.commit(draft(files(other="1\n"), root=PurePosixPath("elsewhere"), message="On"), parent=first)
    merge = repository.commit(draft(files(a="2\n"), message="Merge"), parent=onward, also=(side,))
    last = repository.commit(draft(files(b="3\n"), message="Last"), parent=merge)
    repository.push(last, MAIN, expect=first)
    assert [one.id for one in repository.line(MAIN, ROOT, after=None)] == [first, merge, last]
    assert [one.id for one in repository.line(MAIN, ROOT, after=first)] == [merge, last]
    assert [one.id for one in repository.line(MAIN, TOP, after=first)] == [onward, merge, last]
    assert repository.line(MAIN, ROOT, after=last) == ()
    assert repository.line(BranchName("none"), ROOT, after=None) == ()


def test_a_branch_that_lost_what_it_had_is_no_line(repository: Repository) -> None:
    first = begin(repository)
    lost = repository.commit(draft(files(a="2\n"), message="Lost"), parent=first)
    with pytest.raises(Stalled, match=f"main was rewritten and no longer holds {lost[:12]}"):
        repository.line(MAIN, ROOT, after=lost)


def test_where_histories_part(repository: Repository) -> None:
    first = begin(repository)
    one = repository.commit(draft(files(a="2\n"), message="One"), parent=first)
    other = repository.commit(draft(files(b="2\n"), message="Other"), parent=first)
    strange = repository.commit(draft(files(c="2\n"), message="Strange"), parent=None)
    assert repository.fork_point(one, other) == first
    assert repository.fork_point(first, one) == first
    assert repository.fork_point(one, strange) is None


def test_a_commit_that_is_at_hand_is_found_and_an_unknown_one_is_not(repository: Repository) -> None:
    first = begin(repository)
    assert repository.seek(first, ["refs/pull/1/head"])
    assert not repository.seek(NOBODY, ["refs/pull/1/head", "refs/heads/main"])


def test_a_mirror_seeks_what_no_branch_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(tmp_path / "home", monkeypatch)
    origin = new_bare(tmp_path / "origin")
    there = open_path(origin)
    first = begin(there)
    hidden = there.commit(draft(files(a="2\n"), message="Hidden"), parent=first)
    there.git.output("update-ref", "refs/pull/7/head", hidden)
    mirror = open_remote(origin.as_uri(), cache=tmp_path / "mirror")
    mirror.refresh()
    assert not mirror.seek(hidden, ["refs/merge-requests/7/head"])
    assert mirror.seek(hidden, ["refs/merge-requests/7/head", "refs/pull/7/head"])
    assert mirror.show(hidden).message == "Hidden\n"


def test_single_files_are_read_wherever_they_stand(repository: Repository) -> None:
    begin(repository)
    head = repository.commit(
        draft(files(FREEZE="stop\n", docs__x="x\n"), root=TOP, message="Freeze"), parent=repository.head(MAIN)
    )
    paths = [PurePosixPath(name) for name in ("FREEZE", "docs", "docs/x", "none", "clusters/prod/a", "docs/x/y")]
    found = repository.texts(head, paths)
    assert found.as_map() == {
        PurePosixPath("FREEZE"): "stop\n", PurePosixPath("docs/x"): "x\n", PurePosixPath("clusters/prod/a"): "1\n",
    }  # fmt: skip
    assert repository.texts(head, []) == FileSet()


def test_what_differs_between_two_commits_is_told_by_path(repository: Repository) -> None:
    first = begin(repository, files(a="1\n", b="1\n", deep__c="1\n"))
    other = repository.commit(
        draft(files(a="2\n", deep__d="1\n"), removed=("b",), message="Change"), parent=first
    )
    assert list(map(str, repository.changed(first, other))) == [str(ROOT / name) for name in ("a", "b", "deep/d")]
    assert repository.changed(first, first) == ()
