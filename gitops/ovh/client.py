"""The calls that poolplan makes to the OVH API, typed. How a call travels and fails is left to ``transport``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol, TypeVar
from urllib.parse import quote, urlencode

from gitops.decoding import Misfit, convert
from gitops.errors import InputError, Refused
from gitops.ovh import pools as wire
from gitops.ovh.answers import Account, Cluster, Credential, KubeFlavor, ProjectFlavor, ProviderNode, Quota, RegionEntry
from gitops.ovh.failures import CallRefused, RightMissing
from gitops.ovh.prices import OrderCatalogEntry, PriceList, price_list
from gitops.ovh.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gitops.clock import Clock
    from gitops.ovh.credentials import Credentials
    from gitops.ovh.transport import Caller
    from gitops.tally import Tally
    from planner.catalog import Region
    from planner.pools import Pool, PoolSet

T = TypeVar("T")
N = TypeVar("N", bound="Named")
FEW_POOLS = 3
"""Of so many pools the nodes are asked for pool by pool."""
_PROJECT = re.compile("[0-9a-f]{32}")
_EXAMPLE = "11111111-2222-3333-4444-555555555555"
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Named(Protocol):
    """Whatever is listed by name."""

    @property
    def name(self) -> str: ...


class OvhClient:
    """One project, and one cluster of it unless ``kube_id`` is empty. Every method raises PoolplanError alone."""

    def __init__(self, caller: Caller, *, service_name: str, kube_id: str = "") -> None:
        if not _PROJECT.fullmatch(service_name):
            raise InputError(f"OVH_SERVICE_NAME {service_name!r} is not a project id of 32 hexadecimal digits")
        if kube_id and not _UUID.fullmatch(kube_id):
            raise InputError(f"OVH_KUBE_ID {kube_id!r} is not a cluster id, a UUID like {_EXAMPLE}")
        self._caller = caller
        self.service_name = service_name
        self.kube_id = kube_id

    @classmethod
    def connect(
        cls, credentials: Credentials, *, service_name: str, kube_id: str = "", clock: Clock, tally: Tally | None = None
    ) -> OvhClient:
        """A client over HTTP. Nothing is sent yet."""
        return cls(Transport(credentials, clock, tally), service_name=service_name, kube_id=kube_id)

    def of_cluster(self, kube_id: str) -> OvhClient:
        """The same caller and project, for that cluster."""
        return OvhClient(self._caller, service_name=self.service_name, kube_id=kube_id)

    # --- node pools

    def pools(self) -> PoolSet:
        """The observed pools."""
        return self._get(self._cluster_path("/nodepool"), wire.pools_of)

    def pool(self, pool_id: str) -> Pool:
        """One pool. Raises NotFound when it is gone."""
        return self._get(self._pool_path(pool_id), wire.pool_of)

    def nodes(self, pool_id: str) -> tuple[ProviderNode, ...]:
        """The pool's nodes by name, those on their way out among them."""
        nodes = self._get(self._pool_path(pool_id) + "/nodes", _many(ProviderNode))
        return tuple(sorted(nodes, key=lambda node: (node.name, node.id)))

    def nodes_by_pool(self, pool_ids: Sequence[str]) -> dict[str, tuple[ProviderNode, ...]]:
        """The same for several pools, by their ids: of many pools by one call, where there is a right to it."""
        if len(pool_ids) > FEW_POOLS:
            try:
                found = self._get(self._cluster_path("/node"), _many(ProviderNode))
            except RightMissing:
                found = None
            if found is not None:
                ordered = sorted(found, key=lambda node: (node.name, node.id))
                return {one: tuple(node for node in ordered if node.node_pool_id == one) for one in pool_ids}
        return {one: self.nodes(one) for one in pool_ids}

    def create_pool(self, pool: Pool) -> Pool:
        """Order a pool; the answer has its id. Its nodes join later."""
        path = self._cluster_path("/nodepool")
        answer = self._caller.call("POST", path, body=wire.encode_creation(pool))
        return self._understood(f"POST {path}", answer, wire.pool_of)

    def update_pool(self, before: Pool, after: Pool, *, nodes_to_remove: Sequence[str] = ()) -> None:
        """Change a pool in place; nothing is sent when nothing changes. ``nodes_to_remove`` are ids, not names."""
        body = wire.encode_update(before, after, nodes_to_remove)
        if body:
            self._caller.call("PUT", self._pool_path(before.state.id if before.state else ""), body=body)

    def delete_pool(self, pool_id: str) -> None:
        """Order the deletion of a pool and all its nodes. Raises NotFound when it is gone already."""
        self._caller.call("DELETE", self._pool_path(pool_id))

    # --- clusters

    def cluster(self) -> Cluster:
        """The cluster: region, plan, version."""
        return self._get(self._cluster_path(""), _cluster)

    def cluster_ids(self) -> tuple[str, ...]:
        """The project's clusters."""
        return tuple(sorted(self._get(self._project_path("/kube"), _many(str))))

    # --- what can be ordered

    def cluster_flavors(self) -> tuple[KubeFlavor, ...]:
        """The flavors that the cluster takes."""
        return _by_name(self._get(self._cluster_path("/flavors"), _many(KubeFlavor)))

    def flavors(self, region: str) -> tuple[KubeFlavor, ...]:
        """The flavors that clusters of a region take."""
        query = urlencode({"region": region})
        return _by_name(self._get(self._project_path(f"/capabilities/kube/flavors?{query}"), _many(KubeFlavor)))

    def regions(self) -> tuple[str, ...]:
        """The regions that have managed Kubernetes."""
        return tuple(sorted(self._get(self._project_path("/capabilities/kube/regions"), _many(str))))

    def region(self, name: str) -> Region:
        """A region with its zones."""
        return self._get(self._project_path(f"/region/{_quoted(name)}"), _one(RegionEntry)).region()

    def project_flavors(self, region: str) -> tuple[ProjectFlavor, ...]:
        """Disk sizes and order plans of the region's flavors for Linux."""
        found = self._get(self._project_path(f"/flavor?{urlencode({'region': region})}"), _many(ProjectFlavor))
        return _by_name([flavor for flavor in found if flavor.os_type == "linux"])

    def quota(self, region: str) -> Quota:
        """What the project may use in a region."""
        return self._get(self._project_path(f"/region/{_quoted(region)}/quota"), _one(Quota))

    def catalog_prices(self, subsidiary: str) -> PriceList:
        """The public order catalog of a subsidiary (FR, CA, US …); no right is needed."""
        path = f"/order/catalog/public/cloud?{urlencode({'ovhSubsidiary': subsidiary})}"
        answer = self._caller.call("GET", path, signed=False)
        return price_list(self._understood(f"GET {path}", answer, _one(OrderCatalogEntry)))

    def credential(self) -> Credential:
        """The consumer key in use, with the rights it was made with; IAM policies may take some away or add some."""
        return self._get("/auth/currentCredential", _one(Credential))

    def me(self) -> Account:
        """The account."""
        return self._get("/me", _one(Account))

    def _get(self, path: str, decode: Callable[[object], T]) -> T:
        return self._understood(f"GET {path}", self._caller.call("GET", path), decode)

    @staticmethod
    def _understood(call: str, answer: object, decode: Callable[[object], T]) -> T:
        try:
            return decode(answer)
        except Misfit as misfit:
            name = call.partition("?")[0]
            raise CallRefused(f"poolplan does not understand the answer to {name}: {misfit}") from None

    def _project_path(self, rest: str) -> str:
        return f"/cloud/project/{self.service_name}{rest}"

    def _cluster_path(self, rest: str) -> str:
        if not self.kube_id:
            raise InputError("no cluster is named; set OVH_KUBE_ID")
        return self._project_path(f"/kube/{self.kube_id}{rest}")

    def _pool_path(self, pool_id: str) -> str:
        if not pool_id:
            raise Refused("a pool without an id cannot be asked for: only an observed pool has one")
        return self._cluster_path(f"/nodepool/{_quoted(pool_id)}")


def _one(kind: type[T]) -> Callable[[object], T]:
    return lambda value: convert(value, kind)


def _many(kind: type[T]) -> Callable[[object], list[T]]:
    return lambda value: convert(value, list[kind])  # type: ignore[valid-type]


def _cluster(value: object) -> Cluster:
    given = {**value, "plan": value.get("plan") or "free"} if isinstance(value, dict) else value
    return convert(given, Cluster)


def _by_name(items: Sequence[N]) -> tuple[N, ...]:
    return tuple(sorted(items, key=lambda item: item.name))


def _quoted(part: str) -> str:
    return quote(part, safe="")
