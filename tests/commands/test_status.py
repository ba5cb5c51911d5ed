"""``poolplan status`` without a cloud: of one cluster, of all of them, and of those that can be read."""

from __future__ import annotations

import json

import pytest

from tests.commands.tools import Desk, FleetRepository, base, new_repository, policy

SETTINGS = base("settings.yaml").replace("ENDPOINT", "ovh-eu")


@pytest.fixture
def fleet(desk: Desk) -> FleetRepository:
    made = new_repository(desk.folder / "fleet.git", "one")
    made.commit({"cluster.yaml": SETTINGS.replace("NAME", "one"), "policy/policy.yaml": policy()}, "Describe one")
    return made


def test_one_cluster_is_told_of_without_its_name(desk: Desk, fleet: FleetRepository) -> None:
    told = desk.run("status", "--repo", "fleet.git")
    assert (told.code, told.err) == (0, "")
    assert told.out == (
        f"Cluster   one\nMain      {fleet.head()[:12]}, nothing was ever applied\n"
        "Drift     not known: no OVH credentials are exported\n"
    )
    document = json.loads(desk.run("status", "--repo", "fleet.git", "--output", "json").out)
    assert (document["kind"], document["cluster"], document["main"]) == ("Status", "one", fleet.head())


def test_all_clusters_are_told_of(desk: Desk, fleet: FleetRepository) -> None:
    other = FleetRepository(fleet.path, "two")
    other.commit({"cluster.yaml": SETTINGS.replace("NAME", "two"), "policy/policy.yaml": policy()}, "Describe two")
    told = desk.run("status", "--repo", "fleet.git")
    assert [line for line in told.out.splitlines() if line.startswith("Cluster")] == ["Cluster   one", "Cluster   two"]
    document = json.loads(desk.run("status", "--repo", "fleet.git", "--output", "json").out)
    assert (document["kind"], [one["cluster"] for one in document["items"]]) == ("StatusList", ["one", "two"])
    alone = desk.run("status", "--repo", "fleet.git", "--cluster", "two")
    assert alone.out.startswith("Cluster   two\n")


def test_one_that_cannot_be_read_does_not_hide_the_others(desk: Desk, fleet: FleetRepository) -> None:
    FleetRepository(fleet.path, "two").commit({"cluster.yaml": "kind: Nonsense\n"}, "Describe two badly")
    told = desk.run("status", "--repo", "fleet.git")
    assert told.code == 1
    assert told.out.startswith("Cluster   one\n")
    assert told.err.startswith("poolplan: two: clusters/two/cluster.yaml")
