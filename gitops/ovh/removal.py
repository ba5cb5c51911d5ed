"""Takes victims out of a pool by name, because lowering a size alone lets OVHcloud choose the newest nodes.

Which nodes go is decided by the plan, and others drain them; here it is made sure that those go and no others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops.ovh.answers import ProviderNode
    from gitops.ovh.client import OvhClient
    from planner.pools import Pool


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What to ask for: the pool as it is, its new size, and the ids of the nodes that leave, by node name."""

    pool: Pool
    desired: int
    node_ids: tuple[str, ...]


def plan_removal(pool: Pool, nodes: Sequence[ProviderNode], victims: Sequence[str], *, desired: int) -> Removal | None:
    """The removal of ``victims`` (node names) that leaves ``desired`` nodes, or None when it is done already.

    A victim that is leaving or gone counts as removed, so a second try after a crash is harmless. Raises Refused when
    the nodes that would stay are not as many as the plan says: then OVHcloud would choose further victims by itself.
    """
    wanted = frozenset(victims)
    present = [node for node in nodes if not node.leaving]
    going = sorted((node for node in present if node.name in wanted), key=lambda node: (node.name, node.id))
    staying = len(present) - len(going)
    if staying != desired:
        raise Refused(
            f"pool {pool.name}: without {_named(victims)} {staying} nodes stay, the plan says {desired}; plan again",
            reasons=(f"Pool {pool.name} has {len(present)} nodes now, {len(going)} of them victims.",),
        )
    if not going and pool.desired == desired:
        return None
    return Removal(pool=pool, desired=desired, node_ids=tuple(node.id for node in going))


def remove_victims(client: OvhClient, pool_id: str, victims: Sequence[str], *, desired: int) -> tuple[str, ...]:
    """Remove the nodes of these names and set the pool's size. The ids sent, none when it was done already.

    Pool and nodes are read anew just before. A minimum above the new size is lowered with it, because OVHcloud takes
    the larger of both. Raises Refused as ``plan_removal`` does, Waiting while the pool is busy.
    """
    pool = client.pool(pool_id)
    removal = plan_removal(pool, client.nodes(pool_id), victims, desired=desired)
    if removal is None:
        return ()
    after = replace(pool, desired=desired, minimum=min(pool.minimum, desired))
    client.update_pool(pool, after, nodes_to_remove=removal.node_ids)
    return removal.node_ids


def _named(victims: Sequence[str]) -> str:
    return ", ".join(sorted(victims)) or "any victim"
