"""From waiting pods to an applied change over a real Gitea: the commands a user types, and people at their forge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gitops.forges.gitea_api import GiteaApi
from tests.commands.conftest import terraform, world  # noqa: F401 - fixtures
from tests.commands.test_main_path import POOL, TF, apply_from, clear, placed, pods, sizes
from tests.commands.tools import policy
from tests.commands.waiting import until
from tests.contracts.forges import ADA, BOT, GRACE
from tests.real.fleets import GiteaFleet
from tests.real.giteaserver import GiteaError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gitops.forges.rest import Reply
    from tests.commands.tools import Desk
    from tests.commands.world import World
    from tests.real.giteaserver import Gitea

UP, LEDGER = "poolplan/demo/up", "poolplan/demo/ledger"
NOTHING = "poolplan: nothing to propose\n"
PROPOSALS = "{batch: {idle: 0s}, labels: [poolplan, capacity], reviewers: [grace]}"
WAITS = "grow needs 1 approval (rule default); it has none"


@pytest.fixture
def fleet(gitea: Gitea, world: World, tmp_path: Path) -> GiteaFleet:  # noqa: F811 - a fixture
    """A repository with settings and a policy of b3-8 alone, its main branch protected; provider and cluster empty."""
    clear(world)
    made = GiteaFleet(gitea=gitea, folder=tmp_path)
    proposals = "proposals: {batch: {idle: 0s}}"
    settings = world.settings(**{proposals: f"proposals: {PROPOSALS}\n  forge: {made.forge()}"})
    made.commit({"cluster.yaml": settings, "policy/policy.yaml": policy("b3-8")}, "Describe cluster demo")
    made.protect()
    return made


@pytest.fixture
def desk(world: World, fleet: GiteaFleet, tmp_path: Path) -> Desk:  # noqa: F811 - a fixture
    """Where poolplan runs, signed in at the forge."""
    made = world.desk(tmp_path)
    made.environment = {**made.environment, **fleet.environment}
    return made


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every call that poolplan makes to the forge, as it is made."""
    made: list[str] = []
    exchange = GiteaApi.exchange

    def counted(self: GiteaApi, verb: str, path: str, query: Mapping[str, object], body: object) -> Reply:
        made.append(f"{verb} {path}")
        return exchange(self, verb, path, query, body)

    monkeypatch.setattr(GiteaApi, "exchange", counted)
    return made


def propose(desk: Desk, fleet: GiteaFleet) -> str:
    """What one pass told."""
    outcome = desk.run("propose", "--repo", fleet.address)
    assert outcome.code == 0, outcome
    return outcome.err


def test_a_change_is_proposed_reviewed_merged_and_applied(
    world: World, desk: Desk, fleet: GiteaFleet, terraform: str, calls: list[str]  # noqa: F811 - fixtures
) -> None:
    assert propose(desk, fleet) == NOTHING
    assert len(calls) <= 2, "an idle pass"
    number = opened(world, desk, fleet)
    resting(desk, fleet, number, calls)
    revised(world, desk, fleet, number)
    merged(desk, fleet, number)
    applied = apply_from(fleet.address, desk, world, terraform)
    assert applied.code == 0, applied
    assert applied.out.endswith(": 1 pool changed, 0 nodes removed.\n")
    assert sizes(world) == {POOL: 3}
    until("all pods run", lambda: all(placed(world).values()))
    author, text = fleet.people.comments(number)[-1]
    assert (author, text.rstrip().splitlines()[-1]) == (BOT, "**Applied:** 1 pool was changed.")
    told(desk, fleet, number)


def opened(world: World, desk: Desk, fleet: GiteaFleet) -> int:  # noqa: F811
    pods(world, "one", "two")
    err = propose(desk, fleet)
    (request,) = fleet.requests()
    assert f"up opened: {request['html_url']}, branch {UP}" in err
    assert (request["user"]["login"], request["head"]["ref"], request["base"]["ref"]) == (BOT, UP, "main")
    assert request["title"] == "Scale up demo: +2 ~0 -0 nodes, +€0.10/h"
    assert sorted(one["name"] for one in request["labels"]) == ["capacity", "poolplan"]
    assert [one["login"] for one in request["requested_reviewers"]] == [GRACE]
    assert "**`+2 ~0 -0` nodes, +€0.10/h (+€75/month), 2 pods waiting" in request["body"]
    assert fleet.status(request["head"]["sha"]) == ("pending", WAITS)
    assert fleet.records() == ["opened"]
    return int(request["number"])


def resting(desk: Desk, fleet: GiteaFleet, number: int, calls: list[str]) -> None:
    """The same again: nothing is said, pushed or changed."""
    before, ledger = fleet.request(number), fleet.head(LEDGER)
    calls.clear()
    assert "up stands: " in propose(desk, fleet)
    assert {one.partition(" ")[0] for one in calls} == {"GET"}
    after = fleet.request(number)
    assert (after["updated_at"], after["head"]["sha"]) == (before["updated_at"], before["head"]["sha"])
    assert fleet.head(LEDGER) == ledger
    assert fleet.people.comments(number) == []


def revised(world: World, desk: Desk, fleet: GiteaFleet, number: int) -> None:  # noqa: F811
    """Demand moves while somebody has approved what stood; the approval does not cover what came."""
    fleet.people.approve(ADA, number)
    assert "up told anew" in propose(desk, fleet)
    assert fleet.status(fleet.request(number)["head"]["sha"])[0] == "success"
    pods(world, "three")
    assert "up revised: " in propose(desk, fleet)
    (request,) = fleet.requests()
    assert request["number"] == number
    assert request["title"] == "Scale up demo: +3 ~0 -0 nodes, +€0.15/h"
    assert "desired_nodes = 3" in fleet.read(TF, branch=UP)
    state, description = fleet.status(request["head"]["sha"])
    assert (state, description.startswith(f"{WAITS}; {ADA} approved less in ")) == ("pending", True)
    with pytest.raises(GiteaError, match="405"):
        fleet.gitea.call(ADA, "POST", f"/repos/{fleet.name}/pulls/{number}/merge", {"Do": "merge"})


def merged(desk: Desk, fleet: GiteaFleet, number: int) -> None:
    """An approval of what stands lets the status pass, and the protected branch takes it."""
    fleet.people.approve(GRACE, number)
    assert "up told anew" in propose(desk, fleet)
    assert fleet.status(fleet.request(number)["head"]["sha"])[0] == "success"
    fleet.people.merge(ADA, number)
    assert fleet.request(number)["merged"]


def told(desk: Desk, fleet: GiteaFleet, number: int) -> None:
    """The ledger has it all, and the next pass is idle."""
    assert fleet.records() == ["opened", "superseded", "revised", "claimed", "applied"]
    assert "up tidied up (it is merged)" in propose(desk, fleet)
    assert fleet.head(UP) is None
    assert propose(desk, fleet) == NOTHING
    history = desk.run("history", "--repo", fleet.address, "--now", "2027-01-01T00:00:00Z")
    assert history.code == 0, history
    assert f"up #{number}: applied" in history.out
    assert f"approved by {GRACE}" in history.out


def test_a_change_that_was_merged_without_its_approval_is_withheld(
    world: World, desk: Desk, fleet: GiteaFleet, terraform: str  # noqa: F811 - fixtures
) -> None:
    """A protected branch that asks for less than poolplan's own rules is no way round them."""
    number = opened(world, desk, fleet)
    fleet.people.protect("main")
    fleet.people.merge(ADA, number)
    refused = apply_from(fleet.address, desk, world, terraform)
    assert (refused.code, refused.out) == (3, ""), refused
    assert sizes(world) == {}
    author, text = fleet.people.comments(number)[-1]
    assert author == BOT
    assert "**Withheld:** Merged, and not applied for now." in text
    assert WAITS in text.replace("`", "")


def test_a_closed_proposal_is_remembered(world: World, desk: Desk, fleet: GiteaFleet) -> None:  # noqa: F811
    number = opened(world, desk, fleet)
    fleet.people.close(GRACE, number)
    err = propose(desk, fleet)
    assert f"up declined (#{number} was closed by {GRACE})" in err
    assert f"{GRACE} declined #{number}" in propose(desk, fleet)
    assert fleet.requests() == []
    assert fleet.head(UP) is None
    author, text = fleet.people.comments(number)[-1]
    assert author == BOT
    assert f"**Declined:** Closed by `{GRACE}`, and remembered" in text
    pods(world, "three")
    assert "up opened: " in propose(desk, fleet), "half as much again is another question"


def test_a_person_s_own_request_is_answered(
    world: World, desk: Desk, fleet: GiteaFleet, terraform: str, calls: list[str]  # noqa: F811 - fixtures
) -> None:
    number = opened(world, desk, fleet)
    fleet.people.approve(GRACE, number)
    propose(desk, fleet)
    fleet.people.merge(ADA, number)
    assert apply_from(fleet.address, desk, world, terraform).code == 0
    until("both pods run", lambda: all(placed(world).values()))
    propose(desk, fleet)

    text = fleet.read(TF)
    fleet.commit({TF: text.replace("desired_nodes = 2", "desired_nodes = 4")}, "Two more for the sale", branch="sale")
    own = fleet.people.request(ADA, "sale", title="Two more for the sale")
    assert f"#{own} answered (" in propose(desk, fleet)
    ((author, said),) = fleet.people.comments(own)
    assert author == BOT
    assert "This change does:" in said
    assert "**`+2 ~0 -0` nodes, +€0.10/h (+€75/month)**" in said
    assert fleet.status(fleet.request(own)["head"]["sha"]) == ("pending", WAITS)

    before = fleet.request(own)["updated_at"]
    calls.clear()
    propose(desk, fleet)
    assert {one.partition(" ")[0] for one in calls} == {"GET"}, calls
    assert fleet.request(own)["updated_at"] == before

    fleet.people.approve(GRACE, own)
    propose(desk, fleet)
    assert fleet.status(fleet.request(own)["head"]["sha"]) == ("success", "grow needs 1 approval (rule default)")
    fleet.people.merge(GRACE, own)
    applied = apply_from(fleet.address, desk, world, terraform)
    assert applied.code == 0, applied
    assert sizes(world) == {POOL: 4}
