"""Review rules: which words a plan needs before it is merged or applied, and when it may be at all. Pure.

For each class of change in a plan the first rule that fits decides, and where none fits, the default. A plan needs what
all of its classes need; one class that is denied denies the plan. Every need and every denial names its rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gitops.review.classes import Class, measure
from gitops.review.windows import local_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from gitops.review.classes import Measure
    from gitops.review.windows import Window
    from planner.plan import Plan

DEFAULT: Final = "default"
"""What the rule is called that decides where no other one fits."""
_AHEAD: Final = timedelta(days=15)
"""How far ahead the end of a denial is looked for: what repeats by the week has come round twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voters:
    """Whose approvals count. ``users`` are logins, ``teams`` like ``acme/platform``; of none at all, everybody's count.

    ``code_owners``: for each changed file, also those who own it.
    """

    users: frozenset[str] = frozenset()
    teams: frozenset[str] = frozenset()
    code_owners: bool = False

    @property
    def anybody(self) -> bool:
        return not (self.users or self.teams or self.code_owners)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpTo:
    """How much all changes of a class may be together. Money in micro-units per hour or month; None is no limit."""

    nodes: int | None = None
    pools: int | None = None
    hourly: int | None = None
    monthly: int | None = None

    def holds(self, measured: Measure) -> bool:
        """Whether the class is within every limit. Where a price is not known, a limit on money is not met."""
        if not measured.priced and (self.hourly is not None or self.monthly is not None):
            return False
        pairs = (
            (self.nodes, measured.nodes), (self.pools, len(measured.pools)),
            (self.hourly, measured.hourly), (self.monthly, measured.monthly),
        )  # fmt: skip
        return all(limit is None or value <= limit for limit, value in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """When it fits: one of ``classes`` (none: any), not more than ``up_to``, urgent enough, and at the right time.

    ``priority_above``: each change is for a pod of a higher priority. ``within``: one of the windows is open;
    ``outside``: none of them is. What it then says: ``deny``, with the reason why, or so many approvals by ``voters``.
    """

    name: str
    classes: frozenset[Class] = frozenset()
    up_to: UpTo | None = None
    priority_above: int | None = None
    within: tuple[Window, ...] = ()
    outside: tuple[Window, ...] = ()
    approvals: int = 1
    voters: Voters = field(default_factory=Voters)
    deny: str = ""

    def fits(self, measured: Measure, now: datetime) -> bool:
        """Whether this rule is one for these changes at this time."""
        if self.classes and measured.kind not in self.classes:
            return False
        if self.priority_above is not None and measured.priority <= self.priority_above:
            return False
        if self.up_to is not None and not self.up_to.holds(measured):
            return False
        if self.within and not any(window.open_at(now) for window in self.within):
            return False
        return not any(window.open_at(now) for window in self.outside)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRules:
    """A cluster's rules in their order, and what else a merge must be.

    ``protected_branch``: on a forge, the main branch must be protected. ``signed_by``: SSH public keys and GPG
    fingerprints, one of which must have signed the merge commit; none: no signature is asked for.
    """

    rules: tuple[Rule, ...] = ()
    default: Rule = field(default_factory=lambda: Rule(name=DEFAULT))
    protected_branch: bool = True
    signed_by: tuple[str, ...] = ()
    windows: tuple[Window, ...] = ()

    def deciding(self, measured: Measure, now: datetime) -> Rule:
        """The first rule that fits, or the default."""
        return next((rule for rule in self.rules if rule.fits(measured, now)), self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one class of changes needs, and the rule that says so."""

    kind: Class
    rule: str
    approvals: int
    voters: Voters = field(default_factory=Voters)
    pools: tuple[str, ...] = ()

    def __str__(self) -> str:
        """``grow needs 1 approval (rule default)``."""
        return f"{self.kind.value} needs {self.amount} (rule {self.rule})"

    @property
    def amount(self) -> str:
        """``2 approvals of team acme/platform``."""
        if not self.approvals:
            return "no approval"
        count = "1 approval" if self.approvals == 1 else f"{self.approvals} approvals"
        return f"{count}{_whose(self.voters)}"


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a plan needs, a need for each class of its changes."""

    needs: tuple[Need, ...]

    @property
    def merges_itself(self) -> bool:
        """Whether nobody needs to say a word. A plan without changes is nothing to merge."""
        return bool(self.needs) and not any(need.approvals for need in self.needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """Why a class of changes may not happen now. ``until``: when that ends, None where no window ends it."""

    kind: Class
    rule: str
    reason: str
    until: datetime | None = None
    until_text: str = ""

    def __str__(self) -> str:
        """``shrink is blocked until 19:00 Europe/Paris: nothing at night (rule quiet hours)``."""
        until = f" until {self.until_text}" if self.until_text else ""
        return f"{self.kind.value} is blocked{until}: {self.reason} (rule {self.rule})"


@dataclass(frozen=True, slots=True)
class Denied:
    """Not now, whoever approves it. At least one denial."""

    denials: tuple[Denial, ...]

    @property
    def until(self) -> datetime | None:
        """When all of them have ended, in UTC; None where one of them does not end by itself."""
        ends = [denial.until for denial in self.denials if denial.until is not None]
        return max(ends) if len(ends) == len(self.denials) else None


def requirement_of(plan: Plan, rules: ReviewRules, now: datetime) -> Requirement | Denied:
    """What the plan needs at this time, or why it may not happen now. ``now`` carries a zone, any."""
    needs, denials = [], []
    for measured in measure(plan):
        rule = rules.deciding(measured, now)
        if rule.deny:
            denials.append(_denial(measured, rule, rules, now))
        else:
            needs.append(Need(
                kind=measured.kind, rule=rule.name, approvals=rule.approvals, voters=rule.voters, pools=measured.pools,
            ))  # fmt: skip
    return Denied(tuple(denials)) if denials else Requirement(tuple(needs))


def _denial(measured: Measure, rule: Rule, rules: ReviewRules, now: datetime) -> Denial:
    for moment, zone in _changes(rules, now):
        if not rules.deciding(measured, moment).deny:
            text = local_text(moment, zone, now)
            return Denial(kind=measured.kind, rule=rule.name, reason=rule.deny, until=moment, until_text=text)
    return Denial(kind=measured.kind, rule=rule.name, reason=rule.deny)


def _changes(rules: ReviewRules, now: datetime) -> Iterator[tuple[datetime, str]]:
    """When a window of the rules opens or closes, in order, with the zone in which to say it."""
    named = {window for rule in (*rules.rules, rules.default) for window in (*rule.within, *rule.outside)}
    windows = sorted(named, key=lambda window: (window.name, str(window)))
    moment = now
    while moment < now + _AHEAD:
        nexts = [(change, window.zone) for window in windows if (change := window.next_change(moment)) is not None]
        if not nexts:
            return
        moment, zone = min(nexts)
        yield moment, zone


def _whose(voters: Voters) -> str:
    parts = []
    if voters.teams:
        parts.append(f"{'team' if len(voters.teams) == 1 else 'teams'} {', '.join(sorted(voters.teams))}")
    if voters.users:
        parts.append(", ".join(sorted(voters.users)))
    if voters.code_owners:
        parts.append("the code owners")
    return f" of {' or '.join(parts)}" if parts else ""
