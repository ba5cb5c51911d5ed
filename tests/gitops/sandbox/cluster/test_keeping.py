"""The small cluster goes on after a restart with what its file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitops.clock import SystemClock
from gitops.errors import InputError
from gitops.sandbox.cluster.cluster import SandboxCluster
from gitops.sandbox.cluster.keeping import kept

if TYPE_CHECKING:
    from pathlib import Path

SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}


def names(cluster: SandboxCluster) -> list[str]:
    return [str(one["metadata"]["name"]) for one in cluster.listing("namespaces")]  # type: ignore[index,call-overload]


def test_a_change_is_there_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.json"
    first, second = SandboxCluster(SystemClock()), SandboxCluster(SystemClock())
    with kept(first, file):
        first.seed([SPACE])
    with kept(second, file):
        assert names(second) == names(first)
    assert "shop" in names(second)


@pytest.mark.parametrize("text", ["{", "[]", '{"objects": 3}'])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "state.json"
    file.write_text(text)
    with pytest.raises(InputError, match=r"state\.json"), kept(SandboxCluster(SystemClock()), file):
        pass
