"""Which files the user's paths name, and their bytes. What the bytes say is for others.

A folder stands for every ``.yaml``, ``.yml`` and ``.json`` file below it, hidden ones left out (a mounted ConfigMap
keeps its real files in hidden folders); ``-`` is standard input. Large files are mapped, not copied.
"""

from __future__ import annotations

import mmap
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gitops.errors import InputError, Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUFFIXES = (".json", ".yaml", ".yml")
STDIN = Path("-")
LARGEST_JSON = 2 * 1024**3
LARGEST_YAML = 32 * 1024**2
LARGEST_THOROUGH = 2 * 1024**2
QUICK_FROM = 128 * 1024
"""Bytes. YAML takes seconds a megabyte, libyaml a fortieth of that, and JSON less still: a large export is JSON."""
_MAPPED_FROM = 64 * 1024**2
_PIECE = 1024**2


@dataclass(frozen=True, slots=True)
class Source:
    """One file's bytes. ``argument`` is the position, among the user's paths, of the one that led here."""

    file: str
    data: bytes | mmap.mmap
    argument: int = 0

    @property
    def is_json(self) -> bool:
        """By its name or by how it begins; then a file named as YAML may still be YAML in flow style."""
        return self._suffix == ".json" or self.data[:512].lstrip()[:1] in (b"{", b"[")

    @property
    def is_named_yaml(self) -> bool:
        return self._suffix in (".yaml", ".yml")

    def let_go(self) -> None:
        """Give the memory of a mapped file back, once its objects are made; whoever asks for a place reads it again."""
        if isinstance(self.data, mmap.mmap):
            self.data.madvise(mmap.MADV_DONTNEED)

    @property
    def _suffix(self) -> str:
        return Path(self.file).suffix.lower()


def sources(paths: Sequence[Path]) -> Iterator[Source]:
    """All files that the paths name: paths in the given order, a folder's files by name. Raises InputError."""
    for argument, path in enumerate(paths):
        for file in _files(path):
            yield _load(file, argument)


def _files(path: Path) -> Sequence[Path]:
    if path == STDIN or not path.is_dir():
        return (path,)
    found = sorted(
        Path(folder, name)
        for folder, name in _walk(path)
        if name.lower().endswith(SUFFIXES) and not name.startswith(".")
    )
    if not found:
        raise InputError(f"this folder holds no {', '.join(SUFFIXES)} file", place=Place(str(path)))
    return found


def _walk(root: Path) -> Iterator[tuple[str, str]]:
    def refuse(error: OSError) -> None:
        raise InputError(f"cannot be read: {error.strerror}", place=Place(str(error.filename or root)))

    for folder, folders, names in os.walk(root, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from ((folder, name) for name in names)


def _load(path: Path, argument: int) -> Source:
    if path == STDIN:
        return Source("standard input", _all_of(sys.stdin.buffer, "standard input"), argument)
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > LARGEST_JSON:
                raise _too_large(str(path))
            if size >= _MAPPED_FROM:
                return Source(str(path), mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), argument)
            return Source(str(path), _all_of(stream, str(path)), argument)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", place=Place(str(path))) from None


def _all_of(stream: BinaryIO, file: str) -> bytes:
    """Piece by piece, for asking for the most there may be would set aside as much memory."""
    pieces: list[bytes] = []
    size = 0
    while piece := stream.read(_PIECE):
        size += len(piece)
        if size > LARGEST_JSON:
            raise _too_large(file)
        pieces.append(piece)
    return b"".join(pieces).removeprefix(b"\xef\xbb\xbf")


def _too_large(file: str) -> InputError:
    return InputError(
        f"is larger than {LARGEST_JSON // 1024**3} GiB; export fewer kinds, or a kind a file", place=Place(file)
    )
