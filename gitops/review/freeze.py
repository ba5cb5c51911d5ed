"""A freeze: nothing is applied while one of its files is there, or a setting or a flag says so. Pure."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE: Final = "FREEZE"
_LONGEST: Final = 200
"""Characters of a reason that are shown; the file says the rest."""


def freeze_files(cluster: str) -> tuple[PurePosixPath, ...]:
    """Where a freeze of this cluster may lie: for the whole repository, for all clusters, for this one."""
    return (PurePosixPath(FILE), PurePosixPath("clusters", FILE), PurePosixPath("clusters", cluster, FILE))


def frozen(files: Mapping[PurePosixPath, str | None], *, setting: str = "", flag: str | None = None) -> str:
    """Why nothing may be applied, a sentence without a full stop; empty: nothing is frozen.

    ``files`` are those of ``freeze_files`` that are there, with their text; None: it is there, or may be, and cannot
    be read. ``setting`` is ``spec.freeze``; ``flag`` is that of ``--freeze``, None where it was not given.
    """
    found = []
    if flag is not None:
        found.append(_said("--freeze", flag))
    if setting:
        found.append(_said("spec.freeze", setting))
    for path in sorted(files, key=lambda one: (len(one.parts), one)):
        text = files[path]
        found.append(f"{path} cannot be read" if text is None else _said(str(path), text))
    return "; ".join(found)


def _said(where: str, text: str) -> str:
    """The reason on one line, and where it stands; an empty one freezes all the same."""
    reason = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    if not reason:
        return f"{where} says so, without a reason"
    return f"{reason if len(reason) <= _LONGEST else reason[: _LONGEST - 1] + '…'} ({where})"
