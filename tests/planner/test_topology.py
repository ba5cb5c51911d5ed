"""Counting pods per domain: what spread, anti-affinity and affinity leave room for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner import labels as known
from planner.pods import AffinityTerm, Needs, Spread
from planner.requirements import Requirement, Requirements
from planner.snapshot import Namespace
from planner.taints import Taint, Toleration
from planner.topology import UNBOUNDED, Subject, Term, Topology, counted_in, terms_of

WEB = Requirements.from_labels({"app": "web"})
A, B, C = ({known.ZONE: zone, known.HOSTNAME: f"host-{zone}"} for zone in "abc")


def subject(needs: Needs, labels: dict[str, str] | None = None, namespaces: tuple[Namespace, ...] = ()) -> Subject:
    """A pod of the default namespace with these rules and labels, counted in its own terms."""
    mine = labels if labels is not None else {"app": "web"}
    rules = terms_of(needs, "default", mine, namespaces)
    return replace(rules, matches=counted_in(rules.terms(), "default", mine))


def spread(**fields: object) -> Subject:
    return subject(Needs(spreads=(Spread(**{"topology_key": known.ZONE, "selector": WEB, **fields}),)))  # type: ignore[arg-type]


def three_zones(one: Subject, **counts: int) -> Topology:
    topology = Topology(domains={term: ("a", "b", "c") for term, _ in one.spreads})
    for zone, count in counts.items():
        topology.place(one, {known.ZONE: zone, known.HOSTNAME: f"host-{zone}"}, count)
    return topology


@pytest.mark.parametrize(
    ("skew", "counts", "room"),
    [
        (1, (0, 0, 0), (1, 1, 1)), (1, (1, 0, 0), (0, 1, 1)), (1, (2, 2, 1), (0, 0, 1)), (1, (2, 2, 2), (1, 1, 1)),
        (3, (2, 0, 0), (1, 3, 3)), (2, (5, 1, 1), (0, 2, 2)),
    ],
)  # fmt: skip
def test_a_spread_lets_no_zone_run_ahead(skew: int, counts: tuple[int, ...], room: tuple[int, ...]) -> None:
    one = spread(max_skew=skew)
    topology = three_zones(one, **dict(zip("abc", counts, strict=True)))
    assert tuple(topology.room(one, labels) for labels in (A, B, C)) == room


def test_with_too_few_domains_the_least_count_is_taken_as_zero() -> None:
    one = spread(min_domains=4)
    assert three_zones(one, a=1, b=1, c=1).room(one, A) == 0


def test_a_single_domain_cannot_run_ahead_of_itself() -> None:
    one = spread()
    topology = Topology(domains={one.spreads[0][0]: ("a",)})
    topology.place(one, A, 7)
    assert topology.room(one, A) == UNBOUNDED


def test_hosts_are_compared_with_an_empty_one_because_there_may_always_be_another() -> None:
    one = spread(topology_key=known.HOSTNAME, max_skew=2)
    topology = Topology()
    topology.place(one, A, 2)
    assert (topology.room(one, A), topology.room(one, B)) == (0, 2)


def test_a_pod_that_its_own_spread_does_not_select_adds_nothing_to_it() -> None:
    others = subject(Needs(spreads=(Spread(topology_key=known.ZONE, selector=WEB),)), {"app": "other"})
    web = spread()
    topology = three_zones(others, a=0)
    topology.place(web, A, 1)
    assert (topology.room(others, A), topology.room(others, B)) == (UNBOUNDED, UNBOUNDED)
    topology.place(web, A, 1)
    assert (topology.room(others, A), topology.room(others, B)) == (0, UNBOUNDED)


def test_a_node_without_the_key_has_no_room_under_a_spread() -> None:
    assert Topology().room(spread(), {known.HOSTNAME: "h"}) == 0


def test_a_spread_that_only_prefers_is_no_rule() -> None:
    assert spread(required=False).terms() == ()


def test_pods_on_nodes_that_the_affinity_excludes_do_not_count() -> None:
    narrow = Requirements.of([Requirement.parse(known.ZONE, "In", ["a", "b"])])
    one = subject(Needs(alternatives=(narrow,), spreads=(Spread(topology_key=known.ZONE, selector=WEB),)))
    topology = Topology(domains={one.spreads[0][0]: ("a", "b")})
    topology.place(one, C, 5)
    assert topology.count(one.spreads[0][0], "c") == 0
    ignoring = Spread(topology_key=known.ZONE, selector=WEB, honor_affinity=False)
    other = subject(Needs(alternatives=(narrow,), spreads=(ignoring,)))
    topology.place(other, C, 5)
    assert topology.count(other.spreads[0][0], "c") == 5


def test_pods_whose_node_is_not_known_yet_count_where_that_is_sure() -> None:
    narrow = Requirements.of([Requirement.parse("team", "In", ["red"])])
    one = subject(Needs(alternatives=(narrow,), spreads=(Spread(topology_key=known.ZONE, selector=WEB),)))
    topology, term = Topology(), one.spreads[0][0]
    topology.place(one, {known.ZONE: "a"})
    topology.place(one, {known.ZONE: "b"}, sure={term})
    assert [topology.count(term, zone) for zone in "ab"] == [0, 1]


def test_where_taints_are_honoured_pods_on_nodes_with_other_taints_do_not_count() -> None:
    rule = Spread(topology_key=known.ZONE, selector=WEB, honor_taints=True)
    one = subject(Needs(tolerations=(Toleration("own", "Exists"),), spreads=(rule,)))
    topology, term = Topology(), one.spreads[0][0]
    topology.place(one, A, taints=(Taint("own"),))
    topology.place(one, B, taints=(Taint("other"),))
    assert [topology.count(term, zone) for zone in "ab"] == [1, 0]


# Anti-affinity


def apart(labels: dict[str, str], **fields: object) -> Subject:
    term = AffinityTerm(**{"topology_key": known.HOSTNAME, "selector": WEB, **fields})  # type: ignore[arg-type]
    return subject(Needs(anti_affinity=(term,)), labels)


def test_pods_that_keep_apart_from_their_like_get_one_host_each() -> None:
    one = apart({"app": "web"})
    topology = Topology()
    assert topology.room(one, A) == 1
    topology.place(one, A)
    assert (topology.room(one, A), topology.room(one, B)) == (0, 1)
    topology.place(one, A, -1)
    assert topology.room(one, A) == 1


def test_who_keeps_apart_from_others_may_share_with_its_like() -> None:
    shy = apart({"app": "shy"})
    assert Topology().room(shy, A) == UNBOUNDED


def test_a_pod_is_kept_off_by_who_keeps_apart_from_it_even_if_it_says_the_same_itself() -> None:
    shy, web = apart({"app": "shy"}), apart({"app": "web"})
    topology = Topology()
    topology.place(shy, A)
    assert (topology.room(web, A), topology.room(web, B)) == (0, 1)


def test_a_node_without_the_key_is_apart_from_everything() -> None:
    assert Topology().room(apart({"app": "web"}), {known.ZONE: "a"}) == UNBOUNDED


# Affinity


def beside(labels: dict[str, str], *selectors: dict[str, str]) -> Subject:
    terms = tuple(AffinityTerm(topology_key=known.ZONE, selector=Requirements.from_labels(one)) for one in selectors)
    return subject(Needs(affinity=terms), labels)


def test_a_pod_goes_where_those_are_that_it_looks_for() -> None:
    follower, web = beside({"app": "log"}, {"app": "web"}), beside({"app": "web"}, {"app": "web"})
    topology = Topology()
    assert topology.room(follower, A) == 0
    topology.place(web, A)
    assert (topology.room(follower, A), topology.room(follower, B)) == (UNBOUNDED, 0)


def test_the_first_of_those_that_look_for_each_other_may_go_anywhere() -> None:
    web = beside({"app": "web"}, {"app": "web"})
    topology = Topology()
    assert topology.room(web, B) == UNBOUNDED
    topology.place(web, A)
    assert (topology.room(web, A), topology.room(web, B)) == (UNBOUNDED, 0)


def test_several_terms_are_met_only_by_pods_that_match_them_all() -> None:
    both = beside({"app": "web", "tier": "front"}, {"app": "web"}, {"tier": "front"})
    follower = beside({"app": "log"}, {"app": "web"}, {"tier": "front"})
    assert len(follower.affinity) == 1
    topology = Topology()
    topology.place(replace(both, matches=counted_in(follower.affinity, "default", {"app": "web"})), A)
    assert topology.room(follower, A) == 0
    topology.place(both, B)
    assert topology.room(follower, B) == UNBOUNDED


# Namespaces and selectors


SPACES = (Namespace(name="blue", labels=(("team", "sea"),)), Namespace(name="red", labels=(("team", "fire"),)))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, ("default",)), ({"namespaces": ("red",)}, ("red",)), ({"namespace_selector": Requirements()}, ("blue", "red")),
        ({"namespace_selector": Requirements.from_labels({"team": "sea"})}, ("blue",)),
        ({"namespace_selector": Requirements.from_labels({"team": "sea"}), "namespaces": ("red",)}, ("blue", "red")),
    ],
)  # fmt: skip
def test_which_namespaces_a_term_looks_at(fields: dict[str, object], expected: tuple[str, ...]) -> None:
    term = AffinityTerm(topology_key="k", selector=WEB, **fields)  # type: ignore[arg-type]
    (found,) = terms_of(Needs(anti_affinity=(term,)), "default", {}, SPACES).anti
    assert found.namespaces == expected


def test_an_absent_selector_matches_nothing_and_an_empty_one_everything() -> None:
    assert not Term("k", ("default",), None).matches("default", {"app": "web"})
    assert Term("k", ("default",), Requirements()).matches("default", {})
    assert not Term("k", ("default",), Requirements()).matches("other", {})


def test_label_keys_narrow_a_term_to_equal_or_other_values() -> None:
    term = AffinityTerm(topology_key="k", selector=WEB, match_label_keys=("hash",), mismatch_label_keys=("tenant",))
    (found,) = terms_of(Needs(anti_affinity=(term,)), "default", {"hash": "1", "tenant": "x"}, ()).anti
    assert found.matches("default", {"app": "web", "hash": "1", "tenant": "y"})
    assert not found.matches("default", {"app": "web", "hash": "2", "tenant": "y"})
    assert not found.matches("default", {"app": "web", "hash": "1", "tenant": "x"})


# Which nodes a spread looks at

RACK = "example.com/rack"
ZONE_A = Requirements.from_labels({known.ZONE: "a"})


def nodes_of(needs: Needs) -> list[tuple[Requirements, ...]]:
    return [term.nodes for term, _ in subject(needs).spreads]


def test_a_spread_looks_at_the_nodes_that_the_pod_itself_asks_for_and_not_at_its_volumes() -> None:
    by_zone = (Spread(topology_key=known.ZONE, selector=WEB),)
    assert nodes_of(Needs(spreads=by_zone, alternatives=(ZONE_A,))) == [(ZONE_A,)]
    assert nodes_of(Needs(spreads=by_zone, alternatives=(ZONE_A,), own_alternatives=(Requirements(),))) == [()]
    assert nodes_of(Needs(spreads=(replace(by_zone[0], honor_affinity=False),), alternatives=(ZONE_A,))) == [()]


def test_only_nodes_with_the_keys_of_all_required_spreads_are_looked_at() -> None:
    by_zone, by_rack = (Spread(topology_key=key, selector=WEB) for key in (known.ZONE, RACK))
    by_host = Spread(topology_key=known.HOSTNAME, selector=WEB)
    needs = Needs(spreads=(by_zone, by_rack, by_host))
    zone, rack, host = (term for term, _ in subject(needs).spreads)
    assert zone.looks_at({known.ZONE: "a", RACK: "1"}, ())
    assert not zone.looks_at({known.ZONE: "a"}, ())
    assert not rack.looks_at({RACK: "1"}, ())
    assert host.looks_at({}, ())
    soft = replace(by_rack, required=False)
    assert nodes_of(Needs(spreads=(by_zone, soft))) == [()]
