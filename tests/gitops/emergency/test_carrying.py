"""What an emergency leaves behind where the provider's side is refused: nothing, or the record of what was done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitops.apply.hands import Applied, Hands
from gitops.emergency import carrying
from gitops.emergency.alarm import Alarm
from gitops.emergency.carrying import Asked, Means, act
from gitops.emergency.outbox import Outbox
from gitops.errors import PoolplanError, Refused
from gitops.ovh.client import OvhClient
from gitops.sandbox.settings import CLUSTER, PROJECT
from renderer.files import FileSet
from tests.gitops.apply.test_carrying import OWNER
from tests.gitops.fakeengine import FakeEngine, MemoryProvider
from tests.gitops.loop.town import Town, nodes


def means(town: Town, tmp_path: Path) -> Means:
    def nobody() -> Any:
        raise PoolplanError("no cluster is at hand")

    hands = Hands(
        engine=FakeEngine(MemoryProvider(), OWNER), clock=town.clock, nodes=nobody, files=lambda _pools: FileSet(),
        client=OvhClient(None, service_name=PROJECT, kube_id=CLUSTER),  # type: ignore[arg-type] # nothing is called
        report=lambda _progress: None, say=lambda _text: None,
    )  # fmt: skip
    trees = town.trees()
    return Means(
        world=town.world(), trees=trees, main=trees.at(town.main), ledger=town.ledger, hands=hands, owner=OWNER,
        outbox=Outbox(tmp_path / "emergencies"), permission=nobody,
        alarm=Alarm(cluster=nobody, address="", remark=lambda _text: None),
    )  # fmt: skip


@pytest.mark.parametrize(("changed", "events"), [(False, []), (True, ["emergency"])])
def test_only_a_refusal_before_anything_was_changed_leaves_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: bool, events: list[str]
) -> None:
    town = Town()

    def refused(*_given: object) -> Applied:
        error = Refused("pool b is not as it was planned with any more; plan again (done: create a)")
        error.changed = changed
        raise error

    monkeypatch.setattr(carrying, "apply_plan", refused)
    given = means(town, tmp_path)
    with pytest.raises(Refused):
        act(Asked(plan=town.plan(nodes(2)), reason="payments are down"), given, by="ada")
    assert town.events == events
    assert given.outbox.entries() == ()
    assert ["(it failed: pool b is not as it was" in one.reason for one in town.ledger.records] == [True] * len(events)
