"""Collects everything a plan is made from: snapshot, policy, catalog and pools, from files or from the live world.

A read that fails raises; nothing here ever turns a failure into an empty answer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from gitops.errors import InputError, InputErrors
from gitops.tally import Tally
from planner import labels as known
from planner.aims import Aims
from planner.errors import ValueRefused
from planner.policy import Policy
from planner.pools import NODES_PER_POOL, Pool, PoolName, PoolSet, ProviderState
from planner.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from gitops.clock import Clock
    from gitops.cluster.connection import KubernetesApi
    from gitops.cluster.inputs import Inputs as ReadPolicy
    from gitops.ovh.client import OvhClient
    from planner.catalog import Catalog
    from planner.decide import Inputs
    from planner.nodes import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where to read from. No ``snapshots`` means the live cluster; no ``pools`` file means the OVH API or the nodes.

    ``usual_plan`` is the cluster's OVH plan where neither ``cluster_plan`` nor the API says it; ``aims`` is what the
    plan is to be good at. ``live`` tells the live cluster as it is now, where it is followed already.
    """

    snapshots: tuple[Path, ...] = ()
    kubeconfig: str = ""
    context: str = ""
    policies: tuple[Path, ...] = ()
    catalog: Path | None = None
    pools: Path | None = None
    region: str = ""
    cluster_plan: str = ""
    usual_plan: str = "standard"
    aims: Aims = field(default_factory=Aims)
    live: Callable[[], ReadPolicy] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run may use of the world besides files: variables, the clock, where remarks go, and where calls count."""

    environment: Mapping[str, str]
    clock: Clock
    remark: Callable[[str], None]
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The provider's side: what the API says, or what had to be taken from elsewhere."""

    pools: PoolSet
    region: str = ""
    cluster_plan: str = ""
    remarks: tuple[str, ...] = field(default=())


def gather(
    sources: Sources, around: Surroundings, *, declared: PoolSet | None = None, policy: ReadPolicy | None = None
) -> Inputs:
    """All inputs of a plan. ``declared`` and ``policy`` come from Git where they are given.

    Raises InputError for a policy under which nothing could ever be ordered.
    """
    from planner.decide import Inputs  # noqa: PLC0415 - loads numpy and HiGHS

    snapshot, found = read_cluster(sources, around)
    written = _policy(sources, found) if policy is None else policy
    catalog = read_catalog(sources, around)
    cluster = read_pools(sources, around, written.policy, snapshot)
    for remark in cluster.remarks:
        around.remark(remark)
    inputs = Inputs(
        snapshot=snapshot, policy=written.policy, catalog=catalog,
        declared=managed(cluster.pools) if declared is None else declared, observed=cluster.pools,
        region=sources.region or around.environment.get("OVH_REGION", "") or cluster.region,
        cluster_plan=sources.cluster_plan or cluster.cluster_plan or sources.usual_plan,
        aims=sources.aims,
    )  # fmt: skip
    _refuse_empty(inputs, written)
    return inputs


def _refuse_empty(inputs: Inputs, written: ReadPolicy) -> None:
    """Raises InputError where the region is unknown, or where no NodePool leaves any flavor at all."""
    from planner.coverage import find_gaps  # noqa: PLC0415 - as above
    from planner.decide import find_region  # noqa: PLC0415 - as above

    for one in inputs.policy.node_classes:
        if one.region and inputs.catalog.region(one.region) is None:
            listed = ", ".join(each.name for each in inputs.catalog.regions)
            text = f"region {one.region} is not in the catalog, which knows {listed}; poolplan catalog writes another"
            place = written.place("OVHNodeClass", one.name, ("spec", "region"))
            raise InputError(f"{text} (in OVHNodeClass {one.name})", place=place, path="spec.region")
    try:
        gaps = find_gaps(inputs.policy, inputs.catalog, find_region(inputs))
    except ValueRefused as error:
        raise InputError(str(error)) from error
    empty = [gap for gap in gaps if gap.total]
    if len(empty) < len(inputs.policy.node_pools):
        return
    path = ("spec", "template", "spec", "requirements")
    remedy = "correct the policy, or name another --catalog"
    errors = [
        InputError(
            f"{gap.text}; {remedy} (in NodePool {gap.node_pool})", path=".".join(path),
            place=written.place("NodePool", gap.node_pool, path),
        )
        for gap in empty
    ]  # fmt: skip
    raise errors[0] if len(errors) == 1 else InputErrors(errors)


def read_cluster(sources: Sources, around: Surroundings) -> tuple[Snapshot, ReadPolicy]:
    """The snapshot and the policy objects found with it."""
    from gitops.cluster import read_inputs, require_nodes  # noqa: PLC0415 - msgspec and ruamel load here

    if sources.live is not None:
        found = sources.live()
    elif sources.snapshots:
        found = read_inputs(sources.snapshots, environment=around.environment, policy_paths=sources.policies)
        require_nodes(found, sources.snapshots)
    else:
        from gitops.cluster.live import read_cluster as read_live  # noqa: PLC0415 - only without files

        api = connect_cluster(sources, around)
        found = read_live(api, environment=around.environment, policy_paths=sources.policies)
    for warning in found.warnings:
        around.remark(warning)
    if found.unknown_kinds:
        listed = ", ".join(f"{count} × {kind}" for kind, count in sorted(found.unknown_kinds.items()))
        around.remark(f"left out, because no plan depends on them: {listed}")
    return found.snapshot, found


def connect_cluster(sources: Sources, around: Surroundings) -> KubernetesApi:
    """The live cluster. Raises Stalled where there is none."""
    from gitops.cluster.connection import connect as connect_to  # noqa: PLC0415 - loads the kubernetes package

    kubeconfig = Path(sources.kubeconfig) if sources.kubeconfig else None
    return connect_to(around.environment, kubeconfig=kubeconfig, context=sources.context or None, tally=around.tally)


def read_catalog(sources: Sources, around: Surroundings) -> Catalog:
    """The catalog of ``--catalog``, else the bundled one."""
    if sources.catalog is not None:
        from gitops.catalogs.files import read_catalog as read  # noqa: PLC0415 - loads ruamel

        return read(sources.catalog, warn=around.remark)
    from gitops.catalogs.bundle import bundled  # noqa: PLC0415 - read only when needed

    return bundled()


def read_pools(sources: Sources, around: Surroundings, policy: Policy, snapshot: Snapshot) -> Cluster:
    """The observed pools: of ``--pools``, else of the OVH API where there are credentials, else off the nodes."""
    if sources.pools is not None:
        from gitops.ovh.pools import read_pools as read  # noqa: PLC0415 - loads msgspec

        return Cluster(pools=read(sources.pools))
    if has_credentials(around.environment):
        live = None if sources.snapshots else snapshot.nodes
        return _from_api(connect(around, policy), live, around.clock.now())
    remark = "no --pools and no OVH credentials: pools are taken from the nodes' labels, nodes on order are not known"
    return Cluster(pools=pools_of_nodes(snapshot.nodes), remarks=(remark,))


def has_credentials(environment: Mapping[str, str]) -> bool:
    """Whether the environment holds all three keys."""
    return all(environment.get(f"OVH_{key}") for key in ("APPLICATION_KEY", "APPLICATION_SECRET", "CONSUMER_KEY"))


def connect(around: Surroundings, policy: Policy = Policy()) -> OvhClient:  # noqa: B008 - an immutable value
    """A client for the project and cluster that the environment, else the node classes, name."""
    from gitops.ovh.client import OvhClient  # noqa: PLC0415 - loads the ovh package
    from gitops.ovh.credentials import credentials_from  # noqa: PLC0415 - likewise

    named = {one.service_name for one in policy.node_classes if one.service_name}
    kubes = {one.kube_id for one in policy.node_classes if one.kube_id}
    service_name = around.environment.get("OVH_SERVICE_NAME") or _only(named, "serviceName")
    kube_id = around.environment.get("OVH_KUBE_ID") or _only(kubes, "kubeId")
    if not service_name:
        raise InputError("the OVH project is unknown: set OVH_SERVICE_NAME, or spec.serviceName in the OVHNodeClass")
    credentials = credentials_from(around.environment)
    return OvhClient.connect(
        credentials, service_name=service_name, kube_id=kube_id, clock=around.clock, tally=around.tally
    )


def pools_of_nodes(nodes: tuple[Node, ...]) -> PoolSet:
    """The pools that the nodes' labels speak of: as many nodes desired as there are, the labels they all carry."""
    by_pool: dict[str, list[Node]] = {}
    for node in nodes:
        if node.pool and not node.deleting:
            by_pool.setdefault(node.pool, []).append(node)
    return PoolSet.of(_pool_of_nodes(name, members) for name, members in by_pool.items())


def _pool_of_nodes(name: str, members: list[Node]) -> Pool:
    zone = members[0].label_map.get(known.ZONE, "")
    shared = set.intersection(*(set(node.labels) for node in members))
    taints = set.intersection(*(set(node.lasting_taints) for node in members))
    return Pool(
        name=PoolName(name), flavor=members[0].flavor, desired=len(members), maximum=NODES_PER_POOL,
        zones=(zone,) if zone and zone != known.ONE_ZONE else (),
        labels=tuple(sorted((key, value) for key, value in shared if _is_own(key))),
        taints=tuple(sorted(taints)),
        state=ProviderState(current_nodes=len(members), available_nodes=len(members)),
    )  # fmt: skip


def _is_own(key: str) -> bool:
    domain = key.partition("/")[0]
    return key not in known.SET_BY_OVH and not domain.endswith(("kubernetes.io", "k8s.io", "k8s.ovh", "openstack.org"))


def _policy(sources: Sources, found: ReadPolicy) -> ReadPolicy:
    if not found.policy.node_pools:
        named = ", ".join(str(path) for path in sources.policies)
        remedy = f"{named} holds none" if named else "give the policy with --policy, or have it in the snapshot"
        if not named and not sources.snapshots:
            remedy = "create one in the cluster, or have plan read it from files with --policy"
        raise InputError(f"there is no NodePool: {remedy}")
    return found


def _from_api(client: OvhClient, nodes: tuple[Node, ...] | None, now: datetime) -> Cluster:
    from gitops.ovh.broken import with_broken  # noqa: PLC0415 - only with the API
    from gitops.ovh.discover import find_cluster  # noqa: PLC0415 - likewise

    cluster = find_cluster(client, nodes or ())
    client = client.of_cluster(cluster.id)
    pools = with_broken(client.pools(), client, nodes, now)
    return Cluster(pools=pools, region=cluster.region, cluster_plan=cluster.plan or "free")


def _only(values: set[str], field_name: str) -> str:
    if len(values) > 1:
        listed = ", ".join(sorted(values))
        raise InputError(f"the OVHNodeClass objects name several {field_name}: {listed}; a cluster has one")
    return next(iter(values), "")


def managed(pools: PoolSet) -> PoolSet:
    """The pools that poolplan may change: what counts as declared where no repository says it."""
    from planner.ownership import is_managed  # noqa: PLC0415 - as above

    return PoolSet.of(pool for pool in pools if is_managed(pool))
