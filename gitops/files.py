"""Folders of text files on disk, as FileSets."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from gitops.errors import InputError, Stalled, Waiting
from renderer.files import FileSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def read_folders(root: Path, names: Iterable[PurePosixPath]) -> FileSet:
    """The UTF-8 text files that lie in these folders below ``root``, hidden ones left out. Raises InputError."""
    texts: dict[PurePosixPath, str] = {}
    for folder in names:
        for name in file_names(root / folder):
            if not name.name.startswith("."):
                texts[folder / name] = _text(root / folder / name)
    return FileSet.of(texts)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text; move it away, the folder is for poolplan's files") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error


def file_names(folder: Path) -> tuple[PurePosixPath, ...]:
    """The files that lie in a folder itself, by name; none where it does not exist."""
    if not folder.is_dir():
        return ()
    try:
        return tuple(sorted(PurePosixPath(path.name) for path in folder.iterdir() if path.is_file()))
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror or error}") from error


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
        raise Stalled(f"{error.filename or folder} cannot be written: {error.strerror or error}") from error
    return touched


def write_texts(files: Sequence[tuple[Path, str]]) -> None:
    """Write files that a user named, all of them or none. Raises InputError.

    Each is written beside its place first; what is no regular file, like ``/dev/stdout``, is written as it is.
    """
    beside: list[tuple[Path, Path]] = []
    at = Path()
    try:
        for number, (at, _) in enumerate(files):
            _refuse_place(at, [before for before, _ in files[:number]])
        for at, text in files:
            part = at
            if at.is_file() or not at.exists():
                target = at.resolve()
                part = target.with_name(f".{target.name}.part")
                beside.append((part, target))
            part.write_text(text, encoding="utf-8")
        for part, at in beside:
            part.replace(at)
    except OSError as error:
        raise InputError(f"{at} cannot be written: {error.strerror or error}") from error
    finally:
        for part, _ in beside:
            with suppress(OSError):
                part.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A stream whose bytes take the place of a file once the block ends well: a reader sees the old ones or the new.

    Raises OSError. Whatever must survive a machine that loses its power calls ``settle`` before the block ends.
    """
    beside = path.with_name(f".{path.name}.part")
    try:
        with beside.open("wb") as stream:
            yield stream
        beside.replace(path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def settle(stream: IO[bytes]) -> None:
    """Return once what was written is on the disk. Raises OSError."""
    stream.flush()
    os.fsync(stream.fileno())


def _refuse_place(path: Path, others: Sequence[Path]) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"{path} cannot be written: there is no folder {path.parent}; make it first")
    if path.exists() and not os.access(path, os.W_OK):
        raise InputError(f"{path} cannot be written: it is read-only")
    if path.resolve() in [one.resolve() for one in others]:
        raise InputError(f"{path} is named for two outputs; name two files")


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock that ends with this process. Raises Waiting while another process has it; ``what`` it works on."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a", encoding="utf-8")
    except OSError as error:
        why = error.strerror or error
        raise Stalled(f"{path} cannot be made: {why}; name another folder in POOLPLAN_STATE") from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Waiting(f"another poolplan works on {what} ({path} is locked); wait for it to end") from error
        yield
