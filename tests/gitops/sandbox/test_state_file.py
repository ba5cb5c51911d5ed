"""A sandbox that stops and starts again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from gitops.errors import InputError
from gitops.sandbox.records import World
from gitops.sandbox.settings import SandboxOptions
from gitops.sandbox.store import StateFile

from .conftest import KUBE, POOLS, HandClock, Starter, connected, wish

if TYPE_CHECKING:
    from pathlib import Path

LABELLED = {
    "metadata": {"annotations": {"a": "1"}, "finalizers": ["x/y"], "labels": {"l": "2"}},
    "spec": {"taints": [{"effect": "NoSchedule", "key": "k", "value": "v"}], "unschedulable": True},
}


def test_everything_is_there_after_a_restart(start: Starter, clock: HandClock, tmp_path: Path) -> None:
    options = SandboxOptions(state_file=tmp_path / "state.json")
    first = start(options)
    with connected(first) as client:
        pool = client.post(POOLS, **wish(desiredNodes=2, template=LABELLED, attachFloatingIps={"enabled": False}))
        clock.advance(5)
        client.put(f"{POOLS}/{pool['id']}", desiredNodes=1)
        before = client.get(POOLS), client.get(f"{KUBE}/node"), client.get(f"{KUBE}/node", history=True)
    first.stop()
    with connected(start(options)) as client:
        assert (client.get(POOLS), client.get(f"{KUBE}/node"), client.get(f"{KUBE}/node", history=True)) == before
        clock.advance(1)
        assert client.get(f"{POOLS}/{pool['id']}")["status"] == "READY", "time went on"
        assert client.post(POOLS, **wish(name="other"))["id"] != pool["id"], "ids are not given twice"


def test_file_is_whole_after_every_change_and_leaves_nothing_beside_it(
    start: Starter, clock: HandClock, tmp_path: Path,
) -> None:
    options = SandboxOptions(state_file=tmp_path / "state.json")
    with connected(start(options)) as client:
        client.post(POOLS, **wish())
        world = msgspec.json.decode((tmp_path / "state.json").read_bytes(), type=World)
        assert [pool.spec.name for pool in world.pools] == ["workers"]
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize(("text", "complaint"), [
    ('{"region": "EU-WEST-PAR",\n "pools": oops}', ":2:11: not a usable sandbox state: not JSON: Expecting value; "),
    ('{"region": "EU-WEST-PAR"', ":1:25: not a usable sandbox state: not JSON: Expecting ',' delimiter; "),
    ("", ":1:1: not a usable sandbox state: not JSON: Expecting value; "),
    ('{"region": 5}', ":1:12: region: not a usable sandbox state: must be text, not a whole number; "),
    ('{"region": "R", "pools": [{}]}', ":1:27: pools[0]: not a usable sandbox state: id is missing; "),
    ("{}", ":1:1: not a usable sandbox state: region is missing; "),
])  # fmt: skip
def test_broken_file_is_named_with_the_place(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "state.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        StateFile(path).load("EU-WEST-PAR")
    assert str(error.value) == f"{path}{complaint}mend the file, or remove it to begin anew"
    assert path.read_text(encoding="utf-8") == text, "nothing is overwritten"


def test_state_of_another_region_is_refused(tmp_path: Path) -> None:
    StateFile(tmp_path / "s").save(World(region="GRA11"))
    with pytest.raises(InputError, match="lives in region GRA11, not EU-WEST-PAR"):
        StateFile(tmp_path / "s").load("EU-WEST-PAR")


def test_state_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a usable sandbox state: cannot be read: Is a directory"):
        StateFile(tmp_path).load("EU-WEST-PAR")
    with pytest.raises(InputError, match="cannot write the sandbox state: No such file or directory"):
        StateFile(tmp_path / "no" / "s").save(World(region="EU-WEST-PAR"))


def test_change_that_cannot_be_kept_is_not_made(start: Starter, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with connected(start(SandboxOptions(state_file=folder / "state.json"))) as client:
        folder.rmdir()
        answer = client.raw_call("POST", POOLS, wish())
        assert answer.status_code == 500
        assert "cannot write the sandbox state" in answer.json()["message"]
        assert client.get(POOLS) == []
