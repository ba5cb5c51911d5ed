"""Everything a plan reads from a cluster or from files that kubectl wrote: the snapshot and the policy."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gitops.cluster.collect import Collection, read_snapshot
from gitops.cluster.files import sources
from gitops.cluster.items import items_of
from gitops.cluster.policies import collect_policy
from gitops.errors import InputError, Place
from planner.policy import Policy
from planner.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gitops.cluster.files import Source
    from gitops.cluster.items import Item
    from gitops.cluster.readings import Readings
    from gitops.decoding import Step

_KINDS = "nodes,pods,daemonsets,pv,pvc,storageclasses,csinodes,pdb,services,priorityclasses,namespaces,limitranges"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What was read. ``unknown_kinds`` counts the objects that were not used, by kubectl's name of their kind."""

    snapshot: Snapshot = field(default_factory=Snapshot)
    policy: Policy = field(default_factory=Policy)
    unknown_kinds: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    policy_items: tuple[Item, ...] = field(default=(), repr=False, compare=False)

    def place(self, kind: str, name: str, path: tuple[Step, ...]) -> Place | None:
        """Where a field of a policy object stands; the nearest one above it that is written."""
        for item in self.policy_items:
            plain = item.body.plain()
            metadata = plain.get("metadata") if isinstance(plain, dict) else None
            if item.kind == kind and isinstance(metadata, dict) and metadata.get("name") == name:
                return item.body.place(path)
        return None


def read_inputs(
    paths: Sequence[Path], *, environment: Mapping[str, str], policy_paths: Sequence[Path] = ()
) -> Inputs:  # fmt: skip
    """Files or folders of Kubernetes YAML and JSON. With ``policy_paths``, the policy comes from these alone.

    A workload of a later path replaces one of the same name; anything else that stands twice must be the same.
    Raises InputError, or InputErrors for a policy with several faults.
    """
    policy_items = file_items(policy_paths) if policy_paths else None
    opened: list[Source] = []
    found = make_inputs(_items_of(paths, opened), environment=environment, policy_items=policy_items)
    for source in opened:
        source.let_go()
    return found


def read_policy(paths: Sequence[Path], environment: Mapping[str, str]) -> Inputs:
    """A policy on its own; objects of other kinds are counted as unknown. Raises InputError or InputErrors."""
    collection = _collection(file_items(paths))
    for kind, items in collection.found.items():
        collection.unknown[items[0].full_kind if items else kind] += len(items)
    policy, warnings = collect_policy(collection.policy, environment)
    return Inputs(
        policy=policy, warnings=warnings, unknown_kinds=collection.unknown_kinds(),
        policy_items=tuple(collection.policy),
    )  # fmt: skip


def file_items(paths: Sequence[Path]) -> Iterable[Item]:
    """Every object in the files and folders."""
    return (item for source in sources(paths) for item in items_of(source))


def _items_of(paths: Sequence[Path], opened: list[Source]) -> Iterable[Item]:
    """As ``file_items``; files are added to ``opened`` on the way."""
    for source in sources(paths):
        opened.append(source)
        yield from items_of(source)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Nothing of what is being read is garbage, and to look for some again and again takes a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_without_collection()
def make_inputs(
    items: Iterable[Item], *, environment: Mapping[str, str], policy_items: Iterable[Item] | None = None,
    readings: Readings | None = None,
) -> Inputs:  # fmt: skip
    """From objects of files and of a live cluster alike; ``readings`` as for ``read_snapshot``."""
    collection = _collection(items)
    given = collection.policy
    warnings: tuple[str, ...] = ()
    if policy_items is not None:
        given = _collection(policy_items).policy
        if collection.policy:
            warnings = (f"{len(collection.policy)} policy objects of the snapshot are not used: a policy was given",)
    policy, found = collect_policy(given, environment)
    return Inputs(
        snapshot=read_snapshot(collection, readings), policy=policy, unknown_kinds=collection.unknown_kinds(),
        warnings=(*warnings, *found), policy_items=tuple(given),
    )  # fmt: skip


def require_nodes(inputs: Inputs, paths: Sequence[Path]) -> None:
    """Raises InputError where files hold no Node: what runs already could not be told from what is missing."""
    if not inputs.snapshot.nodes:
        raise InputError(
            "a snapshot without a Node cannot be planned safely; plan a cluster that has none yet without --snapshot, "
            f"or export nodes too: kubectl get {_KINDS} -A -o json",
            place=Place(", ".join(str(path) for path in paths)) if paths else None,
        )


def _collection(items: Iterable[Item]) -> Collection:
    collection = Collection()
    for item in items:
        collection.add(item)
    return collection
