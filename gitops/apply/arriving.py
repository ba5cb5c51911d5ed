"""Waits until what was ordered is there, node by node, by the injected clock; and says what of it never will be.

A pool is READY where OVHcloud has ended its work, also when that ended without some of the nodes.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from gitops.apply.refusals import STATES, WORKING, from_error, from_states, growing, shortage_of
from gitops.apply.shortages import Lack, Short
from gitops.clock import looks
from gitops.engines.ovh_calls import PATIENCE
from gitops.errors import Interrupted, PoolplanError, Refused, Waiting
from gitops.ovh.broken import BROKEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops.apply.hands import Hands
    from gitops.apply.shortages import Shortage
    from gitops.ovh.answers import ProviderNode
    from planner.plan import Plan
    from planner.pools import Pool

TO_JOIN = timedelta(minutes=15)
"""How long a machine that runs may take to be a Ready node: cluster-autoscaler's --max-node-provision-time."""
_LATE = re.compile(r"timeout while waiting|after an hour")
Seen = dict[str, tuple["ProviderNode", ...]]


def await_arrival(names: Sequence[str], hands: Hands) -> None:
    """Return when all nodes of these pools are there.

    Raises Short once nothing is under way, or all had an hour; Waiting where nothing tells what is lacking then.
    """
    for _ in looks(hands.clock, PATIENCE):
        pools = [pool for pool in hands.client.pools() if pool.name in names]
        nodes = nodes_of([pool for pool in pools if not _is_whole(pool)], hands)
        if not any(_is_under_way(pool, nodes.get(pool.name, ())) for pool in pools):
            late = False
            break
    else:
        late = True
    if nodes:
        found = from_states(pools, nodes, hands.client.cluster().region, late=late)
        if found:
            raise Short(f"not all that was ordered came: {found[0]}", found)
    if late:
        raise Waiting(f"not at rest after an hour: {', '.join(pool.name for pool in pools if not _is_whole(pool))}")
    _await_nodes(pools, hands)


def explained(error: PoolplanError, plan: Plan, hands: Hands) -> PoolplanError:
    """The error of an apply, with what the cloud does not give where that is behind it."""
    if isinstance(error, Short | Refused | Interrupted) or not growing(plan):
        return error
    try:
        observed = hands.client.pools()
        names = {pool.name for pool in growing(plan)}
        pools = [pool for pool in observed if pool.name in names]
        nodes, region = nodes_of(pools, hands), hands.client.cluster().region
    except PoolplanError:
        return error  # the first error is the one to tell
    late = bool(_LATE.search(str(error)))
    found = {*from_error(error, plan, observed, region), *from_states(pools, nodes, region, late=late)}
    return Short(str(error), found) if found else error


def nodes_of(pools: Sequence[Pool], hands: Hands) -> Seen:
    """The provider's nodes of these pools."""
    ids = {pool.name: pool.state.id for pool in pools if pool.state is not None}
    found = hands.client.nodes_by_pool(list(ids.values()))
    return {name: found[one] for name, one in ids.items()}


def _is_whole(pool: Pool) -> bool:
    state = pool.state
    return state is not None and state.status == "READY" and state.available_nodes >= pool.desired


def _is_under_way(pool: Pool, nodes: Sequence[ProviderNode]) -> bool:
    """Whether OVHcloud still works on the pool, or will once its maintenance ends."""
    status = pool.state.status if pool.state else ""
    if _is_whole(pool) or status in STATES.keys() - {"MAINTENANCE"}:
        return False
    return status != "READY" or not any(node.status in BROKEN for node in nodes) or any(
        node.status in WORKING for node in nodes
    )  # fmt: skip


def _await_nodes(pools: Sequence[Pool], hands: Hands) -> None:
    """Machines that run have to be Ready nodes. Raises Short for those that are not in time.

    Where none of the provider's machines is a node of the cluster that is at hand, it may be another cluster, and
    nothing is said.
    """
    if hands.ready is None:
        return
    names = {pool.name: [one.name for one in found] for pool, found in _running(pools, hands)}
    for _ in looks(hands.clock, TO_JOIN):
        there = hands.ready()
        if there is None:
            break
        missing = {name: [one for one in mine if not there.get(one)] for name, mine in names.items()}
        if not any(missing.values()):
            return
    if there is None or not (set(there) & {one for mine in names.values() for one in mine}):
        hands.say("no node of the changed pools is in the cluster at hand, so whether they joined is not known")
        return
    region = hands.client.cluster().region
    raise Short("machines run and did not become Ready nodes in time", [
        _not_ready(pool, missing[pool.name], set(there), region) for pool in pools if missing.get(pool.name)
    ])  # fmt: skip


def _running(pools: Sequence[Pool], hands: Hands) -> list[tuple[Pool, list[ProviderNode]]]:
    found = nodes_of(pools, hands)
    return [(pool, [one for one in found.get(pool.name, ()) if one.status == "READY"]) for pool in pools]


def _not_ready(pool: Pool, names: Sequence[str], there: set[str], region: str) -> Shortage:
    lack = Lack.NEVER_READY if there.issuperset(names) else Lack.NEVER_JOINED
    what = "did not become Ready" if lack is Lack.NEVER_READY else "did not join the cluster"
    return shortage_of(pool, lack, region, f"{len(names)} of {pool.desired} nodes {what}: {', '.join(names)}")
