"""Where poolplan keeps what it needs between runs: Terraform's working folders and clones of fleet repositories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def state_folder(environment: Mapping[str, str]) -> Path:
    """``POOLPLAN_STATE``, else ``poolplan`` below the XDG state folder."""
    given = environment.get("POOLPLAN_STATE")
    if given:
        return Path(given).absolute()
    base = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "poolplan"
