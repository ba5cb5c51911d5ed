"""Declared versus observed: in what Git's pools and the provider's differ, what kind of difference each is, and what
is to become of it.

Nothing is decided by words: a view words a difference (``renderer.drift``), a policy says which way it is settled.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from planner.diff import FORCE_NEW, changed_fields
from planner.ownership import is_managed
from planner.pools import PoolSet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from planner.pools import Pool


class DriftKind(Enum):
    """What differs; the order is that of every list.

    AUTOSCALE covers size and bounds too: while OVHcloud's autoscaler is on, they are its work. RECREATED is a pool of
    the declared name that only a new pool could have become, in whatever else it differs. UNDECLARED is named or
    labelled like poolplan's own and not in Git; FOREIGN is anybody else's, and no difference at all. ENGINE is what an
    engine's own state gets wrong. STATE is nothing that Git declares: it is told here, and what broke is led around
    (docs/adr/0017).
    """

    SIZE = "size"
    BOUNDS = "bounds"
    TEMPLATE = "template"
    AUTOSCALE = "autoscale"
    RECREATED = "recreated"
    GONE = "gone"
    STATE = "state"
    ENGINE = "engine-state"
    UNDECLARED = "undeclared"
    FOREIGN = "foreign"


OF_POOLS: Final = (
    DriftKind.SIZE, DriftKind.BOUNDS, DriftKind.TEMPLATE, DriftKind.AUTOSCALE, DriftKind.RECREATED, DriftKind.GONE,
    DriftKind.UNDECLARED,
)  # fmt: skip
"""The kinds by which a pool at the provider is another one than Git's; a pool is settled as a whole."""
_KINDS: Final = {
    "desired": DriftKind.SIZE, "minimum": DriftKind.BOUNDS, "maximum": DriftKind.BOUNDS,
    "autoscale": DriftKind.AUTOSCALE,
}  # fmt: skip
_ORDER: Final = {kind: place for place, kind in enumerate(DriftKind)}


class Treatment(Enum):
    """Which way a difference is settled: Git takes it over, the provider is put back, or people choose."""

    ADOPT = "adopt"
    RESTORE = "restore"
    ASK = "ask"


CHOICES: Final[Mapping[DriftKind, tuple[Treatment, ...]]] = {
    **dict.fromkeys(OF_POOLS, tuple(Treatment)),
    # Terraform's state can take over what is there; the provider is never made to follow it.
    DriftKind.ENGINE: (Treatment.ADOPT, Treatment.ASK),
}
"""The kinds that a policy settles, and the ways that each can be."""
USUAL: Final[Mapping[DriftKind, Treatment]] = {
    **dict.fromkeys(CHOICES, Treatment.ASK), DriftKind.AUTOSCALE: Treatment.RESTORE,
}
"""People choose; but a pool's size has one writer, so OVHcloud's autoscaler goes (design.md, rule 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One difference of one pool.

    ``field`` is the field of ``Pool`` that differs, and the two values are its; empty: the pool as a whole, None where
    one side has none. Of ENGINE ``declared`` is what the engine's state says; ``id`` is a field there. Of STATE
    ``observed`` is the pool with what the provider says of it.
    """

    pool: str
    kind: DriftKind
    field: str = ""
    declared: object = None
    observed: object = None


def find_drift(
    declared: PoolSet, observed: PoolSet, *, released: Collection[str] = ()
) -> tuple[Drift, ...]:  # fmt: skip
    """Everything in which the provider's pools differ from the declared ones, and its other pools; by pool.

    ``released`` pools are foreign, whatever they are named.
    """
    found: list[Drift] = []
    for pool in declared:
        there = observed.get(pool.name)
        if there is None:
            found.append(Drift(pool=pool.name, kind=DriftKind.GONE, declared=pool))
        else:
            found += _differences(pool, there)
    for pool in observed:
        if declared.get(pool.name) is None:
            ours = is_managed(pool) and pool.name not in released
            kind = DriftKind.UNDECLARED if ours else DriftKind.FOREIGN
            found.append(Drift(pool=pool.name, kind=kind, observed=pool))
    return in_order(found)


def engine_drift(known: Iterable[tuple[Pool, str]], declared: PoolSet, observed: PoolSet) -> tuple[Drift, ...]:
    """Where an engine's state lies: ``known`` are the pools that it holds, each with the id that it knows it by.

    A declared pool that it does not know would be made again; one that it knows by another id is another pool.
    """
    found: list[Drift] = []
    held = {pool.name: (pool, id_) for pool, id_ in known}
    for name, (pool, id_) in held.items():
        there = observed.get(name)
        if there is None:
            found.append(Drift(pool=name, kind=DriftKind.ENGINE, declared=pool))
            continue
        here = there.state.id if there.state else ""
        if id_ and here and id_ != here:
            found.append(Drift(pool=name, kind=DriftKind.ENGINE, field="id", declared=id_, observed=here))
        for one in changed_fields(pool, there):
            sides = getattr(pool, one), getattr(there, one)
            found.append(Drift(pool=name, kind=DriftKind.ENGINE, field=one, declared=sides[0], observed=sides[1]))
    unknown = (pool for pool in observed if pool.name in declared.names() and pool.name not in held)
    found += [Drift(pool=pool.name, kind=DriftKind.ENGINE, observed=pool) for pool in unknown]
    return in_order(found)


def in_order(found: Iterable[Drift]) -> tuple[Drift, ...]:
    """By pool, then by kind and field."""
    return tuple(sorted(found, key=lambda one: (one.pool, _ORDER[one.kind], one.field)))


def differences(found: Iterable[Drift]) -> tuple[Drift, ...]:
    """Those that say that something is not as it should be: all but anybody else's pools."""
    return tuple(one for one in found if one.kind is not DriftKind.FOREIGN)


def treatments(found: Iterable[Drift], policy: Mapping[DriftKind, Treatment]) -> dict[Drift, Treatment]:
    """What is to become of each difference that a policy settles. Where those of a pool want several things, people
    choose: half a pool is never settled. What an engine's state has wrong is settled by itself.
    """
    settled = [one for one in found if one.kind in CHOICES and (one.kind is not DriftKind.ENGINE or is_unknown(one))]
    wanted: dict[tuple[str, bool], set[Treatment]] = {}
    for one in settled:
        wanted.setdefault(_whole(one), set()).add(policy.get(one.kind, USUAL[one.kind]))
    return {one: _agreed(wanted[_whole(one)]) for one in settled}


def is_unknown(one: Drift) -> bool:
    """Whether an engine's state does not know a pool that is there, or knows another one by its name: until it takes
    the pool up, it would make it again. What else it has wrong it mends by itself when it next looks.
    """
    return one.kind is DriftKind.ENGINE and (one.declared is None or one.field == "id")


def _whole(one: Drift) -> tuple[str, bool]:
    return one.pool, one.kind is DriftKind.ENGINE


def _agreed(wanted: set[Treatment]) -> Treatment:
    return next(iter(wanted)) if len(wanted) == 1 else Treatment.ASK


def listed(observed: PoolSet) -> PoolSet:
    """The pools that are known from the provider's own list, by an id: nodes tell of pools too little."""
    return PoolSet.of(pool for pool in observed if pool.state is not None and pool.state.id)


def as_observed(declared: PoolSet, observed: PoolSet, names: Iterable[str]) -> PoolSet:
    """The declared pools, but these of them as the provider has them; those that it has not are left out."""
    chosen = frozenset(names)
    return PoolSet.of(_as_seen(declared, observed, chosen))


def _as_seen(declared: PoolSet, observed: PoolSet, chosen: frozenset[str]) -> Iterator[Pool]:
    for pool in declared:
        there = observed.get(pool.name)
        if pool.name not in chosen:
            yield pool
        elif there is not None:
            yield replace(pool, **{name: getattr(there, name) for name in changed_fields(pool, there)})


def _differences(declared: Pool, observed: Pool) -> Iterator[Drift]:
    names = changed_fields(declared, observed)
    for name in names:
        yield Drift(
            pool=declared.name, kind=_kind(name, names), field=name, declared=getattr(declared, name),
            observed=getattr(observed, name),
        )  # fmt: skip
    state = observed.state
    if state is not None and state.status != "READY":
        yield Drift(pool=declared.name, kind=DriftKind.STATE, observed=observed)


def _kind(name: str, names: tuple[str, ...]) -> DriftKind:
    """The kind of a field's difference, among all that differ in its pool."""
    if set(names) & set(FORCE_NEW):
        return DriftKind.RECREATED
    kind = _KINDS.get(name, DriftKind.TEMPLATE)
    by_autoscaler = "autoscale" in names and kind in (DriftKind.SIZE, DriftKind.BOUNDS)
    return DriftKind.AUTOSCALE if by_autoscaler else kind
