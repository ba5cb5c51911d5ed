"""Carries the change out with one fault at one step, goes on until nothing is left to do, and says how it went.

Whatever it was, nothing may be lost or done twice: ``check`` holds for every cell.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from gitops.errors import PoolplanError, Refused, Stalled
from gitops.loop.ledger import CLAIM as CLAIM_HELD
from gitops.loop.records import Event
from planner.pools import PoolSet
from tests.reliability.happenings import Impossible
from tests.reliability.preparing import prepare
from tests.reliability.scene import AFTER, FOREIGN, Kept, Site
from tests.reliability.trouble import AGREE, CLAIM, RECORD, Fault, Killed, Trouble, fault_of

STEPS = (CLAIM, AGREE, "grow", "wait", "cordon", "drain", "remove", "settle", "verify", RECORD)
#: How a cell ends, in words, and what they mean.
GOES_ON, NEXT, TOLD_NEXT, REFUSED_NEXT, STOPS, NOT_THERE = (
    "goes on", "next apply", "told, next apply", "refused, next apply", "stops", "–"
)  # fmt: skip
ENGINES = ("ovh-api", "argocd", "flux", "tofu-controller", "terraform")
USUAL = ("ovh-api", "argocd", "flux", "tofu-controller")
"""The engines of a fault that names none."""
SEAMS = {
    "argocd": ("ovh", "git", "delegate", "world", "process"),
    "flux": ("delegate", "world"),
    "tofu-controller": ("git", "delegate", "world", "process"),
}
"""What may end in another way with another engine; all else is the same code."""
PATIENCE = timedelta(minutes=10)
CLAIM_ENDS = CLAIM_HELD + timedelta(minutes=1)
MOST = 4
"""Applies after the one that was struck."""


@cache
def faults(engine: str) -> tuple[Fault, ...]:
    """Those of faults.yaml that are about this engine, in their order."""
    entries: Any = YAML(typ="safe", pure=True).load(Path(__file__).with_name("faults.yaml").read_text("utf-8"))
    seams = SEAMS.get(engine)
    return tuple(
        one for one in map(fault_of, entries)
        if engine in (one.engines or USUAL) and (seams is None or one.seam in seams)
    )  # fmt: skip


@cache
def kept(engine: str) -> Kept:
    """The engine's site, prepared once."""
    with tempfile.TemporaryDirectory() as folder:
        return prepare(engine, Path(folder))


def begin(engine: str, folder: Path) -> Site:
    """The engine's site anew."""
    served = kept(engine).served
    return Site(kept=kept(engine), folder=served.folder if served else folder)


@cache
def calls(engine: str) -> tuple[tuple[str, str, str], ...]:
    """The calls of an undisturbed apply: step, seam, verb."""
    with tempfile.TemporaryDirectory() as folder:
        site, trouble = begin(engine, Path(folder)), Trouble()
        site.run(trouble)
        check(site, GOES_ON)
    return tuple(trouble.log)


@cache
def cell(engine: str, fault: Fault, step: str) -> tuple[str, ...]:
    """The outcomes of a fault at a step, at each moment of it that there is; sorted, none where it is never reached."""
    return tuple(sorted({one for nth in _moments(engine, fault, step) for one in _tried(engine, fault, step, nth)}))


def _moments(engine: str, fault: Fault, step: str) -> Iterator[int]:
    """At which calls of the step a fault strikes: kills at every call that changes something, all else at the first."""
    if fault.steps and step not in fault.steps:
        return
    mine = [(seam, verb) for at, seam, verb in calls(engine) if at == step]
    met = [one for one in mine if replace(Trouble(fault, step), step=step).would_meet(*one)]
    if fault.seam in ("process", "journal"):
        seen_reading = False
        for number, (_, verb) in enumerate(met, 1):
            if verb != "GET" or not seen_reading:
                yield number
            seen_reading = seen_reading or verb == "GET"
    elif met:
        yield 1


def _tried(engine: str, fault: Fault, step: str, nth: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        site = begin(engine, Path(folder))
        trouble = Trouble(fault, step, nth)
        try:
            first = attempt(site, trouble)
        except Impossible:
            return
        if trouble.struck is None:
            return
        outcome = _ended(site, fault, first)
        try:
            check(site, outcome, by_hand=fault.seam == "world")
        except AssertionError as error:
            error.add_note(f"{engine}: {fault} at {step} ({nth}): {first}; {outcome}\n" + "\n".join(site.said))
            raise
        yield outcome


def attempt(site: Site, trouble: Trouble) -> BaseException | str:
    """One process: how it ended, ``done`` where it applied the change, ``quiet`` where nothing was left to do."""
    try:
        delivery = site.run(trouble)
    except (Killed, PoolplanError) as error:
        return error
    if delivery.withheld:
        return Refused("withheld", reasons=delivery.withheld.reasons)
    assert not delivery.waits
    site.drift = site.drift or any(applied.drift for _, applied in delivery.applied)
    return "done" if delivery.applied else "quiet"


def _ended(site: Site, fault: Fault, first: BaseException | str) -> str:
    """What became of it, once nothing more happens."""
    last = first
    if fault.elsewhere:
        site.move()
    for _ in range(MOST):
        if last == "quiet":
            break
        site.clock.sleep(PATIENCE if not fault.elsewhere else CLAIM_ENDS)
        last = attempt(site, Trouble())
    if last != "quiet":
        return STOPS
    if first == "done":
        return GOES_ON
    if isinstance(first, Refused):
        return REFUSED_NEXT
    return TOLD_NEXT if isinstance(first, Stalled) else NEXT


def check(site: Site, outcome: str, *, by_hand: bool = False) -> None:
    """What must be true in every cell."""
    finished = outcome != STOPS
    plan, records = site.kept.plan, site.records()
    there = site.pools()
    foreign = there.get(FOREIGN.name)
    assert foreign == FOREIGN, "a pool that is not ours was touched"
    applied = [one for one in records if one.event is Event.APPLIED and one.digest == plan.digest]
    assert len(applied) == (1 if finished else 0), f"{len(applied)} records of it"
    assert [one.number for one in records] == list(range(1, len(records) + 1))
    assert records[-1].event is not Event.CLAIMED, "a claim is left"
    if finished and not site.drift:
        assert there == PoolSet.of((FOREIGN, *AFTER)), "the provider has something else"
    victims = {node for one in plan.changes for node in one.victims}
    gone = site.kept.nodes - site.nodes()
    assert gone <= victims | site.lost, f"lost {sorted(gone - victims)}"
    if finished:
        assert victims <= gone, "a victim is still there"
    assert not site.unschedulable() & site.nodes(), f"left cordoned: {sorted(site.unschedulable())}"
    for effect, count in sorted(site.effects.items()):
        twice = effect.startswith(("POST", "DELETE", "evict"))
        assert count == 1 or not twice, f"{effect} took effect {count} times"
    if site.journal.exists():
        lines = site.journal.read_text("utf-8").splitlines()
        assert len(site.entries()) == len(lines), "a line of the journal cannot be read"
