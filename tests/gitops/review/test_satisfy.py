"""Which approvals are enough, and what is said where they are not."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.review.classes import Class
from gitops.review.codeowners import Owned
from gitops.review.rules import Need, Requirement, Voters
from gitops.review.satisfy import satisfied

PLATFORM = {"acme/platform": frozenset({"ada", "bob"})}
logins = st.sets(st.sampled_from(["ada", "bob", "cy", "dan"]))


def need(count: int, *, kind: Class = Class.DELETE, rule: str = "deletions", **voters: object) -> Requirement:
    who = Voters(**{name: frozenset(who) if isinstance(who, set) else who for name, who in voters.items()})  # type: ignore[arg-type]
    return Requirement((Need(kind=kind, rule=rule, approvals=count, voters=who),))


def owned(*owners: str, file: str = "a.tf", approvals: int = 1, section: str = "") -> Owned:
    return Owned(files=(PurePosixPath(file),), owners=frozenset(owners), approvals=approvals, section=section)


def test_who_is_missing_is_said_with_the_rule() -> None:
    two = need(2, teams={"acme/platform"})
    told = "delete needs 2 approvals of team acme/platform (rule deletions); it has "
    assert satisfied(two, ["bob", "eve"], PLATFORM) == (f"{told}1: bob",)
    assert satisfied(two, [], PLATFORM) == (f"{told}none",)
    assert satisfied(two, ["bob", "ada"], PLATFORM) == ()


@pytest.mark.parametrize(
    "asked", [need(1), need(1, users={"eve"}), need(1, users={"cy", "eve"}, teams={"acme/platform"})]
)
def test_one_word_of_the_right_person_is_enough(asked: Requirement) -> None:
    assert satisfied(asked, ["eve"], PLATFORM) == ()
    assert len(satisfied(asked, [], PLATFORM)) == 1


def test_nobody_is_counted_twice() -> None:
    """Not as a user and a member, not in two teams, not in two spellings."""
    teams = {"acme/a": frozenset({"ada"}), "acme/b": frozenset({"Ada"})}
    asked = need(2, users={"ADA"}, teams={"acme/a", "acme/b"})
    assert satisfied(asked, ["ada", "Ada", "ADA"], teams) == (
        "delete needs 2 approvals of teams acme/a, acme/b or ADA (rule deletions); it has 1: ada",
    )
    assert satisfied(need(2), ["ada", "ADA"], {}) == ("delete needs 2 approvals (rule deletions); it has 1: ada",)


def test_a_team_that_is_not_known_has_nobody() -> None:
    asked = need(1, teams={"acme/platform"})
    assert satisfied(asked, ["acme/platform", "ada"], {}) == (
        "delete needs 1 approval of team acme/platform (rule deletions); it has none",
        "who is in team acme/platform is not known (rule deletions)",
    )
    assert satisfied(need(1, users={"eve"}, teams={"acme/platform"}), ["eve"], {}) == ()
    assert satisfied(need(1, code_owners=True), ["acme/platform"], {}, [owned("acme/platform")]) != ()


def test_every_class_of_a_plan_needs_its_own() -> None:
    both = Requirement((*need(1, kind=Class.GROW, rule="default").needs, *need(1, teams={"acme/platform"}).needs))
    assert satisfied(both, ["eve"], PLATFORM) == (
        "delete needs 1 approval of team acme/platform (rule deletions); it has none",
    )
    assert satisfied(both, ["ada"], PLATFORM) == ()


def test_each_changed_file_needs_one_of_its_own_owners() -> None:
    asked = need(1, code_owners=True)
    files = [owned("ada"), owned("acme/platform", "cy", file="b.tf")]
    assert satisfied(asked, ["ada"], PLATFORM, files) == ()
    assert satisfied(asked, ["ada"], {}, files) == (
        "delete needs 1 approval of the code owners (rule deletions); b.tf needs 1 of acme/platform, cy and has none",
    )
    assert satisfied(asked, ["cy"], PLATFORM, files) == (
        "delete needs 1 approval of the code owners (rule deletions); a.tf needs 1 of ada and has none",
    )


def test_a_file_that_nobody_owns_cannot_be_approved_by_its_owners() -> None:
    asked = need(1, code_owners=True)
    assert satisfied(asked, ["ada"], PLATFORM, [owned()]) == (
        "delete needs 1 approval of the code owners (rule deletions); nobody owns a.tf",
    )
    assert satisfied(asked, ["ada"], PLATFORM) == (
        "delete needs 1 approval of the code owners (rule deletions); who owns the changed files is not known",
    )
    stands_in = need(1, code_owners=True, teams={"acme/platform"})
    assert satisfied(stands_in, ["ada"], PLATFORM, [owned()]) == ()


def test_a_section_may_ask_for_more_than_the_rule() -> None:
    asked = need(1, code_owners=True)
    assert satisfied(asked, ["ada"], {}, [owned("ada", "bob", "cy", approvals=2, section="Pools")]) == (
        "delete needs 1 approval of the code owners (rule deletions); a.tf needs 2 of ada, bob, cy, section Pools and has 1: ada",
    )
    assert satisfied(asked, ["ada", "cy"], {}, [owned("ada", "bob", "cy", approvals=2)]) == ()


def test_many_files_are_counted() -> None:
    files = tuple(PurePosixPath(f"{letter}.tf") for letter in "abcde")
    (told,) = satisfied(need(1, code_owners=True), [], {}, [Owned(files=files, owners=frozenset({"ada"}))])
    assert told.endswith("; a.tf, b.tf, c.tf and 2 more need 1 of ada and have none")


@given(count=st.integers(0, 3), said=logins, team=logins, users=logins, more=logins)
def test_more_words_never_hurt_and_only_the_right_ones_help(
    count: int, said: set[str], team: set[str], users: set[str], more: set[str]
) -> None:
    asked, teams = need(count, teams={"t/t"}, users=users), {"t/t": frozenset(team)}
    enough = not satisfied(asked, said, teams)
    assert enough is (len(said & (team | users)) >= count)
    assert not enough or not satisfied(asked, said | more, teams)
