"""Plans and settings in one line, for tests that are about something else."""

from __future__ import annotations

from dataclasses import replace

from gitops.settings import OvhSettings, Settings
from planner.canonical import digest_of
from planner.diff import action_for
from planner.plan import Action, Change, Cost, Evidence, Plan, Price
from planner.pools import Pool, PoolName, PoolSet

SETTINGS = Settings(name="prod", ovh=OvhSettings(service_name="0" * 32, kube_id="11111111-2222-3333-4444-555555555555"))
MICRO = 1_000_000


def pool(name: str = "karpenter-b3-8-a", desired: int = 1, **fields: object) -> Pool:
    """A pool of b3-8 in zone a, unless told otherwise."""
    made = Pool(name=PoolName(name), flavor="b3-8", zones=("eu-west-par-a",), desired=desired)
    return replace(made, **fields)  # type: ignore[arg-type]


def plan_of(
    declared: tuple[Pool, ...] = (),
    desired: tuple[Pool, ...] = (),
    *,
    victims: dict[str, tuple[str, ...]] | None = None,
    now: str = "2026-03-01T12:00:00Z",
    hourly: tuple[int, int] = (0, 0),
) -> Plan:
    """The plan from these pools to those. ``hourly`` is the cost before and after, in micro-euros."""
    before, after = PoolSet.of(declared), PoolSet.of(desired)
    changes = []
    for name in sorted(before.names() | after.names()):
        action, forcing = action_for(before.get(name), after.get(name))
        if action is not Action.NOOP:
            changes.append(Change(
                pool=PoolName(name), action=action, before=before.get(name), after=after.get(name),
                forces_replace=forcing, victims=(victims or {}).get(name, ()),
            ))  # fmt: skip
    evidence = Evidence(
        snapshot=digest_of("snapshot"), policy=digest_of("policy"), catalog=digest_of("catalog"),
        pools=digest_of("pools"), now=now, prices="a price list",
    )  # fmt: skip
    cost = Cost(currency="EUR", before=Price(hourly[0]), after=Price(hourly[1]))
    return Plan(declared=before, desired=after, changes=tuple(changes), cost=cost, evidence=evidence)
