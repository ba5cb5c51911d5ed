"""Whether the approvals that there are satisfy what a plan needs; what is missing, in plain sentences. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from gitops.review.codeowners import Owned
    from gitops.review.rules import Need, Requirement


def satisfied(
    requirement: Requirement, approvers: Collection[str], teams: Mapping[str, frozenset[str]],
    owned: Sequence[Owned] = (),
) -> tuple[str, ...]:  # fmt: skip
    """What is missing, a sentence each without a full stop; nothing: there are enough words.

    ``approvers`` are logins whose approval counts at all: neither the author's nor the bot's. ``teams`` has the members
    of each team that is named anywhere; a team that is not in it has none that are known. ``owned`` are all changed
    files with their owners (``codeowners.owned``). One person counts once in each need.
    """
    return tuple(text for need in requirement.needs for text in _missing(need, approvers, teams, owned))


def _missing(
    need: Need, approvers: Collection[str], teams: Mapping[str, frozenset[str]], owned: Sequence[Owned]
) -> Iterator[str]:
    raise NotImplementedError
