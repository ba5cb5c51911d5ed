"""Whether the approvals that there are satisfy what a plan needs; what is missing, in plain sentences. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from gitops.review.codeowners import Owned
    from gitops.review.rules import Need, Requirement

_MOST = 3
"""Files that are named; more are counted."""


def satisfied(
    requirement: Requirement, approvers: Collection[str], teams: Mapping[str, frozenset[str]],
    owned: Sequence[Owned] = (),
) -> tuple[str, ...]:  # fmt: skip
    """What is missing, a sentence each without a full stop; nothing: there are enough words.

    ``approvers`` are logins whose approval counts at all: neither the author's nor the bot's. ``teams`` has the members
    of each team that is named anywhere; a team that is not in it has none that are known. ``owned`` are all changed
    files with their owners (``codeowners.owned``). One person counts once in each need, however often it is named;
    logins are compared as forges do, in whatever case they are written.
    """
    said = {login.casefold(): login for login in sorted(approvers)}
    members = {team.casefold(): frozenset(map(str.casefold, logins)) for team, logins in teams.items()}
    return tuple(text for need in requirement.needs for text in _missing(need, said, members, owned))


def _missing(
    need: Need, said: Mapping[str, str], members: Mapping[str, frozenset[str]], owned: Sequence[Owned]
) -> Iterator[str]:
    if not need.approvals:
        return
    voters = need.voters
    if voters.anybody:
        if len(said) < need.approvals:
            yield _lacks(need, set(said), said)
        return
    known = [members.get(team.casefold()) for team in sorted(voters.teams)]
    named = frozenset(map(str.casefold, voters.users)).union(*(logins for logins in known if logins))
    if voters.code_owners:
        yield from _missing_owners(need, named, said, members, owned)
    elif len(named & said.keys()) < need.approvals:
        yield _lacks(need, named & said.keys(), said)
    else:
        return
    for team, logins in zip(sorted(voters.teams), known, strict=True):
        if logins is None:
            yield f"who is in team {team} is not known (rule {need.rule})"


def _missing_owners(
    need: Need, named: frozenset[str], said: Mapping[str, str], members: Mapping[str, frozenset[str]],
    owned: Sequence[Owned],
) -> Iterator[str]:  # fmt: skip
    """Each changed file needs words of its own owners; those whom the rule names stand in for them."""
    if not owned:
        yield f"{need}; who owns the changed files is not known"
    for one in owned:
        found = (named | _people(one.owners, members)) & said.keys()
        count = max(need.approvals, one.approvals)
        if len(found) < count:
            yield _lacks_owner(need, one, count, [said[login] for login in sorted(found)])


def _people(names: Collection[str], members: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The logins that code owners stand for: a name with members is a team; a team without known ones is nobody."""
    found: set[str] = set()
    for name in map(str.casefold, names):
        found |= members.get(name, frozenset() if "/" in name else {name})
    return frozenset(found)


def _lacks(need: Need, found: Collection[str], said: Mapping[str, str]) -> str:
    return f"{need}; it has {_count([said[login] for login in sorted(found)])}"


def _lacks_owner(need: Need, owned: Owned, count: int, found: Sequence[str]) -> str:
    files, left = ", ".join(map(str, owned.files[:_MOST])), len(owned.files) - _MOST
    files = f"{files} and {left} more" if left > 0 else files
    if not owned.owners:
        return f"{need}; nobody owns {files}"
    section = f", section {owned.section}" if owned.section else ""
    needs, has = ("needs", "has") if len(owned.files) == 1 else ("need", "have")
    return f"{need}; {files} {needs} {count} of {', '.join(sorted(owned.owners))}{section} and {has} {_count(found)}"


def _count(names: Sequence[str]) -> str:
    return f"{len(names)}: {', '.join(names)}" if names else "none"
