"""The board: what spreads, anti-affinity, affinity and host ports leave room for, node by node."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner import labels as known
from planner.board import PLENTY
from planner.pods import ALL_ADDRESSES, Needs, Phase
from planner.requirements import Requirement, Requirements
from planner.taints import Taint, Toleration
from tests.planner.worlds import World, apart, beside, group, here, running, spread

A, B, C = (here(f"host-{zone}", zone) for zone in "abc")
RACK = "example.com/rack"


def web(count: int, on: str, **fields: object) -> list[object]:
    return [running("web", on, number, **fields) for number in range(count)]


# Room


def test_room_is_what_is_least_of_all_that_is_asked_for() -> None:
    world = World.of([group("web", cpu=300)], [here("n1", cpu=1000), here("n2", cpu=200), here("n3", cpu=600)])
    assert world.rooms("web") == [3, 0, 2]
    world.put("web", "n1", 2)
    assert world.rooms("web") == [1, 0, 2]
    world.put("web", "n1", -2)
    assert world.rooms("web") == [3, 0, 2]


def test_what_runs_takes_room() -> None:
    old = running("old", "n1", needs=replace(group("old", cpu=700).needs))
    world = World.of([group("web", cpu=300)], [here("n1", cpu=1000), here("n2", cpu=1000)], [old])
    assert world.rooms("web") == [1, 3]


def test_taints_node_affinity_and_names_of_nodes_admit_or_not() -> None:
    nodes = [here("n1", labels={"team": "red"}), here("n2", taints=(Taint("own"),)), here("n3")]
    red, on_n3 = Requirements.from_labels({"team": "red"}), Requirements.from_labels({known.HOSTNAME: "n3"})
    groups = [
        group("plain"), group("red", alternatives=(red,)), group("named", node_names=("n1", "n2")),
        group("patient", tolerations=(Toleration("own", "Exists"),)), group("host", alternatives=(on_n3,)),
    ]  # fmt: skip
    world = World.of(groups, nodes)
    assert {one: [room > 0 for room in world.rooms(one)] for one in ("plain", "red", "named", "patient", "host")} == {
        "plain": [True, False, True], "red": [True, False, False], "named": [True, False, False],
        "patient": [True, True, True], "host": [False, False, True],
    }  # fmt: skip


# Spread


@pytest.mark.parametrize(
    ("skew", "counts", "room"),
    [
        (1, (0, 0, 0), (1, 1, 1)), (1, (1, 0, 0), (0, 1, 1)), (1, (2, 2, 1), (0, 0, 1)), (1, (2, 2, 2), (1, 1, 1)),
        (3, (2, 0, 0), (1, 3, 3)), (2, (5, 1, 1), (0, 2, 2)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("key", [known.ZONE, RACK])
def test_a_spread_lets_no_domain_run_ahead(key: str, skew: int, counts: tuple[int, ...], room: tuple[int, ...]) -> None:
    nodes = [here(f"n{number}", labels={key: f"{number}"}) for number in range(3)]
    pods = [pod for number, count in enumerate(counts) for pod in web(count, f"n{number}")]
    assert World.of([group("web", **spread(key, max_skew=skew))], nodes, pods).rooms("web") == list(room)


def test_all_nodes_of_a_domain_share_its_count() -> None:
    nodes = [here("n1", "a"), here("n2", "a"), here("n3", "b")]
    world = World.of([group("web", **spread())], nodes)
    world.put("web", "n1")
    assert world.rooms("web") == [0, 0, 1]


def test_with_too_few_domains_the_least_count_is_taken_as_zero() -> None:
    pods = [*web(1, "host-a"), *web(1, "host-b"), *web(1, "host-c")]
    assert World.of([group("web", **spread(min_domains=4))], [A, B, C], pods).rooms("web") == [0, 0, 0]
    assert World.of([group("web", **spread(min_domains=3))], [A, B, C], pods).rooms("web") == [1, 1, 1]


def test_domains_that_new_nodes_could_bring_count_as_empty() -> None:
    pods = [*web(1, "host-a"), *web(1, "host-b")]
    asked = [group("web", **spread())]
    assert World.of(asked, [A, B], pods).rooms("web") == [1, 1]
    assert World.of(asked, [A, B], pods, possible={known.ZONE: ["c"]}).rooms("web") == [0, 0]


def test_a_single_domain_cannot_run_ahead_of_itself() -> None:
    pods = web(7, "host-a")
    assert World.of([group("web", **spread())], [A], pods).rooms("web") == [PLENTY]
    assert World.of([group("web", **spread(min_domains=2))], [A], pods).rooms("web") == [0]


def test_hosts_are_compared_with_an_empty_one_because_there_may_always_be_another() -> None:
    world = World.of([group("web", **spread(known.HOSTNAME, max_skew=2))], [A, B])
    world.put("web", "host-a", 2)
    world.put("web", "host-b", 1)
    assert world.rooms("web") == [0, 1]


def test_a_pod_that_its_own_spread_does_not_select_adds_nothing_to_it() -> None:
    asked = [group("other", **spread())]
    once, twice = (World.of(asked, [A, B], web(count, "host-a")) for count in (1, 2))
    assert once.rooms("other") == [PLENTY, PLENTY]
    assert twice.rooms("other") == [0, PLENTY]
    once.put("other", "host-a", 5)
    assert once.rooms("other") == [PLENTY, PLENTY]


def test_a_node_without_the_key_has_no_room_under_a_spread() -> None:
    assert World.of([group("web", **spread())], [A, here("n")]).rooms("web") == [PLENTY, 0]


def test_several_spreads_all_hold() -> None:
    both = {"spreads": (*spread(max_skew=2)["spreads"], *spread(known.HOSTNAME)["spreads"])}
    world = World.of([group("web", **both)], [here("n1", "a"), here("n2", "a"), here("n3", "b")])
    world.put("web", "n1")
    assert world.rooms("web") == [0, 1, 1]
    world.put("web", "n2")
    assert world.rooms("web") == [0, 0, 1]


# Which nodes a spread looks at


def test_pods_on_nodes_that_the_affinity_excludes_do_not_count() -> None:
    narrow = (Requirements.of([Requirement.parse(known.ZONE, "In", ["a", "b"])]),)
    honouring, ignoring = spread(), spread(honor_affinity=False)
    pods = [*web(2, "host-a"), *web(2, "host-b")]
    nodes = [A, B, C]
    assert World.of([group("web", alternatives=narrow, **honouring)], nodes, pods).rooms("web") == [1, 1, 0]
    assert World.of([group("web", alternatives=narrow, **ignoring)], nodes, pods).rooms("web") == [0, 0, 0]


def test_where_taints_are_honoured_nodes_with_other_taints_do_not_count() -> None:
    nodes = [A, here("host-b", "b", taints=(Taint("other"),))]
    assert World.of([group("web", **spread())], nodes, web(1, "host-a")).rooms("web") == [0, 0]
    assert World.of([group("web", **spread(honor_taints=True))], nodes, web(1, "host-a")).rooms("web") == [PLENTY, 0]


def test_cordoned_nodes_count_unless_taints_are_honoured() -> None:
    nodes = [A, replace(B, unschedulable=True)]
    assert World.of([group("web", **spread())], nodes, web(1, "host-a")).rooms("web") == [0]
    assert World.of([group("web", **spread(honor_taints=True))], nodes, web(1, "host-a")).rooms("web") == [PLENTY]


# Which running pods count


@pytest.mark.parametrize(
    ("fields", "counts"),
    [({}, True), ({"phase": Phase.SUCCEEDED}, False), ({"deleting": True}, False), ({"labels": (("app", "x"),)}, False),
     ({"phase": Phase.UNKNOWN}, True)],
)  # fmt: skip
def test_running_pods_count_for_a_spread_but_those_that_leave(fields: dict[str, object], counts: bool) -> None:
    world = World.of([group("web", **spread())], [A, B], web(1, "host-a", **fields))
    assert world.rooms("web") == ([0, 1] if counts else [1, 1])


def test_for_affinity_and_anti_affinity_pods_count_until_they_are_gone() -> None:
    pods = web(1, "host-a", deleting=True)
    world = World.of([group("shy", **apart()), group("log", **beside())], [A, B], pods)
    assert world.rooms("shy") == [0, PLENTY]
    assert world.rooms("log") == [PLENTY, 0]


def test_pods_of_other_namespaces_do_not_count() -> None:
    foreign = replace(running("web", "host-a"), namespace="other")
    assert World.of([group("web", **apart())], [A, B], [foreign]).rooms("web") == [1, 1]


def test_pods_on_cordoned_nodes_count_in_their_zone_and_as_the_first_of_their_kind() -> None:
    nodes = [here("n1", "a"), here("n2", "b"), here("n3", "b", unschedulable=True)]
    pods = web(1, "n3")
    assert World.of([group("web", **spread())], nodes, pods).rooms("web") == [1, 0]
    assert World.of([group("web", **apart(known.ZONE))], nodes, pods).rooms("web") == [1, 0]
    assert World.of([group("web", **beside(known.ZONE))], nodes, pods).rooms("web") == [0, PLENTY]
    assert World.of([group("web", **beside(known.HOSTNAME))], nodes, pods).rooms("web") == [0, 0]


# Anti-affinity


def test_pods_that_keep_apart_from_their_like_get_one_domain_each() -> None:
    nodes = [here("n1", "a"), here("n2", "a"), here("n3", "b")]
    by_host, by_zone = (World.of([group("web", **apart(key))], nodes) for key in (known.HOSTNAME, known.ZONE))
    assert by_host.rooms("web") == [1, 1, 1]
    by_host.put("web", "n1")
    by_zone.put("web", "n1")
    assert (by_host.rooms("web"), by_zone.rooms("web")) == ([0, 1, 1], [0, 0, 1])
    by_zone.put("web", "n1", -1)
    assert by_zone.rooms("web") == [1, 1, 1]


def test_who_keeps_apart_from_others_may_share_with_its_like() -> None:
    assert World.of([group("shy", **apart())], [A, B], web(1, "host-b")).rooms("shy") == [PLENTY, 0]


def test_a_pod_is_kept_off_by_who_keeps_apart_from_it_even_if_it_says_nothing_itself() -> None:
    world = World.of([group("shy", **apart()), group("web")], [A, B])
    world.put("shy", "host-a")
    assert world.rooms("web") == [0, PLENTY]
    assert world.rooms("shy") == [PLENTY, PLENTY]


def test_running_pods_keep_off_those_that_they_keep_apart_from() -> None:
    shy = running("shy", "host-a", needs=Needs(**apart(known.ZONE)))
    assert World.of([group("web")], [A, B, here("other", "a")], [shy]).rooms("web") == [0, PLENTY, 0]


def test_a_node_without_the_key_is_apart_from_everything() -> None:
    world = World.of([group("web", **apart(known.ZONE))], [A, here("n")], web(1, "host-a"))
    assert world.rooms("web") == [0, PLENTY]


# Affinity


def test_a_pod_goes_where_those_are_that_it_looks_for() -> None:
    world = World.of([group("log", **beside()), group("web")], [A, B])
    assert world.rooms("log") == [0, 0]
    world.put("web", "host-a")
    assert world.rooms("log") == [PLENTY, 0]


def test_the_first_of_those_that_look_for_each_other_may_go_anywhere_with_the_key() -> None:
    world = World.of([group("web", **beside())], [A, B, here("n")])
    assert world.rooms("web") == [PLENTY, PLENTY, 0]
    world.put("web", "host-b")
    assert world.rooms("web") == [0, PLENTY, 0]


def test_several_terms_are_met_only_by_pods_that_match_them_all() -> None:
    terms = {"affinity": (*beside()["affinity"], *beside(app="front")["affinity"])}
    world = World.of([group("log", **terms), group("web")], [A, B])
    world.put("web", "host-a")
    assert world.rooms("log") == [0, 0]  # app can be only one of the two, so nothing ever matches both


def test_terms_of_several_keys_hold_at_once() -> None:
    both = {"affinity": (*beside(known.ZONE)["affinity"], *beside(RACK)["affinity"])}
    nodes = [here("n1", "a", labels={RACK: "1"}), here("n2", "a", labels={RACK: "2"}), here("n3", "b", labels={RACK: "1"})]
    assert World.of([group("log", **both)], nodes, web(1, "n1")).rooms("log") == [PLENTY, 0, 0]


# Host ports


def test_a_host_port_is_had_once_a_node() -> None:
    first, second, udp = (((ALL_ADDRESSES, protocol, port),) for protocol, port in (("TCP", 80), ("TCP", 81), ("UDP", 80)))
    groups = [group("one", host_ports=first), group("two", host_ports=first, labels={}), group("three", host_ports=second),
              group("four", host_ports=udp)]  # fmt: skip
    world = World.of(groups, [A, B], [running("old", "host-b", needs=Needs(host_ports=second))])
    world.put("one", "host-a")
    assert [world.rooms(one) for one in ("one", "two", "three", "four")] == [[0, 1], [0, 1], [1, 0], [1, 1]]


# Copies


def test_a_copy_is_filled_by_itself() -> None:
    world = World.of([group("web", cpu=300, **spread())], [here("n1", "a", 1000), here("n2", "b", 1000)])
    other = replace(world, board=world.board.copy())
    other.put("web", "n1")
    assert (world.rooms("web"), other.rooms("web")) == ([1, 1], [0, 1])


# Many at once


@pytest.mark.parametrize("nodes", [2, 12])
def test_pods_bound_at_once_are_as_if_bound_one_after_the_other(nodes: int) -> None:
    names = [f"host-{number:02}" for number in range(nodes)]
    there = [here(name, zone="ab"[number % 2] if number else "", cpu=9000) for number, name in enumerate(names)]
    groups = [
        group("web", 40, 100, **spread(), **apart()),
        group("db", 40, 300, labels={"app": "web"}, **apart(known.ZONE)),
    ]  # fmt: skip
    worlds = [World.of(groups, there) for _ in range(2)]
    for app in ("web", "db"):
        taken = {number: 1 + number % 3 for number in range(nodes)}
        worlds[0].board.bind_all(worlds[0].kind(app), taken)
        for node, count in taken.items():
            worlds[1].board.bind(worlds[1].kind(app), node, count)
    one, other = (each.board for each in worlds)
    assert one.free.tolist() == other.free.tolist()
    assert (one.counts.totals, one.counts.holding) == (other.counts.totals, other.counts.holding)
    for mine, others in ((one.counts.counts, other.counts.counts), (one.counts.held, other.counts.held)):
        assert [each.tolist() for each in mine] == [each.tolist() for each in others]
    assert any(one.counts.totals)
    assert any(one.counts.holding)
