"""Why a group sits nowhere: per NodePool, the first filter that leaves nothing, with the closest miss."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from planner.candidates import choice_for, unmet
from planner.plan import Refusal
from planner.resources import describe_amount
from planner.taints import untolerated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from planner.candidates import Candidate
    from planner.demand import PodGroup
    from planner.ledger import Ledger
    from planner.pods import Needs


def explain(group: PodGroup, candidates: Sequence[Candidate], ledger: Ledger) -> tuple[Refusal, ...]:
    """One reason per NodePool, in order of name; one without a NodePool where there is none at all."""
    by_pool: dict[str, list[Candidate]] = {}
    for one in candidates:
        by_pool.setdefault(one.node_pool.name, []).append(one)
    if not by_pool:
        return (Refusal(node_pool="", filter="NoNodePool", detail="no NodePool offers any flavor in this region"),)
    return tuple(_why(group.needs, name, by_pool[name], ledger) for name in sorted(by_pool))


def _why(needs: Needs, name: str, candidates: list[Candidate], ledger: Ledger) -> Refusal:
    if needs.node_names is not None:
        listed = ", ".join(needs.node_names)
        return Refusal(node_pool=name, filter="NodeName", detail=f"the pod only runs on node {listed}")
    keeping = untolerated(candidates[0].taints, needs.tolerations)
    if keeping:
        listed = ", ".join(str(taint) for taint in keeping)
        return Refusal(node_pool=name, filter="Taints", detail=f"the pod does not tolerate {listed}")
    if all(one.daemon_ports.intersection(needs.ports) for one in candidates):
        listed = ", ".join(needs.ports)
        return Refusal(node_pool=name, filter="HostPorts", detail=f"a daemon set has {listed} on every node already")
    selected = [one for one in candidates if choice_for(needs, one) is not None]
    if not selected:
        return Refusal(node_pool=name, filter="NodeAffinity", detail=_closest_labels(needs, candidates))
    fitting = [one for one in selected if needs.requests.fits_in(one.free)]
    if not fitting:
        return Refusal(node_pool=name, filter="Resources", detail=_closest_size(needs, selected))
    refusals = [ledger.refusal(one) for one in fitting]
    if all(refusals):
        return next(each for each in refusals if each)
    return Refusal(node_pool=name, filter="Topology", detail=f"{_rules(needs)} leaves no place for another pod")


def _rules(needs: Needs) -> str:
    """The rules that may be in the way; a pod without any is kept off by those of other pods."""
    spreads = (f"the spread over {one.topology_key}" for one in needs.spreads if one.required)
    anti = (f"the anti-affinity by {one.topology_key}" for one in needs.anti_affinity if not one.weight)
    affinity = (f"the affinity by {one.topology_key}" for one in needs.affinity if not one.weight)
    ports = (f"host port {port}" for port in needs.ports)
    return " or ".join(dict.fromkeys((*spreads, *anti, *affinity, *ports))) or "a rule of other pods"


def _closest_labels(needs: Needs, candidates: list[Candidate]) -> str:
    """The alternative and candidate that miss the fewest requirements."""
    misses = [(unmet(alternative, one), one) for alternative in needs.alternatives for one in candidates]
    failing, one = min(misses, key=lambda miss: (len(miss[0]), miss[1].key))
    if not failing:
        return "the pod asks for nothing that a node could have: its affinity has no term"
    parts = []
    for each in failing:
        has = one.labels.get(each.key)
        others = sorted({c.labels[each.key] for c in candidates if each.key in c.labels})
        offered = one.offered.get(each.key)
        if has is None:
            others = [", ".join(offered.choices()) or f"what meets {offered}"] if offered else ["no such label"]
        listed = ", ".join(others[:6]) + (" and others" if len(others) > 6 else "")
        parts.append(f"the pod needs {each}; the NodePool gives {listed}")
    return "; ".join(parts)


def _closest_size(needs: Needs, candidates: list[Candidate]) -> str:
    """The flavor that lacks the least share of what is asked, and what it lacks; or what none of them has at all."""
    nowhere = [name for name, _ in needs.requests if all(one.free.get(name) <= 0 for one in candidates)]
    if nowhere:
        return f"none of its flavors has any {' or '.join(nowhere)}"

    def lack(one: Candidate) -> tuple[object, ...]:
        missing = needs.requests.shortfall(one.free)
        return (max(Fraction(amount, needs.requests.get(name)) for name, amount in missing), one.key)

    best = min(candidates, key=lack)
    missing = needs.requests.shortfall(best.free)
    listed = " and ".join(f"{describe_amount(name, amount)} {name}" for name, amount in missing)
    return f"a {best.flavor.name} is the nearest and lacks {listed}"
