"""What a pod's rules count: which pods, of which namespaces, on which nodes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner import labels as known
from planner.pods import AffinityTerm, Needs, Spread
from planner.requirements import Requirements
from planner.snapshot import Namespace
from planner.taints import Taint, Toleration
from planner.topology import SPREAD, Subject, Term, terms_of

WEB = Requirements.from_labels({"app": "web"})


def rules_of(needs: Needs) -> Subject:
    """The rules of a pod of the default namespace that is labelled app=web."""
    return terms_of(needs, "default", {"app": "web"}, ())


def test_what_only_prefers_is_no_rule() -> None:
    term = AffinityTerm(topology_key=known.ZONE, selector=WEB, weight=1)
    soft = Spread(topology_key=known.ZONE, selector=WEB, required=False)
    found = rules_of(Needs(spreads=(soft,), affinity=(term,), anti_affinity=(replace(term, weight=3),)))
    assert found.terms() == ()
    assert [weight for _, weight in found.zoned] == [-SPREAD, 1, -3]


def test_what_is_preferred_of_hosts_is_no_wish_about_zones() -> None:
    term = AffinityTerm(topology_key=known.HOSTNAME, selector=WEB, weight=1)
    soft = Spread(topology_key=known.HOSTNAME, selector=WEB, required=False)
    assert rules_of(Needs(spreads=(soft,), affinity=(term,), anti_affinity=(term,))) == Subject()


def test_several_terms_are_one_for_all_their_selectors() -> None:
    terms = tuple(AffinityTerm(topology_key=known.ZONE, selector=Requirements.from_labels(one)) for one in ({"a": "1"}, {"b": "2"}))
    (both,) = rules_of(Needs(affinity=terms)).affinity
    assert both.matches("default", {"a": "1", "b": "2"})
    assert not both.matches("default", {"a": "1"})
    assert len(rules_of(Needs(anti_affinity=terms)).anti) == 2


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
    return [term.nodes for term, _ in rules_of(needs).spreads]


def test_a_spread_looks_at_the_nodes_that_the_pod_itself_asks_for_and_not_at_its_volumes() -> None:
    by_zone = (Spread(topology_key=known.ZONE, selector=WEB),)
    assert nodes_of(Needs(spreads=by_zone, alternatives=(ZONE_A,))) == [(ZONE_A,)]
    assert nodes_of(Needs(spreads=by_zone, alternatives=(ZONE_A,), own_alternatives=(Requirements(),))) == [()]
    assert nodes_of(Needs(spreads=(replace(by_zone[0], honor_affinity=False),), alternatives=(ZONE_A,))) == [()]


def test_only_nodes_with_the_keys_of_all_required_spreads_are_looked_at() -> None:
    by_zone, by_rack = (Spread(topology_key=key, selector=WEB) for key in (known.ZONE, RACK))
    by_host = Spread(topology_key=known.HOSTNAME, selector=WEB)
    needs = Needs(spreads=(by_zone, by_rack, by_host))
    zone, rack, host = (term for term, _ in rules_of(needs).spreads)
    assert zone.looks_at({known.ZONE: "a", RACK: "1"}, ())
    assert not zone.looks_at({known.ZONE: "a"}, ())
    assert not rack.looks_at({RACK: "1"}, ())
    assert host.looks_at({}, ())
    soft = replace(by_rack, required=False)
    assert nodes_of(Needs(spreads=(by_zone, soft))) == [()]


def test_where_taints_are_honoured_only_nodes_are_looked_at_whose_taints_the_pod_tolerates() -> None:
    rule = Spread(topology_key=known.ZONE, selector=WEB, honor_taints=True)
    ((honouring, _),) = rules_of(Needs(tolerations=(Toleration("own", "Exists"),), spreads=(rule,))).spreads
    assert honouring.looks_at({known.ZONE: "a"}, (Taint("own"),))
    assert not honouring.looks_at({known.ZONE: "a"}, (Taint("other"),))
    ((ignoring, _),) = rules_of(Needs(spreads=(replace(rule, honor_taints=False),))).spreads
    assert ignoring.looks_at({known.ZONE: "a"}, (Taint("other"),))
