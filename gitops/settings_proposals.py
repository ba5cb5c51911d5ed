"""The ``proposals`` section of cluster.yaml: when demand becomes a proposal, how many there may be, who is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from gitops.decoding import Misfit
from planner.quantity import parse_duration

if TYPE_CHECKING:
    from gitops import settings_wire
    from gitops.settings_faults import Faults

AT = "spec.proposals"
LONGEST = timedelta(days=7)
_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\[\]-]{0,99}")
_REVIEWER = re.compile(rf"{_LOGIN.pattern}(/[A-Za-z0-9._-]{{1,100}})*")
_LABEL = re.compile(r"[^\x00-\x1f,]{1,50}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposals:
    """How proposals are made.

    A wave of pods is one proposal: growth is proposed once no new pod came for ``batch_idle``, or the oldest waits
    ``batch_max`` (Karpenter's batchIdleDuration and batchMaxDuration), and at least ``min_pending_pods`` wait, the
    oldest of them for ``min_pending_age``. ``max_open`` proposals of a cluster may be open, ``per_hour`` be opened in
    an hour. What a person closed comes again when what it was about grew by ``margin`` percent, or is more urgent.
    """

    batch_idle: timedelta = timedelta(seconds=1)
    batch_max: timedelta = timedelta(seconds=10)
    min_pending_age: timedelta = timedelta()
    min_pending_pods: int = 1
    max_open: int = 5
    per_hour: int = 12
    margin: int = 20
    labels: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    draft: bool = False


def read_proposals(written: settings_wire.Proposals, faults: Faults) -> Proposals:
    """What is written, with poolplan's defaults for the rest; every fault is noted in ``faults``."""
    usual = Proposals()
    batch = written.batch

    def span(name: str, value: str | None, default: timedelta) -> timedelta:
        return faults.attempt(f"{AT}.{name}", lambda: _span(value, default), default)

    def count(name: str, value: int | None, default: int, least: int) -> int:
        return faults.attempt(f"{AT}.{name}", lambda: _count(value, default, least), default)

    def names(name: str, values: list[str] | None, pattern: re.Pattern[str], what: str) -> tuple[str, ...]:
        return faults.attempt(f"{AT}.{name}", lambda: _names(values or (), pattern, what), ())

    return Proposals(
        batch_idle=span("batch.idle", batch.idle if batch else None, usual.batch_idle),
        batch_max=span("batch.max", batch.max if batch else None, usual.batch_max),
        min_pending_age=span("minPendingAge", written.min_pending_age, usual.min_pending_age),
        min_pending_pods=count("minPendingPods", written.min_pending_pods, usual.min_pending_pods, 1),
        max_open=count("maxOpen", written.max_open, usual.max_open, 1),
        per_hour=count("perHour", written.per_hour, usual.per_hour, 1),
        margin=count("againAfterPercent", written.again_after_percent, usual.margin, 0),
        labels=names("labels", written.labels, _LABEL, "a label: 1 to 50 characters, none of them a comma"),
        reviewers=names("reviewers", written.reviewers, _REVIEWER, "a login like ada, or a team like acme/platform"),
        assignees=names("assignees", written.assignees, _LOGIN, "a login like ada"),
        draft=bool(written.draft),
    )


def _span(text: str | None, default: timedelta) -> timedelta:
    if text is None:
        return default
    found = timedelta(seconds=parse_duration(text))
    if found > LONGEST:
        raise Misfit(f"{text!a} is longer than a week; pods should not wait that long")
    return found


def _count(value: int | None, default: int, least: int) -> int:
    if value is None:
        return default
    if value < least:
        raise Misfit(f"is {value}; it is at least {least}")
    return value


def _names(values: list[str] | tuple[()], pattern: re.Pattern[str], what: str) -> tuple[str, ...]:
    for number, value in enumerate(values):
        if not pattern.fullmatch(value):
            raise Misfit(f"{value[:60]!a} is not {what}", (number,))
    return tuple(dict.fromkeys(values))
