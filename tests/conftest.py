"""Expected texts live in files: ``pytest --update-golden`` writes them anew, to be read as a diff."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

CompareText = Callable[[Path, str], None]

# A slow machine is no failure, and the same commit gives the same verdict everywhere; new examples are looked for with
# `pytest --hypothesis-profile=explore`.
settings.register_profile("poolplan", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("poolplan")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write expected texts instead of comparing them")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> CompareText:
    """Compares a whole text with a file; with ``--update-golden``, writes the file."""
    return _write if request.config.getoption("--update-golden") else _compare


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8", newline="")


def _compare(path: Path, text: str) -> None:
    assert path.exists(), f"{path} is missing; `pytest --update-golden` writes it"
    assert text == path.read_bytes().decode(), f"{path} differs; `pytest --update-golden` rewrites it"
