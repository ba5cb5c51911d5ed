"""Every test here runs with a Git that knows nothing of the machine's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gitops.git.tools import isolate

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home folder of the person whose Git runs."""
    return isolate(tmp_path / "home", monkeypatch)
