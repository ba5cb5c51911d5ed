"""What could be ordered: every NodePool × flavor × zone its policy allows, and whether a group may run there.

Labels a node of the candidate will carry are ``labels``. Labels the policy leaves open (a requirement with several
values, ``karpenter.sh/nodepool``, ``karpenter.sh/capacity-type``) are ``offered``: they are written to the pool's
template only when a pod selects them, so that pools stay shared where nobody cares.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from planner import labels as known
from planner.aims import MinValues, Preferences
from planner.figures import Figures, calibrate, figures_of
from planner.plan import Price
from planner.requirements import Requirement, Requirements
from planner.resources import Resources
from planner.taints import Taint, Toleration, avoided, untolerated

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from planner.catalog import Catalog, Flavor, Region
    from planner.nodes import Node
    from planner.pods import Needs, Preference
    from planner.policy import NodeClass, NodePool, Policy
    from planner.snapshot import DaemonSet

_NOTHING: Mapping[str, str] = MappingProxyType({})
#: What the DaemonSet controller adds to every daemon pod.
DAEMON_TOLERATIONS = tuple(
    Toleration(key=key, operator="Exists", effect=effect)
    for key, effect in (
        ("node.kubernetes.io/not-ready", "NoExecute"), ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"), ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"), ("node.kubernetes.io/unschedulable", "NoSchedule"),
        ("node.kubernetes.io/network-unavailable", "NoSchedule"),
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One kind of node that could be ordered under one NodePool.

    ``barred`` says why its NodePool is not to be used at all: then it holds no pod. It is empty where it may be used.
    """

    node_pool: NodePool
    node_class: NodeClass
    flavor: Flavor
    region: Region
    zone: str
    labels: dict[str, str]
    offered: dict[str, Requirement]
    chosen: tuple[tuple[str, str], ...] = ()
    figures: Figures
    daemonsets: tuple[DaemonSet, ...] = ()
    daemons: Resources = field(default_factory=Resources)
    daemon_ports: frozenset[str] = frozenset()
    barred: str = ""

    @property
    def monthly_billed(self) -> bool:
        return self.node_class.monthly_billed and self.flavor.monthly is not None

    @cached_property
    def hourly(self) -> int:
        return self.flavor.price(monthly_billed=self.monthly_billed)

    @property
    def price(self) -> Price:
        return Price(self.hourly, self.flavor.monthly_price(monthly_billed=self.monthly_billed))

    @cached_property
    def free(self) -> Resources:
        """What pods of the demand can have on one node: allocatable less the daemon sets that will run there."""
        return self.figures.allocatable.minus(self.daemons)

    @property
    def taints(self) -> tuple[Taint, ...]:
        """Taints that last; start-up taints go away by themselves and keep no pod off."""
        return self.node_pool.taints

    @cached_property
    def key(self) -> tuple[str, ...]:
        """Unique and stable: ties between candidates end here."""
        flat = tuple(f"{key}={value}" for key, value in self.chosen)
        return (self.flavor.name, self.zone, self.node_pool.name, *flat)

    def with_labels(self, chosen: tuple[tuple[str, str], ...]) -> Candidate:
        """The same candidate with more labels, and nothing else reckoned anew."""
        return replace(self, labels={**self.labels, **dict(chosen)})

    def choosing(self, chosen: tuple[tuple[str, str], ...]) -> Candidate:
        """The same candidate with some of its offered labels decided: daemon sets may select it by them."""
        if not chosen:
            return self
        return _with_daemons(replace(self, chosen=chosen, labels={**self.labels, **dict(chosen)}), self.daemonsets)


def candidates(
    policy: Policy, catalog: Catalog, region: Region, *, nodes: Iterable[Node], daemonsets: Iterable[DaemonSet],
    min_values: MinValues = MinValues.STRICT,
) -> tuple[Candidate, ...]:  # fmt: skip
    """Every candidate of every NodePool in a region, sorted by key. Only flavors on sale there are among them."""
    daemons = tuple(daemonsets)
    measured = calibrate(nodes)
    found = [
        _with_daemons(one, daemons)
        for node_pool in policy.node_pools
        if (node_class := policy.node_class(node_pool.node_class)) is not None
        for flavor in catalog.flavors
        for zone in region.zones
        if (one := candidate(node_pool, node_class, flavor, region, zone, measured)) is not None
    ]
    barred = _with_bars(found) if min_values is MinValues.STRICT else found
    return tuple(sorted(barred, key=lambda one: one.key))


def _with_bars(found: Sequence[Candidate]) -> list[Candidate]:
    """The same, those barred whose NodePool offers fewer values of a key than its ``minValues`` asks for."""
    by_pool: dict[str, list[Candidate]] = {}
    for one in found:
        by_pool.setdefault(one.node_pool.name, []).append(one)
    bars = {name: too_few_values(mine) for name, mine in by_pool.items()}
    return [replace(one, barred=bar) if (bar := bars[one.node_pool.name]) else one for one in found]


def too_few_values(mine: Sequence[Candidate]) -> str:
    """What ``minValues`` finds too few among all candidates of one NodePool, as a clause; empty where nothing is.

    Karpenter counts the values that are left for one node (its policy Strict). A pool here is of one flavor whatever is
    on offer, so what is counted is the breadth of the NodePool: what it could order in this region.
    """
    for each in mine[0].node_pool.requirements if mine else ():
        values = {value for one in mine for value in _values(each.key, one)} if each.min_values else ()
        if len(values) < each.min_values:
            return f"minValues asks for {each.min_values} values of {each.key}; {len(values)} can be ordered here"
    return ""


def _values(key: str, one: Candidate) -> tuple[str, ...]:
    present = one.labels.get(key)
    offered = one.offered.get(key)
    return (present,) if present is not None else offered.choices() if offered else ()


def candidate(
    node_pool: NodePool,
    node_class: NodeClass,
    flavor: Flavor,
    region: Region,
    zone: str,
    measured: Mapping[str, Figures],
) -> Candidate | None:
    """One NodePool's candidate of this flavor in this zone, or None where its policy does not allow it."""
    if not flavor.sold(region, zone) or refused_by_policy(node_pool, flavor, region, zone):
        return None
    return Candidate(
        node_pool=node_pool, node_class=node_class, flavor=flavor, region=region, zone=zone,
        labels={**template_labels(node_pool, node_class), **ovh_labels(flavor, region, zone)},
        offered=_offered(node_pool, flavor), figures=figures_of(flavor, measured),
    )  # fmt: skip


def refused_by_policy(node_pool: NodePool, flavor: Flavor, region: Region, zone: str) -> tuple[Requirement, ...]:
    """The NodePool requirements that this flavor in this zone does not meet; its template's labels are such too."""
    facts = {
        **ovh_labels(flavor, region, zone), **flavor.labels(), known.CAPACITY_TYPE: known.ON_DEMAND,
        known.NODEPOOL: node_pool.name,
    }  # fmt: skip
    written = (Requirement(key, frozenset({value})) for key, value in node_pool.labels)
    asked = (*node_pool.requirements, *written)
    return tuple(one for one in asked if one.key in facts and not one.allows(facts[one.key]))


def ovh_labels(flavor: Flavor, region: Region, zone: str) -> dict[str, str]:
    """The labels OVHcloud puts on a node by itself (seen on MKS nodes), without its name and pool."""
    own = {
        known.INSTANCE_TYPE: flavor.name, known.ARCH: "amd64", known.OS: "linux", known.ZONE: zone,
        known.REGION: region.name, known.CINDER_ZONE: zone,
        known.OVH_NODE_TYPE: "gpu" if flavor.gpus else "standard",
    }  # fmt: skip
    return own | {old: own[new] for old, new in known.ALIASES.items()}


def template_labels(node_pool: NodePool, node_class: NodeClass) -> dict[str, str]:
    """The labels policy puts on every node: the template's, the node class's tags, and requirements of one value."""
    single = {
        one.key: one.choices()[0]
        for one in node_pool.requirements
        if len(one.choices()) == 1 and one.key not in known.SET_BY_OVH and not _is_offered(one.key)
    }
    return {**single, **dict(node_class.tags), **dict(node_pool.labels)}


def _with_daemons(one: Candidate, daemonsets: tuple[DaemonSet, ...]) -> Candidate:
    mine = [each for each in daemonsets if runs_on(each, one.labels, one.taints)]
    ports = frozenset(port for each in mine for port in each.template.needs.ports)
    overhead = daemon_overhead(mine, one.labels, one.taints)
    return replace(one, daemonsets=daemonsets, daemons=overhead, daemon_ports=ports)


def daemon_overhead(
    daemonsets: Iterable[DaemonSet], labels: Mapping[str, str], taints: Iterable[Taint]
) -> Resources:
    """What the daemon sets that would run on such a node take from it."""
    lasting = tuple(taints)
    return Resources.total(one.template.needs.requests for one in daemonsets if runs_on(one, labels, lasting))


def runs_on(daemonset: DaemonSet, labels: Mapping[str, str], taints: Iterable[Taint]) -> bool:
    """Whether a daemon set puts a pod on a node with these labels and taints."""
    needs = daemonset.template.needs
    if needs.node_names is not None or untolerated(taints, (*needs.tolerations, *DAEMON_TOLERATIONS)):
        return False
    return any(one.allow(labels) for one in needs.alternatives)


def choice_for(needs: Needs, one: Candidate) -> tuple[tuple[str, str], ...] | None:
    """The offered labels to write so that the group may run there; None when it never may.

    The labels by which the group is spread, or by which it looks for other pods, are among them, and what a preferred
    term asks for where the candidate can give it.
    """
    if one.barred or needs.node_names is not None or untolerated(one.taints, needs.tolerations):
        return None
    if one.daemon_ports and one.daemon_ports.intersection(needs.ports):
        return None
    alternatives = needs.alternatives
    if missing := [key for key in needs.node_keys if key not in one.labels]:
        wanted = Requirements(tuple(Requirement(key, complement=True) for key in missing))
        alternatives = tuple(each.intersect(wanted) for each in alternatives)
    possible = (chosen for each in alternatives if (chosen := _choose(each, one)) is not None)
    required = min(possible, key=len, default=None)  # the fewer labels are written, the more pools are shared
    if required is None or not needs.preferences:
        return required
    return _with_preferred(required, needs.preferences, one)


def choices_for(needs: Needs, one: Candidate) -> tuple[tuple[tuple[str, str], ...], ...]:
    """Every choice of offered labels that tells nodes for the group apart: one a domain where it is spread over a label
    of which the policy offers several values. The one of ``choice_for`` is among them; empty where there is none."""
    first = choice_for(needs, one)
    if first is None:
        return ()
    if not needs.spreads and not needs.affinity:
        return (first,)
    found = {first: None}
    spread_over = [key for key in needs.node_keys if key in one.offered and key not in one.labels]
    for key in spread_over:
        for chosen in tuple(found):
            for value in one.offered[key].choices():
                changed = tuple(sorted({**dict(chosen), key: value}.items()))
                if choice_for(needs, one.with_labels(changed)) == ():
                    found[changed] = None
    return tuple(found)


def preference_ranks(
    needs: Needs, candidates: Sequence[Candidate], preferences: Preferences = Preferences.RESPECT
) -> tuple[int, ...]:
    """How well each candidate meets a group's preferences: 0 the best of them, then 1 and so on, equal ones equal.

    A heavier preferred term outweighs all lighter ones together, and to stay off ``PreferNoSchedule`` taints outweighs
    every term: as in Karpenter, to tolerate them is the very last thing that is given up. Inter-pod preferences are
    not looked at.
    """
    if preferences is Preferences.IGNORE:
        return (0,) * len(candidates)
    terms = heaviest_first(needs.preferences)
    misses = [
        (bool(avoided(one.taints, needs.tolerations)), *(not _meets(term, one) for term in terms)) for one in candidates
    ]
    order = {miss: rank for rank, miss in enumerate(sorted(set(misses)))}
    return tuple(order[miss] for miss in misses)


def heaviest_first(preferences: Sequence[Preference]) -> list[Preference]:
    """Terms by weight; those of one weight as they are written."""
    return sorted(preferences, key=lambda one: -one.weight)


def _meets(term: Preference, one: Candidate) -> bool:
    return all(_value_for(each, one) is not None for each in term.requirements.items)


def _with_preferred(
    required: tuple[tuple[str, str], ...], preferences: Sequence[Preference], one: Candidate
) -> tuple[tuple[str, str], ...]:
    """The required labels, and those of each preferred term that goes together with them and with heavier terms."""
    asked = {key for key, _ in required}
    chosen = required
    for term in heaviest_first(preferences):
        more = _choose(term.requirements, one, chosen) or chosen
        # Facts (the capacity type, the size of a flavor) hold whether they are written or not.
        chosen = tuple((key, value) for key, value in more if key in asked or not _is_offered(key))
    return chosen


def unmet(alternative: Requirements, one: Candidate) -> tuple[Requirement, ...]:
    """The requirements of one alternative that the candidate cannot meet, not even with its offered labels."""
    return tuple(each for each in alternative.items if _value_for(each, one) is None)


def _choose(
    alternative: Requirements, one: Candidate, before: tuple[tuple[str, str], ...] = ()
) -> tuple[tuple[str, str], ...] | None:
    """The offered labels that an alternative needs beside those chosen before; None where it cannot be met."""
    chosen = dict(before)
    for each in alternative.items:
        value = _value_for(each, one, chosen)
        if value is None:
            return None
        if value and each.key not in one.labels:
            chosen[each.key] = value
    return tuple(sorted(chosen.items()))


def _value_for(each: Requirement, one: Candidate, chosen: Mapping[str, str] = _NOTHING) -> str | None:
    """The value the label will have, "" where it stays absent, None where the requirement cannot be met."""
    present = one.labels.get(each.key, chosen.get(each.key))
    if present is not None:
        return present if each.allows(present) else None
    if each.absent:
        return ""
    offered = one.offered.get(each.key)
    choices = offered.intersect(each).choices() if offered else ()
    return choices[0] if choices else None


def _offered(node_pool: NodePool, flavor: Flavor) -> dict[str, Requirement]:
    fixed = {known.CAPACITY_TYPE: known.ON_DEMAND, known.NODEPOOL: node_pool.name, **flavor.labels()}
    open_keys = {one.key: one for one in node_pool.requirements if one.key not in known.SET_BY_OVH}
    singles = {key: Requirement(key, frozenset({value})) for key, value in fixed.items() if key not in known.SET_BY_OVH}
    return open_keys | singles


def _is_offered(key: str) -> bool:
    return key in known.OFFERED or key.startswith("karpenter.ovhcloud.sh/")
