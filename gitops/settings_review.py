"""The ``review``, ``windows`` and ``freeze`` sections of cluster.yaml → rules that ``gitops.review`` judges by."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gitops.decoding import Misfit
from gitops.review.classes import Class
from gitops.review.rules import DEFAULT, ReviewRules, Rule, UpTo, Voters
from gitops.review.windows import DAYS, Window, parse_days, parse_time, parse_zone, window
from gitops.settings_faults import one_of
from gitops.settings_guardrails import Limits
from gitops.settings_review_wire import Default

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gitops import settings_review_wire as wire
    from gitops.decoding import Step
    from gitops.settings_faults import Faults

REVIEW, WINDOWS = ("spec", "review"), ("spec", "windows")
MOST_APPROVALS = 20
"""More than a fleet's reviewers is a slip of the hand."""
_TEXT = re.compile(r"[^\x00-\x1f\x7f]*\S[^\x00-\x1f\x7f]*")
_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(\[bot\])?")
#: An organisation's team, or a group with the groups above it.
_TEAM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){0,20}")
_SSH_KEY = re.compile(r"(sk-)?(ssh|ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]{40,}={0,2}( .*)?")
_FINGERPRINT = re.compile(r"(0x)?([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})")
_PGP_KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


def read_review(written: wire.Review, windows: Sequence[wire.Window], faults: Faults) -> ReviewRules:
    """What is written, with poolplan's defaults for the rest; every fault is noted in ``faults``."""
    faults.attempt((*REVIEW, "merge"), lambda: _merge(written.merge), None)
    named = _windows(windows, faults)
    rules = tuple(
        _Reader(faults, named, (*REVIEW, "rules", at)).rule(one) for at, one in enumerate(written.rules or ())
    )
    _unique([rule.name for rule in rules], (*REVIEW, "rules"), faults)
    return ReviewRules(
        rules=rules,
        default=_Reader(faults, named, (*REVIEW, "default")).default(written.default),
        protected_branch=written.protected_branch is not False,
        signed_by=_keys(written.signed_by, faults),
        windows=tuple(one for one in named.values() if one is not None),
    )


def idle_rules(rules: ReviewRules) -> tuple[tuple[int, str], ...]:
    """The rules that never decide, by number, and why: an earlier one always fits first."""
    found = []
    for number, rule in enumerate(rules.rules):
        earlier = next((one for one in rules.rules[:number] if _always_first(one, rule)), None)
        if earlier is not None:
            found.append((number, f"never decides: rule {earlier.name} before it always fits"))
    return tuple(found)


def read_freeze(written: str | None, faults: Faults) -> str:
    """The reason of a freeze; empty: none. A freeze without a reason is a fault."""
    at = ("spec", "freeze")
    return faults.attempt(at, lambda: "" if written is None else _text(written, "say why nothing may be applied"), "")


def _always_first(earlier: Rule, rule: Rule) -> bool:
    conditions = (earlier.up_to, earlier.priority_above, earlier.within or None, earlier.outside or None)
    wider = not earlier.classes or (bool(rule.classes) and rule.classes <= earlier.classes)
    return wider and all(one is None for one in conditions)


def _windows(written: Sequence[wire.Window], faults: Faults) -> dict[str, Window | None]:
    """By name; None for one that cannot be read, so that rules may name it without a second fault."""
    found: dict[str, Window | None] = {}
    for number, one in enumerate(written):
        found.setdefault(one.name, _window(one, (*WINDOWS, number), faults))
    _unique([one.name for one in written], WINDOWS, faults)
    return found


def _window(one: wire.Window, at: tuple[Step, ...], faults: Faults) -> Window | None:
    days = DAYS if one.days is None else one.days
    parts = (
        faults.attempt((*at, "name"), lambda: _text(one.name, "give it a name"), None),
        faults.attempt((*at, "timeZone"), lambda: parse_zone(one.time_zone), None),
        faults.attempt((*at, "days"), lambda: parse_days(days), None),
        faults.attempt((*at, "from"), lambda: parse_time(one.from_), None),
        faults.attempt((*at, "to"), lambda: parse_time(one.to), None),
    )
    if None in parts:
        return None
    return faults.attempt(at, lambda: window(one.name, one.time_zone, days, one.from_, one.to), None)


class _Reader:
    """Reads one rule, ``at`` its place."""

    def __init__(self, faults: Faults, windows: dict[str, Window | None], at: tuple[Step, ...]) -> None:
        self._faults = faults
        self._windows = windows
        self._at = at

    def rule(self, written: wire.Rule) -> Rule:
        at = self._faults.attempt
        within, outside = self._named(written.within, "within"), self._named(written.outside, "outside")
        both = ", ".join(sorted({one.name for one in within} & {one.name for one in outside}))
        text = f"{both} stands in within too, so the rule never fits"
        self._faults.note((*self._at, "outside"), text, wrong=bool(both))
        approvals, voters, deny = self._says(written)
        return Rule(
            name=at((*self._at, "name"), lambda: _rule_name(written.name), ""),
            classes=at((*self._at, "classes"), lambda: _classes(written.classes), frozenset()),
            up_to=self._up_to(written.up_to),
            priority_above=at((*self._at, "priorityAbove"), lambda: _priority(written.priority_above), None),
            within=within, outside=outside, approvals=approvals, voters=voters, deny=deny,
        )  # fmt: skip

    def default(self, written: str | wire.Default | None) -> Rule:
        if isinstance(written, str):
            self._faults.attempt(self._at, lambda: one_of(written, ["deny"]), "")
            return Rule(name=DEFAULT, deny="no rule allows it")
        approvals, voters, deny = self._says(Default(approvals=1) if written is None else written)
        return Rule(name=DEFAULT, approvals=approvals, voters=voters, deny=deny)

    def _says(self, written: wire.Rule | wire.Default) -> tuple[int, Voters, str]:
        """Approvals and whose, or the reason of a denial."""
        at = self._faults.attempt
        if written.deny is not None:
            deny = at((*self._at, "deny"), lambda: _text(written.deny or "", "say why"), "-")
            both = written.approvals is not None or written.from_ is not None
            text = "stands beside approvals or from: what is denied cannot be approved"
            self._faults.note((*self._at, "deny"), text, wrong=both)
            return 0, Voters(), deny
        silent = written.approvals is None and written.from_ is None
        self._faults.note(self._at, "says nothing: write approvals, from or deny", wrong=silent)
        voters = self._voters(written.from_)
        count = 1 if written.approvals is None else written.approvals
        return at((*self._at, "approvals"), lambda: _approvals(count, voters, written), 1), voters, ""

    def _voters(self, written: wire.Voters | None) -> Voters:
        if written is None:
            return Voters()
        at = (*self._at, "from")
        read = Voters(
            users=frozenset(self._names(written.users, (*at, "users"), _LOGIN, "a login, without @")),
            teams=frozenset(self._names(written.teams, (*at, "teams"), _TEAM, "a team like acme/platform, without @")),
            code_owners=bool(written.code_owners),
        )
        nobody = not (written.users or written.teams or written.code_owners)
        self._faults.note(at, "names nobody: give users, teams or codeOwners", wrong=nobody)
        return read

    def _names(self, written: list[str] | None, at: tuple[Step, ...], form: re.Pattern[str], what: str) -> list[str]:
        for number, name in enumerate(written or ()):
            self._faults.note((*at, number), f"{name[:60]!a} is not {what}", wrong=not form.fullmatch(name))
        return written or []

    def _up_to(self, written: wire.UpTo | None) -> UpTo | None:
        if written is None:
            return None
        at = (*self._at, "upTo")
        read = Limits(self._faults, at)
        found = UpTo(
            nodes=read.count("nodes", written.nodes), pools=read.count("pools", written.pools),
            hourly=read.money("hourly", written.hourly), monthly=read.money("monthly", written.monthly),
        )  # fmt: skip
        empty = (written.nodes, written.pools, written.hourly, written.monthly) == (None,) * 4
        self._faults.note(at, "is empty: give nodes, pools, hourly or monthly", wrong=empty)
        return found

    def _named(self, written: list[str] | None, field: str) -> tuple[Window, ...]:
        if written is None:
            return ()
        at = (*self._at, field)
        self._faults.note(at, "is empty: name a window of spec.windows", wrong=not written)
        known = ", ".join(self._windows) or "none"
        for number, name in enumerate(written):
            text = f"{name[:60]!a} is no window of spec.windows; there is {known}"
            self._faults.note((*at, number), text, wrong=name not in self._windows)
        return tuple(found for name in written if (found := self._windows.get(name)) is not None)


def _merge(written: str | None) -> None:
    """That merging is the approval is the only way there is: another one would not be kept."""
    _refuse_if(written not in (None, "approval"), "must be approval: merging a proposal is what approves it")


def _keys(written: list[str] | None, faults: Faults) -> tuple[str, ...]:
    at = (*REVIEW, "signedBy")
    faults.note(at, "is empty: no signature would do; name a key", wrong=written == [])
    problem = "is no SSH public key, no PGP public key and no whole fingerprint of one"
    for number, key in enumerate(written or ()):
        plain = key.strip()
        good = _SSH_KEY.fullmatch(plain) or _FINGERPRINT.fullmatch(re.sub(r"\s", "", plain)) or _PGP_KEY in plain
        faults.note((*at, number), f"{plain[:40]!a} {problem}", wrong=not good)
    return tuple(key.strip() for key in written or ())


def _unique(names: Sequence[str], at: tuple[Step, ...], faults: Faults) -> None:
    for number, name in enumerate(names):
        faults.note((*at, number, "name"), f"{name[:60]!a} stands here twice", wrong=name in names[:number])


def _classes(written: list[str] | None) -> frozenset[Class]:
    if written is None:
        return frozenset()
    _refuse_if(not written, "is empty: name a class, or leave classes out for all of them")
    allowed = [each.value for each in Class]
    for number, name in enumerate(written):
        _refuse_if(name not in allowed, f"{name[:60]!a} is unknown; it is one of {', '.join(allowed)}", (number,))
    return frozenset(map(Class, written))


def _priority(written: int | None) -> int | None:
    if written is not None and not -(2**31) <= written < 2**31:
        raise Misfit(f"{written} is no priority that a pod can have; it has 32 bits")
    return written


def _approvals(count: int, voters: Voters, written: wire.Rule | wire.Default) -> int:
    _refuse_if(not 0 <= count <= MOST_APPROVALS, f"is {count}; it is between 0 and {MOST_APPROVALS}")
    _refuse_if(count == 0 and written.from_ is not None, "is 0, so nobody is asked; remove from or ask for more")
    only_users = bool(voters.users) and not voters.teams and not voters.code_owners
    too_many = only_users and count > len(voters.users)
    _refuse_if(too_many, f"is {count}, and from names {len(voters.users)}: nobody could ever approve")
    return count


def _rule_name(name: str) -> str:
    _refuse_if(name == DEFAULT, "is what the rule is called that decides where no other one fits; choose another name")
    return _text(name, "give it a name")


def _text(text: str, advice: str) -> str:
    stripped = text.strip()
    _refuse_if(not stripped, f"is empty: {advice}")
    _refuse_if(not _TEXT.fullmatch(stripped) or len(stripped) > 200, "must be one line of at most 200 characters")
    return stripped


def _refuse_if(wrong: bool, message: str, path: tuple[Step, ...] = ()) -> None:
    if wrong:
        raise Misfit(message, path)
