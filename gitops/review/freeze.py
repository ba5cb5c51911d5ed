"""A freeze: nothing is applied while one of its files is there, or a setting or a flag says so. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE: Final = "FREEZE"


def freeze_files(cluster: str) -> tuple[PurePosixPath, ...]:
    """Where a freeze of this cluster may lie: for the whole repository, for all clusters, for this one."""
    return (PurePosixPath(FILE), PurePosixPath("clusters", FILE), PurePosixPath("clusters", cluster, FILE))


def frozen(files: Mapping[PurePosixPath, str | None], *, setting: str = "", flag: str | None = None) -> str:
    """Why nothing may be applied, a sentence without a full stop; empty: nothing is frozen.

    ``files`` are those of ``freeze_files`` that are there, with their text; None: it is there, or may be, and cannot
    be read. ``setting`` is ``spec.freeze``; ``flag`` is that of ``--freeze``, None where it was not given.
    """
    raise NotImplementedError
