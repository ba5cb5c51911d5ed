"""Pools and plans as hypothesis makes them, with texts that mean something to HCL, YAML, Markdown or a terminal."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st

from planner.canonical import digest_of
from planner.diff import action_for
from planner.plan import (
    Action,
    Certificate,
    Change,
    Cost,
    Evidence,
    ExpectedNode,
    Pending,
    PlacedNode,
    Plan,
    Price,
    Reason,
    Refusal,
    Unplaced,
)
from planner.pods import Owner
from planner.pools import Pool, PoolName, PoolSet, ProviderState
from planner.resources import Resources
from planner.taints import EFFECTS, Taint

_PIECES = [
    "${", "%{", "$", "%", "}", '"', "\\", "\\n", "\n", "\r\n", "\t", "\0", "\x1b[31m", "\u202e", "\u2028", "\x85",
    "\ufeff", "é", "漢", "😀", "'", "`", "|", "#", "@all", "//", "/*", "<b>", "](x)", "*", "_", " ", ":", "- ", "yes",
    "null", "~", "1e3", "0x1", "{", "[", "=", ",", "for", "x\u0301", "<<EOF", "---", "&a", "!t", "https://x.example",
    "fixes #1", "/approve", "1. ", "+ ",
]  # fmt: skip

#: For laws about whole plans: each of them is large.
few_examples = settings(max_examples=30)
#: Terraform keeps strings in Unicode's composed form.
texts = st.one_of(
    st.lists(st.sampled_from(_PIECES), max_size=6).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
).map(lambda text: unicodedata.normalize("NFC", text))
names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).filter(
    lambda name: name != "kustomization"
)
maps = st.dictionaries(texts, texts, max_size=3)
pairs = maps.map(lambda mapping: tuple(sorted(mapping.items())))
taints = st.builds(Taint, texts, texts, st.sampled_from(EFFECTS))
sizes = st.integers(0, 100)
few_texts = st.lists(texts, max_size=3).map(tuple)

pools = st.builds(
    Pool, name=names.map(PoolName), flavor=texts, zones=few_texts, desired=sizes, minimum=sizes, maximum=sizes,
    monthly_billed=st.booleans(), anti_affinity=st.booleans(), autoscale=st.booleans(), labels=pairs, annotations=pairs,
    taints=st.lists(taints, max_size=2).map(tuple), finalizers=few_texts, unschedulable=st.booleans(),
)  # fmt: skip
few_pools = st.lists(pools, max_size=2, unique_by=lambda pool: pool.name)
pool_sets = st.lists(pools, max_size=4, unique_by=lambda pool: pool.name).map(PoolSet.of)

prices = st.builds(Price, st.integers(0, 10**12), st.integers(0, 10**14))
owners = st.builds(Owner, texts, texts, texts)
amounts = st.dictionaries(st.sampled_from(["cpu", "memory", "pods"]), st.integers(0, 2**50)).map(Resources.of)
refusals = st.builds(Refusal, node_pool=texts, filter=texts, detail=texts)
unplaced = st.builds(
    Unplaced, pods=few_texts, owner=st.none() | owners, reasons=st.lists(refusals, max_size=2).map(tuple)
)
digests = st.integers().map(digest_of)
certificates = st.builds(
    lambda left, survived, stopped, premium: Certificate(
        orders=left + survived, survived=survived, stopped=stopped, premium=premium
    ),
    st.integers(0, 9), st.integers(0, 9), st.booleans(), sizes,
)  # fmt: skip
pendings = st.builds(Pending, pods=sizes, since=texts, newest=texts)


@st.composite
def placements(draw: st.DrawFn) -> tuple[PlacedNode, ...]:
    """Nodes of different names; a node's hostname label is its name."""
    found = []
    for name in draw(st.lists(texts, max_size=3, unique=True)):
        labels = tuple(sorted({**draw(maps), "kubernetes.io/hostname": name}.items()))
        look = ExpectedNode(labels=labels, capacity=draw(amounts), allocatable=draw(amounts), source=draw(texts))
        expected = draw(st.sampled_from([None, look]))
        found.append(PlacedNode(name=name, pool=draw(texts), pods=draw(few_texts), expected=expected))
    return tuple(found)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Some pools stay, some change, some go, some are new and some change hands; the rest at will."""
    before = draw(few_pools)
    declared = PoolSet.of(before)
    fates = [draw(st.sampled_from([pool, None, replace(draw(pools), name=pool.name)])) for pool in before]
    kept = [pool for pool in fates if pool is not None]
    fresh = [pool for pool in draw(few_pools) if pool.name not in declared.names()]
    desired = PoolSet.of([*kept, *fresh])
    handed = {
        str(pool.name): draw(_handovers(pool)) for pool in declared
        if desired.get(pool.name) == pool and draw(st.booleans())
    }  # fmt: skip
    changes = [
        handed.get(name) or draw(_changes(declared.get(name), desired.get(name)))
        for name in sorted(declared.names() | desired.names())
    ]
    declared = PoolSet.of(pool for pool in declared if _stays(handed.get(pool.name), Action.IMPORT))
    desired = PoolSet.of(pool for pool in desired if _stays(handed.get(pool.name), Action.RELEASE))
    return Plan(
        declared=declared, desired=desired, changes=tuple(one for one in changes if one.action is not Action.NOOP),
        placements=draw(placements()), unplaced=tuple(draw(st.lists(unplaced, max_size=2))), warnings=draw(few_texts),
        cost=Cost(currency=draw(texts), before=draw(prices), after=draw(prices), lower_bound_hourly=draw(sizes)),
        certificate=draw(st.none() | certificates), pending=draw(pendings),
        evidence=draw(st.builds(
            Evidence, snapshot=digests, policy=digests, catalog=digests, pools=digests, now=texts, prices=texts
        )),
    )  # fmt: skip


def _stays(change: Change | None, action: Action) -> bool:
    return change is None or change.action is not action


@st.composite
def _handovers(draw: st.DrawFn, pool: Pool) -> Change:
    """A pool that is there, and comes under management or is let go of."""
    before = replace(pool, state=ProviderState(id="a-b-c"))
    action, price = draw(st.sampled_from([Action.IMPORT, Action.RELEASE])), draw(prices)
    return Change(
        pool=pool.name, action=action, before=before, after=pool, cost_before=price, cost_after=price,
        reasons=tuple(draw(st.lists(st.builds(Reason, texts, texts), max_size=2))),
    )  # fmt: skip


@st.composite
def _changes(draw: st.DrawFn, before: Pool | None, after: Pool | None) -> Change:
    action, forcing = action_for(before, after)
    known = after or before
    identity = draw(st.sampled_from(["", "a-b-c"]))
    if before and identity:
        before = replace(before, state=ProviderState(id=identity))
    return Change(
        pool=known.name if known else PoolName(""), action=action, before=before, after=after, forces_replace=forcing,
        reasons=tuple(draw(st.lists(st.builds(Reason, texts, texts), max_size=2))), victims=draw(few_texts),
        pods=tuple(draw(st.lists(st.tuples(owners, st.integers(1, 9)), max_size=2))), cost_before=draw(prices),
        cost_after=draw(prices), priority=draw(st.integers(-(2**31), 2**31)),
    )  # fmt: skip
