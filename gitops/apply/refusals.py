"""What an apply met that the cloud does not give: read off its errors, its pools and its nodes. Pure.

States are those of reference material on the API (``NodePool.status`` and ``Node.status``); what is not known is told
as it is, never guessed.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from gitops.apply.shortages import Lack, Shortage
from gitops.ovh.failures import QUOTAS, QuotaLacking
from renderer.text import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gitops.ovh.answers import ProviderNode
    from planner.plan import Plan
    from planner.pools import Pool, PoolSet

STATES = {
    "FLAVOR_OUT_OF_STOCK_ERROR": Lack.OUT_OF_STOCK, "USER_QUOTA_ERROR": Lack.QUOTA, "MAINTENANCE": Lack.MAINTENANCE,
    "ERROR": Lack.POOL_ERROR, "USER_NODE_NOT_FOUND_ERROR": Lack.NODE_NOT_FOUND,
    "USER_NODE_SUSPENDED_SERVICE": Lack.SUSPENDED, "SUSPENDED": Lack.SUSPENDED, "SUSPENDING": Lack.SUSPENDED,
    "USER_WEBHOOK_PREVENTING_OPERATIONS_ERROR": Lack.WEBHOOK, "USER_ERROR": Lack.OTHER,
}
"""Status of a pool or a node → what is lacking; all others are under way, or well."""
WORKING = frozenset({"INSTALLING", "UPSCALING", "UPDATING", "REDEPLOYING", "REOPENING", "RESETTING", "RESIZING"})
_QUOTA = re.compile(r"\[(Insufficient\w*Quota)\]")
_NAMED = re.compile(r"\bpool ([a-z0-9][a-z0-9-]*): ")


def from_states(
    pools: Iterable[Pool], nodes: Mapping[str, Sequence[ProviderNode]], region: str, *, late: bool = False
) -> tuple[Shortage, ...]:
    """What is lacking of these pools, by what the provider says of them and their nodes (by pool).

    ``late``: they had all the time that they may take, so that what is still under way is stuck.
    """
    found: list[Shortage] = []
    for pool in pools:
        of_nodes = _of_nodes(pool, nodes.get(pool.name, ()), region, late=late)
        status = pool.state.status if pool.state else ""
        lack = STATES.get(status)
        if lack is not None and all(one.kind is Lack.STUCK for one in of_nodes):
            of_nodes = [shortage_of(pool, lack, region, f"OVHcloud put the pool into {status}")]
        elif late and status in WORKING and not of_nodes:
            found.append(shortage_of(pool, Lack.STUCK, region, f"the pool is still {status}"))
        found += of_nodes
    return tuple(sorted(set(found)))


def from_error(error: Exception, plan: Plan, observed: PoolSet, region: str) -> tuple[Shortage, ...]:
    """What a call that was refused says is lacking: quota leaves no trace at the provider.

    Where the error names no pool, it is of each one that grows and is not there in its new size.
    """
    key = _QUOTA.search(str(error))
    if not isinstance(error, QuotaLacking) and key is None:
        return ()
    used_up = QUOTAS.get(key[1], key[1]) if key else "something"
    named = {match[1] for match in _NAMED.finditer(str(error))}
    missing = [pool for pool in growing(plan) if not _is_there(pool, observed)]
    blamed = [pool for pool in missing if pool.name in named] or missing
    lack = Lack.PORTS if used_up == QUOTAS["InsufficientPortsQuota"] else Lack.QUOTA
    return tuple(shortage_of(pool, lack, region, f"the project's quota of {used_up} is used up") for pool in blamed)


def growing(plan: Plan) -> list[Pool]:
    """The pools that a plan makes larger, as they are to be."""
    return [
        one.after for one in plan.changes
        if one.after is not None and one.after.desired > (one.before.desired if one.before else 0)
    ]  # fmt: skip


def _of_nodes(pool: Pool, nodes: Sequence[ProviderNode], region: str, *, late: bool) -> list[Shortage]:
    states = Counter(node.status for node in nodes if not node.leaving)
    found = []
    for status, number in sorted(states.items()):
        lack = STATES.get(status)
        if lack is Lack.POOL_ERROR:
            lack = Lack.NODE_ERROR
        if lack is not None:
            found.append(shortage_of(pool, lack, region, f"{_of(number, pool)} {status}"))
        elif late and status in WORKING:
            found.append(shortage_of(pool, Lack.STUCK, region, f"{_of(number, pool)} still {status}"))
    return found


def shortage_of(pool: Pool, lack: Lack, region: str, what: str) -> Shortage:
    """A shortage of one pool; ``what`` is a clause, to which flavor and zone are added."""
    zone = pool.zones[0] if pool.zones else region
    return Shortage(
        pool=pool.name, lack=lack.value, flavor=pool.flavor, zone=zone, what=f"{what} ({pool.flavor} in {zone})"
    )


def _is_there(pool: Pool, observed: PoolSet) -> bool:
    there = observed.get(pool.name)
    return there is not None and there.desired >= pool.desired


def _of(number: int, pool: Pool) -> str:
    return f"{number} of {count(pool.desired, 'node')} {'is' if number == 1 else 'are'}"
