"""A real repository, read and written through the ``git`` program; a remote's branches where it has a remote.

A bare repository is worked on in place, a remote address in a mirror of it. In a person's checkout only objects and
the references of branches are written: never the work tree, the index or HEAD.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gitops.errors import Overtaken, Stalled, Waiting
from gitops.git.base import BranchName, Commit, CommitId, rewritten
from gitops.git.checkout import refuse_checked_out, refuse_diverged, refuse_shallow, refuse_unsaved, standing_at
from gitops.git.folders import files_at, files_below
from gitops.git.objects import (
    Entry,
    ObjectId,
    Unwritten,
    commit_bytes,
    draft_edits,
    edit_tree,
    finished,
    pack_bytes,
    parse_commit,
    parse_tree,
    text_of,
)
from gitops.git.program import REMOTE_TIMEOUT, Git, redact
from gitops.git.reading import LARGEST, Objects, TooLarge
from renderer.files import FileSet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops.git.base import Draft
    from gitops.git.signing import Signer

_NOBODY = "0" * 40
_LOST = re.compile(r"stale info|cannot lock ref|failed to update ref|fetch first|non-fast-forward|already exists")
_REFUSED = re.compile(r"^!\t\S*\t(?:\[remote rejected\] )?\(?(.*?)\)?$", re.MULTILINE)


@dataclass(kw_only=True, eq=False)
class PlainRepository:
    """Keeps the contract of ``gitops.git.base.Repository``; made by ``gitops.git.opening``.

    ``checkout`` is a person's work tree, ``remote`` the remote whose branches count, where there are such. Branches are
    listed once after each ``refresh``; what is pushed is checked against where they really are.
    """

    git: Git
    checkout: Path | None = None
    remote: str = ""
    _heads: dict[str, CommitId] | None = field(default=None, init=False, repr=False)
    # What was found out last of commits, which never change; a pass asks for it several times.
    _within: tuple[CommitId, CommitId] | None = field(default=None, init=False, repr=False)
    _line: tuple[object, list[CommitId]] = field(default=(None, []), init=False, repr=False)
    _whole: bool = field(default=False, init=False, repr=False)
    _objects: Objects = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._objects = Objects(self.git)

    @property
    def name(self) -> str:
        return self.git.name

    def refresh(self) -> None:
        self._heads = None
        if self.remote:
            self.git.output(
                "fetch", "--quiet", "--no-tags", "--prune", "--no-write-fetch-head", "--no-recurse-submodules",
                self.remote, f"+refs/heads/*:refs/remotes/{self.remote}/*", timeout=REMOTE_TIMEOUT,
            )  # fmt: skip

    def ensure_ready(self, branch: BranchName, root: PurePosixPath) -> CommitId:
        head = self.head(branch)
        if head is None:
            raise Stalled(self._missing(branch))
        if self.checkout is not None:
            refuse_unsaved(self.git, self.checkout, root)
            if self.remote and self._resolve(f"refs/heads/{branch}"):
                refuse_diverged(self.git, local=f"refs/heads/{branch}", remote=self._ref(branch))
        return head

    def head(self, branch: BranchName) -> CommitId | None:
        return self._listed().get(branch)

    def branches(self, prefix: str = "") -> tuple[tuple[BranchName, CommitId], ...]:
        heads = sorted(self._listed().items())
        return tuple((BranchName(name), commit) for name, commit in heads if name.startswith(prefix))

    def read(self, at: CommitId, root: PurePosixPath) -> FileSet:
        return self._texts(files_below(self, self._tree_of(at), root), root)

    def show(self, commit: CommitId) -> Commit:
        return parse_commit(commit, self.raw(commit))

    def raw(self, commit: CommitId) -> bytes:
        return self._objects.read("commit", [commit])[0]

    def commit(
        self, draft: Draft, *, parent: CommitId | None, also: tuple[CommitId, ...] = (), signer: Signer | None = None,
        standing: CommitId | None = None,
    ) -> CommitId:  # fmt: skip
        parents = tuple(dict.fromkeys([*([parent] if parent else []), *also]))
        trees = [self._tree_of(one) for one in parents]
        before = trees[0] if parent else None
        new = Unwritten(self.tree)
        tree = edit_tree(new, before, draft_edits(draft)) or new.write("tree", b"")
        if parents == (parent,) and tree == before:
            return parents[0]
        data = commit_bytes(draft, tree=tree, parents=parents)
        commit = CommitId(new.write("commit", finished(data, signer, self.raw(standing) if standing else None)))
        self.git.output("unpack-objects", "-q", stdin=pack_bytes(new.objects.values()))
        return commit

    def push(self, commit: CommitId, branch: BranchName, *, expect: CommitId | None) -> None:
        if self.remote:
            self._push(f"{commit}:refs/heads/{branch}", branch, expect or "")
            self._move(branch, commit, expect=None)
            return
        here, where = standing_at(self.git, branch)
        if here != commit:
            refuse_checked_out(self.git, branch, where)
            self._move(branch, commit, expect=expect or _NOBODY)

    def try_push(self, branch: BranchName) -> None:
        head = next((commit for _, commit in self.branches()), None)
        if not self.remote or head is None:
            return
        change = f"{head}:refs/heads/{branch}"
        self.git.output("push", "--dry-run", "--quiet", "--no-verify", self.remote, change, timeout=REMOTE_TIMEOUT)

    def delete_branch(self, branch: BranchName, *, expect: CommitId) -> None:
        if self.remote:
            if self._resolve(self._ref(branch)) is not None:
                self._push(f":refs/heads/{branch}", branch, expect)
                self._move(branch, None, expect=None)
            return
        here, where = standing_at(self.git, branch)
        if here:
            refuse_checked_out(self.git, branch, where)
            self._move(branch, None, expect=expect)

    def contains(self, branch: BranchName, commit: CommitId) -> bool:
        head = self.head(branch)
        if head is None or head == commit:
            return head is not None
        if self._within != (commit, head):
            if not self._objects.has(commit):
                return False
            done = self.git.run("merge-base", "--is-ancestor", commit, head)
            if done.code not in (0, 1):
                raise self.git.failure(done, "merge-base")
            if done.code:
                self._refuse_shallow()
                return False
            self._within = commit, head
        return True

    def log(self, branch: BranchName, root: PurePosixPath, *, limit: int) -> tuple[Commit, ...]:
        head = self.head(branch)
        if head is None:
            return ()
        self._refuse_shallow()
        where = [] if root == PurePosixPath() else [str(root)]
        ids = self.git.output("rev-list", "--full-history", "--date-order", f"--max-count={limit}", head, "--", *where)
        commits = [CommitId(one) for one in ids.decode().split()]
        return tuple(map(parse_commit, commits, self._objects.read("commit", commits)))

    def line(self, branch: BranchName, root: PurePosixPath, *, after: CommitId | None) -> tuple[Commit, ...]:
        head = self.head(branch)
        if head is None:
            return ()
        self._refuse_shallow()
        if after is not None and not self.contains(branch, after):
            raise Stalled(rewritten(self.name, branch, after))
        if self._line[0] != (head, root, after):
            where = [] if root == PurePosixPath() else [str(root)]
            known = [f"^{after}"] if after else []
            ids = self.git.output("rev-list", "--first-parent", "--reverse", head, *known, "--", *where)
            self._line = (head, root, after), [CommitId(one) for one in ids.decode().split()]
        commits = self._line[1]
        return tuple(map(parse_commit, commits, self._objects.read("commit", commits)))

    def fork_point(self, one: CommitId, other: CommitId) -> CommitId | None:
        done = self.git.run("merge-base", one, other)
        if done.code not in (0, 1):
            raise self.git.failure(done, "merge-base")
        if done.code:
            self._refuse_shallow()
        return CommitId(done.out.strip()) if done.code == 0 else None

    def texts(self, at: CommitId, paths: Sequence[PurePosixPath]) -> FileSet:
        return self._texts(files_at(self, self._tree_of(at), paths), PurePosixPath())

    def changed(self, before: CommitId, after: CommitId) -> tuple[PurePosixPath, ...]:
        listing = self.git.output("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after)
        names = (name.decode(errors="surrogateescape") for name in listing.split(b"\0") if name)
        return tuple(sorted(map(PurePosixPath, names)))

    def seek(self, commit: CommitId, references: Sequence[str]) -> bool:
        for reference in references if self.remote else ():
            if self._objects.has(commit):
                break
            done = self.git.run(
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", self.remote,
                reference, timeout=REMOTE_TIMEOUT,
            )  # fmt: skip
            if done.code and "couldn't find remote ref" not in done.err:
                raise self.git.failure(done, "fetch")
        return self._objects.has(commit)

    def tree(self, tree: ObjectId) -> tuple[Entry, ...]:
        """A tree's entries."""
        return parse_tree(self._objects.read("tree", [tree])[0])

    def _ref(self, branch: BranchName) -> str:
        return f"refs/remotes/{self.remote}/{branch}" if self.remote else f"refs/heads/{branch}"

    def _refuse_shallow(self) -> None:
        """Asked until the answer is that all of it is here: what is whole stays so."""
        if not self._whole:
            refuse_shallow(self.git)
            self._whole = True

    def _listed(self) -> dict[str, CommitId]:
        """The branches as of the last ``refresh``, with what was pushed since."""
        if self._heads is None:
            above = self._ref(BranchName(""))
            listing = self.git.output("for-each-ref", "--format=%(objectname) %(refname)", above.rstrip("/")).decode()
            pairs = (line.split(" ", 1) for line in listing.splitlines())
            self._heads = {
                name.removeprefix(above): CommitId(commit) for commit, name in pairs if name != f"{above}HEAD"
            }
        return self._heads

    def _resolve(self, name: str) -> CommitId | None:
        done = self.git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return CommitId(done.out.strip()) if done.code == 0 else None

    def _tree_of(self, commit: CommitId) -> ObjectId:
        return ObjectId(self.show(commit).tree)

    def _texts(self, files: dict[PurePosixPath, ObjectId], root: PurePosixPath) -> FileSet:
        """The texts of files by their paths below ``root``."""
        try:
            contents = self._objects.read("blob", list(files.values()))
        except TooLarge as error:
            path = next(path for path, blob in files.items() if blob == error.object)
            size = f"{LARGEST // 1024**2} MiB"
            raise Stalled(f"{root / path} is larger than {size}. It does not belong below {root}") from error
        return FileSet.of({path: text_of(data, root / path) for path, data in zip(files, contents, strict=True)})

    def _push(self, what: str, branch: BranchName, expect: str) -> None:
        lease = f"--force-with-lease=refs/heads/{branch}:{expect}"
        done = self.git.run("push", "--porcelain", "--no-verify", lease, self.remote, what, timeout=REMOTE_TIMEOUT)
        if not done.code:
            return
        failure, refused = self.git.failure(done, "push"), _REFUSED.search(done.out)
        if refused is None or "in the way" in str(failure):
            raise failure
        if _LOST.search(refused[1]):
            raise self._lost(branch)
        raise Stalled(f"{self.name}: the remote refuses a push to {branch} ({redact(refused[1])})")

    def _move(self, branch: BranchName, commit: CommitId | None, *, expect: str | None) -> None:
        """Let our own reference be the commit (None: be gone), if it still is ``expect`` where that is given."""
        ref = self._ref(branch)
        change = [ref, commit] if commit else ["-d", ref]
        done = self.git.run("update-ref", "--no-deref", *change, *([expect] if expect else []))
        if done.code:
            self._heads = None
        elif self._heads is not None:
            self._heads = {**self._heads, branch: commit} if commit else _without(self._heads, branch)
        if done.code and expect and (self.head(branch) or _NOBODY) != expect:
            raise self._lost(branch)
        if done.code:
            raise self.git.failure(done, "update-ref")

    def _lost(self, branch: BranchName) -> Waiting:
        return Overtaken(f"{self.name}: the branch {branch} was changed by somebody else meanwhile")

    def _missing(self, branch: BranchName) -> str:
        others = [name for name, _ in self.branches()]
        if not others:
            return f"{self.name} has no commits yet. Commit cluster.yaml to {branch} first"
        shown = ", ".join(others[:5]) + (", …" if len(others) > 5 else "")
        return f"{self.name} has no branch {branch}, only {shown}. Create it, or set spec.git.branch in cluster.yaml"


def _without(heads: dict[str, CommitId], branch: BranchName) -> dict[str, CommitId]:
    return {name: commit for name, commit in heads.items() if name != branch}
