"""The ``emergency`` section of cluster.yaml: who may apply without review, how much, and who hears of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gitops.decoding import Misfit
from gitops.settings_guardrails import limits_from
from planner.guardrails import Guardrails, PerDay
from planner.quantity import parse_duration

if TYPE_CHECKING:
    from gitops import settings_wire
    from gitops.settings_faults import Faults

AT = "spec.emergency"
USUAL = Guardrails(max_nodes_added=10, per_day=PerDay(nodes_added=30))
NOTIFY = "POOLPLAN_NOTIFY_URL"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Automatic:
    """poolplan applies by itself what waits for review ``after`` so long for pods of at least this priority."""

    priority: int
    after: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """The rules of an apply without review.

    ``guardrails`` hold for it alone, ``per_day`` in them for all emergencies of 24 hours. Whoever may ``create``
    ``emergencies.poolplan.dev`` by the cluster's RBAC may do it, or, where ``signers`` are given, whoever signs with
    one of these keys. For ``grace`` nothing undoes it; until then people should have merged or closed its proposal.
    ``notify`` names the environment variable with the address that is told.
    """

    guardrails: Guardrails = USUAL
    signers: tuple[str, ...] = ()
    grace: timedelta = timedelta(hours=24)
    automatic: Automatic | None = None
    notify: str = NOTIFY


def read_emergency(written: settings_wire.Emergency | None, faults: Faults) -> Emergency:
    """What is written, with poolplan's defaults for the rest; every fault is noted in ``faults``."""
    usual = Emergency()
    if written is None:
        return usual
    limits = written.guardrails
    return Emergency(
        guardrails=usual.guardrails if limits is None else limits_from(limits, faults, ("spec", "emergency")),
        signers=tuple(written.signers or ()),
        grace=faults.attempt(f"{AT}.grace", lambda: _span(written.grace, usual.grace), usual.grace),
        automatic=faults.attempt(f"{AT}.automatic", lambda: _automatic(written.automatic), None),
        notify=faults.attempt(f"{AT}.notify", lambda: _variable(written.notify), usual.notify),
    )


def _automatic(written: settings_wire.Automatic | None) -> Automatic | None:
    if written is None:
        return None
    after = timedelta(seconds=parse_duration(written.after))
    if after < timedelta(minutes=1):
        raise Misfit(f"{written.after!a} leaves people no time to review", ("after",))
    return Automatic(priority=written.priority, after=after)


def _span(text: str | None, usual: timedelta) -> timedelta:
    return usual if text is None else timedelta(seconds=parse_duration(text))


def _variable(name: str | None) -> str:
    """What is written is not shown: it may be the address itself, which is a secret of many services."""
    if name is not None and not _VARIABLE.fullmatch(name):
        raise Misfit("must be the name of an environment variable that holds an address, and never the address itself")
    return name or NOTIFY
