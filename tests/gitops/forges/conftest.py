"""A fake of each forge on loopback, with the adapter over it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.contracts.forges import MAKERS, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def github(tmp_path: Path, stack: ExitStack) -> World:
    return next(one for one in MAKERS if one.name == "github").make(tmp_path, stack)


@pytest.fixture
def gitlab(tmp_path: Path, stack: ExitStack) -> World:
    return next(one for one in MAKERS if one.name == "gitlab").make(tmp_path, stack)
