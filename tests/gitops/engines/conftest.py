"""A Terraform to drive, the stand-in provider for it, and a story that Terraform told once for all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitops.process import find_program
from gitops.sandbox.provider.mirror import install_mirror
from tests.gitops.engines.story import Story, telling

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def terraform() -> str:
    """The program that the tests of this folder run."""
    found = find_program("terraform") or find_program("tofu")
    if found is None:
        pytest.skip("neither terraform nor tofu is on PATH")
    return found


@pytest.fixture(scope="session")
def cli_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Terraform CLI configuration that finds the stand-in provider."""
    return install_mirror(tmp_path_factory.mktemp("mirror"))


@pytest.fixture(scope="module")
def story(terraform: str, cli_config: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with telling(terraform, cli_config, tmp_path_factory.mktemp("story")) as told:
        yield told
