"""Git's objects as poolplan writes and reads them: held against a model, and against Git itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gitops.git.base import Author, BranchName, CommitId
from gitops.git.memory import MemoryRepository
from gitops.git.objects import (
    Entry,
    ObjectId,
    Unwritten,
    edit_tree,
    object_id,
    pack_bytes,
    parse_commit,
    parse_tree,
    tree_bytes,
)
from gitops.git.opening import open_path
from renderer.files import FileSet
from tests.gitops.git.tools import MAIN, NOON, draft, new_bare

if TYPE_CHECKING:
    from pathlib import Path

Texts = dict[PurePosixPath, str]
TOP = PurePosixPath()
names = st.sampled_from(["a", "a.b", "a-b", "b", "ü", "Z"])
paths = st.lists(names, min_size=1, max_size=3).map(lambda parts: PurePosixPath(*parts))
trees = st.dictionaries(paths, st.text(max_size=3), max_size=6).filter(
    lambda texts: not any(one in other.parents for one in texts for other in texts)
)
histories = st.lists(
    st.tuples(st.sets(st.integers(0, 7), max_size=2), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=7
)


def test_folders_are_sorted_as_git_sorts_them() -> None:
    blob = object_id("blob", b"")
    entries = (Entry("40000", "a", blob), Entry("100644", "a.b", blob), Entry("100644", "a-b", blob))
    assert [entry.name for entry in parse_tree(tree_bytes(entries))] == ["a-b", "a.b", "a"]


@pytest.mark.parametrize("size", [0, 1, 15, 16, 2047, 2048, 300_000])
def test_objects_of_any_size_can_be_packed(size: int, tmp_path: Path) -> None:
    repository = open_path(new_bare(tmp_path / "bare"))
    data = bytes(number % 251 for number in range(size))
    repository.git.output("unpack-objects", "-q", "--strict", stdin=pack_bytes([("blob", data)]))
    assert repository.git.output("cat-file", "blob", object_id("blob", data)) == data


def test_an_empty_tree_has_the_id_that_everybody_knows() -> None:
    assert object_id("tree", tree_bytes(())) == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@given(before=trees, after=trees)
def test_editing_a_tree_is_editing_a_map(before: Texts, after: Texts) -> None:
    """Replacing all files leads to the same tree as beginning with it."""
    repository = MemoryRepository()
    first = repository.commit(draft(FileSet.of(before), root=TOP), parent=None)
    gone = tuple(str(path) for path in before if path not in after)
    blocked = any(path in other.parents for path in (*before, *after) for other in (*before, *after))
    if blocked:
        first = repository.commit(draft(FileSet(), removed=tuple(map(str, before)), root=TOP), parent=first)
        gone = ()
    second = repository.commit(draft(FileSet.of(after), removed=gone, root=TOP), parent=first)
    assert repository.read(second, TOP) == FileSet.of(after)
    fresh = repository.commit(draft(FileSet.of(after), root=TOP), parent=None)
    assert repository.show(second).tree == repository.show(fresh).tree


@given(tree=trees, edit=trees)
def test_what_an_edit_does_not_name_keeps_its_id(tree: Texts, edit: Texts) -> None:
    store = MemoryRepository()
    both = {("below", *path.parts): text.encode() for path, text in tree.items()}
    first = edit_tree(store, None, {**both, ("kept",): b"1"})
    second = edit_tree(store, first, {("beside", *path.parts): text.encode() for path, text in edit.items()})
    assert first is not None
    assert second is not None
    after = {entry.name: entry for entry in store.tree(second)}
    assert all(after[entry.name] == entry for entry in store.tree(first))


def test_a_commit_of_anybody_can_be_read() -> None:
    data = (
        b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor J\xfcrgen <j@example.test> 99999999999999999 -0530\n"
        b"committer <> -5 +0930\ngpgsig -----BEGIN\n \n -----END\nencoding ISO-8859-1\n\nGr\xfc\xdfe\n\nKey: value\n"
    )
    commit = parse_commit(CommitId("x"), data)
    assert commit.parents == ()
    assert commit.author == Author("J\ufffdrgen", "j@example.test")
    assert commit.at == datetime(1970, 1, 1, tzinfo=UTC)
    assert commit.trailers("Key") == ("value",)


def raw_commit(tree: ObjectId, parents: list[CommitId], number: int, hour: int) -> bytes:
    """A commit that may be a merge, which drafts never are."""
    who = f"A <a@example.test> {int((NOON + timedelta(hours=hour)).timestamp())} +0000"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}"]
    return ("\n".join(lines) + f"\n\nNumber {number}\n").encode()


def build(memory: MemoryRepository, history: list[tuple[set[int], int, int]]) -> tuple[list[CommitId], Unwritten]:
    """Commits with any parents among the earlier ones; each holds one version of two files."""
    made: list[CommitId] = []
    new = Unwritten(memory.tree)
    for number, (parents, one, two) in enumerate(history):
        tree = edit_tree(new, None, {("x", "a"): b"%d" % one, ("y",): b"%d" % two})
        chosen = [made[parent] for parent in sorted(parents) if parent < number]
        made.append(CommitId(new.write("commit", raw_commit(tree or ObjectId(""), chosen, number, number))))
    for kind, data in new.objects.values():
        memory.write(kind, data)
    return made, new


def test_history_in_memory_is_history_in_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Merges, several beginnings and commits that change nothing: both say the same of each."""
    real, memory, count = open_path(new_bare(tmp_path / "bare")), MemoryRepository(), 0

    @given(history=histories)
    @example(history=[(set(), 0, 0), ({0}, 0, 0)])
    @example(history=[(set(), 0, 0), (set(), 0, 1), ({0, 1}, 0, 0)])
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    def agree(history: list[tuple[set[int], int, int]]) -> None:
        nonlocal count
        count += 1
        branch = BranchName(f"{MAIN}-{count}")
        commits, new = build(memory, history)
        real.git.output("unpack-objects", "-q", stdin=pack_bytes(new.objects.values()))
        for repository in (real, memory):
            repository.push(commits[-1], branch, expect=None)
        for root in (PurePosixPath("x"), PurePosixPath("y"), TOP):
            assert real.log(branch, root, limit=5) == memory.log(branch, root, limit=5)
        assert [real.contains(branch, one) for one in commits] == [memory.contains(branch, one) for one in commits]

    agree()
