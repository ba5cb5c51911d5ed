"""Folders of text files on disk, as FileSets."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gitops.errors import InputError, Stalled
from renderer.files import FileSet

if TYPE_CHECKING:
    from collections.abc import Iterable


def read_folder(folder: Path) -> FileSet:
    """The UTF-8 text files of a folder and of the folders in it, hidden ones left out; none where it does not exist."""
    if not folder.exists():
        return FileSet()
    try:
        found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _hidden(path, folder)]
        named = {PurePosixPath(path.relative_to(folder).as_posix()): path for path in found}
        return FileSet.of({name: path.read_text("utf-8") for name, path in named.items()})
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{folder} cannot be read as text files: {error}") from error


def write_folder(folder: Path, files: FileSet, *, removed: Iterable[PurePosixPath] = ()) -> int:
    """Write files whose text differs and delete ``removed``; how many were touched. Raises Stalled."""
    touched = 0
    try:
        for path, text in files:
            target = folder / path
            data = text.encode()
            if not target.is_file() or target.read_bytes() != data:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                touched += 1
        for path in removed:
            if (folder / path).exists():
                (folder / path).unlink()
                touched += 1
    except OSError as error:
        raise Stalled(f"{folder} cannot be written: {error}") from error
    return touched


def _hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
