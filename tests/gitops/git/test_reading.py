"""Objects come through one git that is kept running: whole, of the kind asked for, and again after a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.errors import Fatal, Stalled, Waiting
from gitops.git import plain, program
from gitops.git.base import CommitId
from gitops.git.objects import object_id
from gitops.git.opening import open_repository
from gitops.git.plain import PlainRepository
from gitops.git.reading import AT_ONCE, Objects
from gitops.process import Conversation, Finished
from tests.commands.tools import git, new_repository
from tests.gitops.git.tools import MAIN


@pytest.fixture
def repository(tmp_path: Path) -> PlainRepository:
    """With more files in one commit than are asked for at once, one of them empty and one with bytes like an answer."""
    texts = {f"policy/{number}": f"{number}\n" for number in range(AT_ONCE + 5)}
    made = new_repository(tmp_path / "fleet.git")
    made.commit({**texts, "policy/empty": "", "policy/odd": f"{'0' * 40} blob 3\n\n\nx"}, "Begin")
    return open_repository(str(made.path), cache=tmp_path)


def blobs(*texts: str) -> list[str]:
    return [object_id("blob", text.encode()) for text in texts]


def test_objects_come_in_the_order_in_which_they_are_asked_for(repository: PlainRepository) -> None:
    objects = Objects(repository.git)
    wanted = [f"{number}\n" for number in reversed(range(AT_ONCE + 5))]
    wanted += ["", f"{'0' * 40} blob 3\n\n\nx", "1\n"]
    assert objects.read("blob", blobs(*wanted)) == [text.encode() for text in wanted]
    assert objects.read("blob", []) == []


def test_after_a_missing_object_the_next_answer_is_right(repository: PlainRepository) -> None:
    objects = Objects(repository.git)
    with pytest.raises(Stalled, match=f"the object {'a' * 40} is missing. Run git fsck there"):
        objects.read("blob", [*blobs("1\n"), "a" * 40, *blobs("2\n", "3\n")])
    assert objects.read("blob", blobs("4\n")) == [b"4\n"]


def test_an_object_of_another_kind_is_none(repository: PlainRepository) -> None:
    with pytest.raises(Stalled, match="is a blob, not a commit"):
        repository.show(CommitId(blobs("1\n")[0]))


def test_what_was_written_since_is_found(repository: PlainRepository) -> None:
    head = repository.head(MAIN)
    assert head is not None
    repository.show(head)
    new = git("--git-dir", repository.git.folder, "commit-tree", f"{head}^{{tree}}", "-m", "Later")
    assert repository.show(CommitId(new)).message == "Later\n"


def test_a_git_that_dies_is_told_and_started_anew(repository: PlainRepository) -> None:
    objects = Objects(repository.git)
    objects.read("blob", blobs("1\n"))
    assert objects._talk is not None
    objects._talk._program.kill()
    objects._talk._program.wait()
    with pytest.raises(Waiting, match="git ended while it was asked"):
        objects.read("blob", blobs("1\n"))
    assert objects.read("blob", blobs("1\n")) == [b"1\n"]


def test_git_ends_with_who_asked_it(repository: PlainRepository) -> None:
    objects = Objects(repository.git)
    objects.read("blob", blobs("1\n"))
    assert objects._talk is not None
    running = objects._talk._program
    del objects
    assert running.returncode == 0


def test_a_program_that_is_not_there_is_told() -> None:
    with pytest.raises(Fatal, match="no-such-program cannot be started"):
        Conversation(["no-such-program"], env={})


def test_branches_are_listed_once_and_known_after_a_push(
    repository: PlainRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    run = program.run_git

    def counted(*arguments: str, **options: object) -> Finished:
        started.append(arguments[2])
        return run(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(program, "run_git", counted)
    head = repository.head(MAIN)
    assert head is not None
    assert (repository.head(plain.BranchName("none")), len(repository.branches())) == (None, 1)
    assert started == ["for-each-ref"]
    side = plain.BranchName("side")
    repository.push(head, side, expect=None)
    started.clear()
    assert (repository.head(side), repository.contains(MAIN, head)) == (head, True)
    assert started == []
    repository.delete_branch(side, expect=head)
    assert repository.head(side) is None
