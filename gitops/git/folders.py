"""What stands below a path of a commit's tree, read from a store; and what of it poolplan can read as text."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gitops.errors import Stalled
from gitops.git.objects import FOLDER, PLAIN_FILES, find_entry, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gitops.git.objects import Entry, ObjectId, Source

HERE = PurePosixPath()


def files_below(store: Source, tree: ObjectId, root: PurePosixPath) -> dict[PurePosixPath, ObjectId]:
    """The files below a folder of a tree, by their paths below it; none where there is no such folder.

    Raises Stalled for what poolplan cannot read.
    """
    found = find_entry(store, tree, root)
    if found is None:
        return {}
    if found.mode != FOLDER:
        raise Stalled(f"{root} is a file where a folder should be")
    return {path: _plain(root / path, entry, root) for path, entry in entries_below(store, found.id)}


def files_at(store: Source, tree: ObjectId, paths: Iterable[PurePosixPath]) -> dict[PurePosixPath, ObjectId]:
    """Those of these paths at which a tree has a file. Raises Stalled for what poolplan cannot read."""
    found = {path: find_entry(store, tree, path) for path in paths}
    return {path: _plain(path, one, HERE) for path, one in found.items() if one is not None and one.mode != FOLDER}


def entries_below(store: Source, tree: ObjectId, above: PurePosixPath = HERE) -> Iterator[tuple[PurePosixPath, Entry]]:
    """Everything below a tree that is no folder."""
    for entry in store.tree(tree):
        if entry.mode == FOLDER:
            yield from entries_below(store, entry.id, above / entry.name)
        else:
            yield above / entry.name, entry


def _plain(path: PurePosixPath, entry: Entry, root: PurePosixPath) -> ObjectId:
    name = str(path).encode(errors="surrogateescape")
    shown = name.decode(errors="replace")
    if entry.mode not in PLAIN_FILES:
        raise Stalled(f"{shown} is {kind_of(entry.mode)}. Below {root} poolplan reads plain files only")
    if shown.encode() != name:
        raise Stalled(f"{shown} has a name that is not UTF-8. Rename it")
    return entry.id
