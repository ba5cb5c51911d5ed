"""A set of text files as a value: sorted, each path once, so that equal sets are equal bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from planner.errors import ValueRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class FileSet:
    """Paths and texts, sorted by path. Paths are relative and never leave their folder."""

    entries: tuple[tuple[PurePosixPath, str], ...] = ()

    def __post_init__(self) -> None:
        for path, _ in self.entries:
            if path.is_absolute() or ".." in path.parts:
                raise ValueRefused(f"the path {path} leaves its folder")

    @classmethod
    def of(cls, texts: Mapping[PurePosixPath, str]) -> FileSet:
        return cls(tuple(sorted(texts.items())))

    def __iter__(self) -> Iterator[tuple[PurePosixPath, str]]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def get(self, path: PurePosixPath) -> str | None:
        return next((text for one, text in self.entries if one == path), None)

    def as_map(self) -> dict[PurePosixPath, str]:
        return dict(self.entries)

    def paths(self) -> tuple[PurePosixPath, ...]:
        return tuple(path for path, _ in self.entries)

    def under(self, folder: PurePosixPath) -> FileSet:
        """The same files, moved into a folder."""
        return FileSet.of({folder / path: text for path, text in self.entries})

    def inside(self, folder: PurePosixPath) -> FileSet:
        """The files of a folder, with paths relative to it."""
        return FileSet.of({
            path.relative_to(folder): text for path, text in self.entries if path.is_relative_to(folder)
        })  # fmt: skip
