"""The whole decision: demand, solution, victims, desired pools and the plan between declared and desired."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from planner import labels as known
from planner.accounts import pool_price
from planner.aims import Aims, policy_digest
from planner.bins import Bin, node_bins, usable
from planner.candidates import candidates
from planner.coming import Shortfall, shortfall
from planner.coverage import find_gaps
from planner.demand import Demand, collect_demand, without_expendable
from planner.desired import Desired, desired_pools
from planner.diff import action_for
from planner.errors import ValueRefused
from planner.ledger import Ledger
from planner.memory import Memory
from planner.onorder import nodes_on_order, order_bins
from planner.ownership import owners
from planner.pending import find_pending, rfc3339, urgency
from planner.plan import Action, Change, Cost, Evidence, PlacedNode, Plan, Price
from planner.pods import Owner
from planner.pools import NODES_PER_CLUSTER, POOLS_PER_CLUSTER, Pool, PoolName, PoolSet
from planner.prepare import prepared
from planner.removal import Victim, find_victims
from planner.resources import CPU, MEMORY, NODES, STORAGE, Resources
from planner.solve import Opened, Problem, Solution, solve
from planner.standing import Crowd
from planner.why import removal_reasons, scale_up_reasons

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from planner.canonical import Digests
    from planner.catalog import Catalog, Region
    from planner.nodes import Node
    from planner.pods import Pod
    from planner.policy import NodePool, Policy
    from planner.snapshot import Snapshot
    from planner.taints import Taint


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Everything a plan is made from. ``declared`` is what Git says; ``observed`` what the provider says.

    ``region`` is used where no node class names one. ``cluster_plan`` is ``free`` or ``standard``. ``quota`` is what
    the project may still have in the region (CPU, memory, nodes), None where that is not looked at.
    """

    snapshot: Snapshot
    policy: Policy
    catalog: Catalog
    declared: PoolSet
    observed: PoolSet = field(default_factory=PoolSet)
    region: str = ""
    cluster_plan: str = "standard"
    aims: Aims = field(default_factory=Aims)
    quota: Resources | None = None


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A plan and what it was made of, for whoever explains it. ``inputs`` hold the pods of what-if workloads too."""

    plan: Plan
    inputs: Inputs
    problem: Problem
    solution: Solution


def decide(inputs: Inputs, *, now: datetime, memory: Memory | None = None) -> Plan:
    """The plan for these inputs at this time. Raises ValueRefused when the region cannot be told.

    ``memory`` is what a caller keeps between two plans of a cluster; the plan is the same without it.
    """
    return consider(inputs, now=now, memory=memory).plan


def consider(inputs: Inputs, *, now: datetime, memory: Memory | None = None) -> Decision:
    """As ``decide``, and how it came to it."""
    memory = memory or Memory()
    region, evidence = find_region(inputs), _evidence(inputs, now, memory.digests)
    snapshot = prepared(inputs.snapshot, inputs.aims, memory.parted(inputs.snapshot.pods))
    inputs, parted = replace(inputs, snapshot=snapshot), memory.parted(snapshot.pods)
    demand = collect_demand(snapshot, inputs.aims, parted)
    passing = frozenset(taint for one in inputs.policy.node_pools for taint in one.startup_taints)
    everything = _all_pools(inputs)
    ordered = memory.recall(
        "ordered", (*_told(everything), snapshot.nodes, inputs.catalog, region, passing),
        lambda: nodes_on_order(everything, snapshot.nodes, inputs.catalog, region, passing=passing),
    )  # fmt: skip
    coming = order_bins(ordered, snapshot.daemonsets)
    left = replace(inputs, snapshot=without_expendable(snapshot, inputs.aims, parted))
    bins = [*_bins(left.snapshot, memory, passing, now), *coming]
    problem = _problem(left, region, demand, memory, bins=bins)
    solution = solve(problem)
    victims = _victims(inputs, region, solution, now)
    desired = desired_pools(
        inputs.declared, solution, victims=victims, short=_taken_back(inputs, region, solution),
        on_order={node.name: node for node in ordered},
        taken=everything.names().union(node.name for node in snapshot.nodes),
    )  # fmt: skip
    plan = _plan(inputs, problem, solution, desired, waiting=parted.loose, evidence=evidence)
    return Decision(plan=plan, inputs=inputs, problem=problem, solution=solution)


def _shortfalls(inputs: Inputs, region: Region) -> tuple[Shortfall, ...]:
    """What will not come of the pools that the plan may change."""
    joined = frozenset(node.name for node in inputs.snapshot.nodes)
    mine = [pool for pool in _all_pools(inputs) if _is_owned(pool, inputs)]
    return tuple(one for pool in mine if (one := shortfall(pool, inputs.catalog, region, joined)) is not None)


def _taken_back(inputs: Inputs, region: Region, solution: Solution) -> tuple[Shortfall, ...]:
    """The pools that go back to what is there of them. Where pods wait and nothing else can be ordered for them, none
    does: then they wait for the very nodes that do not come yet."""
    waits = bool(solution.unplaced) and not solution.opened
    return () if waits else _shortfalls(inputs, region)


def find_region(inputs: Inputs) -> Region:
    """The cluster's one region: what the node classes and ``inputs.region`` say, else what the nodes say."""
    named = {one.region for one in inputs.policy.node_classes if one.region}
    found = sorted(named | ({inputs.region} if inputs.region else set())) or _regions_of_nodes(inputs)
    if len(found) > 1:
        listed = " and ".join(found)
        raise ValueRefused(f"a cluster is in one region, but {listed} are named; correct the policy or the option")
    if not found:
        raise ValueRefused("the region is unknown; set spec.region in the OVHNodeClass, or OVH_REGION")
    region = inputs.catalog.region(found[0])
    if region is None:
        listed = ", ".join(one.name for one in inputs.catalog.regions)
        raise ValueRefused(
            f"region {found[0]} is not in the catalog, which knows {listed}; poolplan catalog writes one of your region"
        )
    return region


def _regions_of_nodes(inputs: Inputs) -> list[str]:
    nodes = [node.label_map for node in inputs.snapshot.nodes]
    return sorted({labels[known.REGION] for labels in nodes if known.REGION in labels})


def _all_pools(inputs: Inputs) -> PoolSet:
    """Declared pools with what the provider knows of them, and pools that only the provider has."""
    merged = []
    for pool in inputs.declared:
        seen = inputs.observed.get(pool.name)
        merged.append(replace(pool, state=seen.state) if seen is not None else pool)
    merged += [pool for pool in inputs.observed if inputs.declared.get(pool.name) is None]
    return PoolSet.of(merged)


def _told(pools: PoolSet) -> tuple[object, ...]:
    """Pools with what the provider says of each: two that differ in that alone are equal."""
    return tuple(pools), tuple(pool.state for pool in pools)


def _bins(snapshot: Snapshot, memory: Memory, passing: frozenset[Taint], now: datetime) -> tuple[Bin, ...]:
    open_nodes = tuple(node for node in snapshot.nodes if usable(node, now))
    parted = memory.parted(snapshot.pods)
    bound, coming = parted.bound.pods, tuple(pod for pod in parted.loose if pod.nominated_node)
    return memory.recall(
        "bins", (open_nodes, bound, coming, snapshot.daemonsets, passing),
        lambda: tuple(node_bins(open_nodes, (*bound, *coming), snapshot.daemonsets, passing=passing)),
    )  # fmt: skip


def _problem(inputs: Inputs, region: Region, demand: Demand, memory: Memory, *, bins: list[Bin]) -> Problem:
    nodes, daemons, breadth = inputs.snapshot.nodes, inputs.snapshot.daemonsets, inputs.aims.min_values
    offers = memory.recall(
        "offers", (inputs.policy, inputs.catalog, region, nodes, daemons, breadth),
        lambda: candidates(
            inputs.policy, inputs.catalog, region, nodes=nodes, daemonsets=daemons, min_values=breadth
        ),
    )  # fmt: skip
    return Problem(
        demand=demand, snapshot=inputs.snapshot, bins=bins, candidates=offers, ledger=_ledger(inputs, region),
        currency=inputs.catalog.currency, aims=inputs.aims, crowd=_crowd(inputs.snapshot, memory),
    )  # fmt: skip


def _crowd(snapshot: Snapshot, memory: Memory) -> Crowd:
    bound = memory.parted(snapshot.pods).bound.pods
    return memory.recall("crowd", bound, lambda: Crowd.of(bound))


def _ledger(inputs: Inputs, region: Region) -> Ledger:
    """The account before anything new is ordered."""
    pools = _all_pools(inputs)
    names = pools.names()
    loose = [node for node in inputs.snapshot.nodes if node.pool not in names]
    nodes = sum(pool.desired for pool in pools) + len(loose)
    allowed = NODES_PER_CLUSTER.get(inputs.cluster_plan)
    if allowed is None:
        listed = ", ".join(NODES_PER_CLUSTER)
        raise ValueRefused(f"cluster plan {inputs.cluster_plan!r} is unknown; it is one of {listed}")
    left = inputs.quota
    quota = {name: left.get(name) for name in (CPU, MEMORY, NODES)} if left is not None else {}
    ledger = Ledger(allowed - nodes, POOLS_PER_CLUSTER - len(pools), quota=quota)
    coming = {one.pool: one.stays for one in _shortfalls(inputs, region)}
    members: dict[str, list[Node]] = {}
    for node in inputs.snapshot.nodes:
        members.setdefault(node.pool, []).append(node)
    for pool in pools:
        mine = _is_owned(pool, inputs)
        pool = pool.resized(coming.get(pool.name, pool.desired))  # noqa: PLW2901 - as large as it will be
        if mine and not pool.failed and pool.name not in coming:
            room = max(0, pool.room - pool.desired)
            ledger.spare[pool.identity] = ledger.spare.get(pool.identity, 0) + room
        flavor = inputs.catalog.flavor(pool.flavor)
        if flavor is not None and quota:
            ledger.reserve(flavor, max(0, pool.desired - (pool.state.current_nodes if pool.state else 0)))
        for node_pool in owners(pool, inputs.policy, inputs.catalog, region) if mine else ():
            for capacity in _capacities(pool, members.get(pool.name, ()), inputs.catalog):
                ledger.charge(node_pool.name, capacity)
    return ledger


def _is_owned(pool: Pool, inputs: Inputs) -> bool:
    """Whether the plan may change a pool: Git declares it, and OVHcloud's own autoscaler does not size it too."""
    return inputs.declared.get(pool.name) is not None and not pool.autoscale


def _capacities(pool: Pool, nodes: Sequence[Node], catalog: Catalog) -> list[Resources]:
    """The capacity of each node of a pool, there or on order: the live figure where there is one."""
    flavor = catalog.flavor(pool.flavor)
    usual = flavor.capacity() if flavor else Resources()
    live = [node.capacity if node.capacity.items else usual for node in nodes]
    return live + [usual] * max(0, pool.desired - len(live))


def _victims(inputs: Inputs, region: Region, solution: Solution, now: datetime) -> tuple[Victim, ...]:
    # A pool that no NodePool would make any more goes when it is empty, as patiently as the most patient of them says.
    everyone = inputs.policy.node_pools
    mine: dict[str, tuple[Pool, tuple[NodePool, ...]]] = {
        pool.name: (pool, owners(pool, inputs.policy, inputs.catalog, region) or everyone)
        for pool in inputs.declared
        if _is_owned(pool, inputs)
    }
    wanted = frozenset(name for name, pods in solution.onto if pods)
    return find_victims(mine, inputs.snapshot.nodes, inputs.snapshot.pods, wanted=wanted, now=now)


def _plan(
    inputs: Inputs, problem: Problem, solution: Solution, desired: Desired, *, waiting: Sequence[Pod],
    evidence: Evidence,
) -> Plan:  # fmt: skip
    changes = _changes(inputs, problem, desired)
    cost = _cost(inputs, desired, solution)
    return Plan(
        declared=inputs.declared, desired=desired.pools, changes=changes, placements=_named(desired, inputs),
        unplaced=solution.unplaced, cost=cost, certificate=solution.certificate,
        pending=find_pending(problem.demand, waiting), evidence=evidence,
        warnings=_warnings(inputs, problem.demand, desired),
    )  # fmt: skip


def _evidence(inputs: Inputs, now: datetime, digests: Digests) -> Evidence:
    """What the plan was made from."""
    evidence = Evidence(
        snapshot=digests.of(inputs.snapshot), catalog=digests.of(inputs.catalog),
        policy=policy_digest(inputs.policy, inputs.aims, digests),
        pools=digests.of((inputs.declared, inputs.observed)),
        now=rfc3339(now), prices=inputs.catalog.source,
    )  # fmt: skip
    digests.forget_unused()
    return evidence


def _named(desired: Desired, inputs: Inputs) -> tuple[PlacedNode, ...]:
    """Placements on nodes that exist, with the pool each of them is in."""
    there = {node.name: node for node in inputs.snapshot.nodes}
    return tuple([
        one if one.pool or one.expected or one.name not in there else replace(one, pool=there[one.name].pool)
        for one in desired.placements
    ])


def _changes(inputs: Inputs, problem: Problem, desired: Desired) -> tuple[Change, ...]:
    found = []
    seen = _all_pools(inputs)
    for name in sorted(inputs.declared.names() | desired.pools.names()):
        before, after = inputs.declared.get(name), desired.pools.get(name)
        action, forcing = action_for(before, after)
        if action is Action.NOOP:
            continue
        opened = [one for pool, one in desired.opened if pool == name]
        leaving = [victim for victim in desired.victims if victim.pool == name]
        short = [one for one in desired.short if one.pool == name]
        known_there = seen.get(name)
        found.append(Change(
            pool=PoolName(name), action=action, after=after, forces_replace=forcing,
            before=replace(before, state=known_there.state) if before and known_there else before,
            reasons=(
                *scale_up_reasons(opened, problem), *removal_reasons(leaving), *(one.reason for one in short),
            ),
            pods=_drivers(opened, problem.demand), priority=urgency(opened, problem.demand),
            victims=tuple(sorted([*(one.node for one in leaving), *(name for one in short for name in one.lost)])),
            cost_before=pool_price(before, inputs.catalog), cost_after=pool_price(after, inputs.catalog),
        ))  # fmt: skip
    return tuple(found)


def _drivers(opened: list[Opened], demand: Demand) -> tuple[tuple[Owner, int], ...]:
    """Which workloads the new nodes are for, and how many pods of each."""
    owner = {pod: group.owner for group in demand.groups for pod in group.pods}
    counts = Counter(owner[pod] for one in opened for pod in one.pods)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _cost(inputs: Inputs, desired: Desired, solution: Solution) -> Cost:
    def total(pools: PoolSet) -> Price:
        others = [pool for pool in inputs.observed if inputs.declared.get(pool.name) is None]
        price = Price()
        for pool in (*pools, *others):
            price = price.plus(pool_price(pool, inputs.catalog))
        return price

    before, after = total(inputs.declared), total(desired.pools)
    ordered = sum(one.candidate.hourly for _, one in desired.opened)
    return Cost(
        currency=inputs.catalog.currency, before=before, after=after,
        lower_bound_hourly=after.hourly - ordered + solution.lower_bound,
    )  # fmt: skip


def _warnings(inputs: Inputs, demand: Demand, desired: Desired) -> tuple[str, ...]:
    found = [
        f"pool {pool.name}: flavor {pool.flavor} is not in the catalog; it is counted as free of charge"
        for pool in _all_pools(inputs)
        if inputs.catalog.flavor(pool.flavor) is None
    ]
    found += [
        f"pool {pool.name} is in state {pool.state.status}: its missing nodes are not counted on"
        for pool in _all_pools(inputs)
        if pool.failed and pool.state
    ]
    region = find_region(inputs).name
    found += [
        f"nodes say that they are in {other}, the policy says {region}: is this the right cluster?"
        for other in _regions_of_nodes(inputs)
        if other != region
    ]
    gaps = find_gaps(inputs.policy, inputs.catalog, find_region(inputs))
    found += [f"NodePool {gap.node_pool}: {gap.text}" for gap in gaps]
    return tuple(sorted((*found, *_disk_warnings(demand, desired))))


def _disk_warnings(demand: Demand, desired: Desired) -> list[str]:
    """Where pods ask for local storage, a disk size that nobody published matters."""
    asking = {pod for group in demand.groups if group.needs.requests.get(STORAGE) for pod in group.pods}
    unsure = sorted({
        one.candidate.flavor.name for _, one in desired.opened
        if one.candidate.flavor.disk_by_analogy and asking.intersection(one.pods)
    })  # fmt: skip
    return [f"disk size of {name} is by analogy, not published, and its pods ask for local storage" for name in unsure]
