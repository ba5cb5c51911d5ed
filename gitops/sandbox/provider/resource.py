"""The node pool resource as the framework wants it: schema, validation, import, and errors as diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tf.iface import Resource
from tf.types import Unknown

from gitops.environment import environment
from gitops.sandbox.provider import NODE_POOL
from gitops.sandbox.provider.api import ApiError
from gitops.sandbox.provider.schema import TAINT_EFFECTS, node_pool_schema
from gitops.sandbox.provider.values import known_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tf.schema import Schema
    from tf.utils import Diagnostics

    from gitops.sandbox.provider.pools import Pools
    from gitops.sandbox.provider.values import State

PROJECT_VARIABLE = "OVH_CLOUD_PROJECT_SERVICE"


class NodePoolResource(Resource):  # type: ignore[misc]
    """One node pool. ``provider`` is what serves it, and gives the pools of the configured account."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    @classmethod
    def get_name(cls) -> str:
        return NODE_POOL.removeprefix("ovh_")

    @classmethod
    def get_schema(cls) -> Schema:
        return node_pool_schema(project_given=bool(environment().get(PROJECT_VARIABLE)))

    def validate(self, diags: Diagnostics, type_name: str, config: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Taints must be complete before anything is planned; the rest is the API's to judge."""
        for problem in _taint_problems(config):
            diags.add_error(problem)

    def create(self, ctx: Any, planned: State) -> State | None:
        return self._attempt(ctx, lambda pools: pools.create(planned), otherwise=None)

    def read(self, ctx: Any, current: State) -> State | None:
        return self._attempt(ctx, lambda pools: pools.read(current), otherwise=current)

    def update(self, ctx: Any, current: State, planned: State) -> State | None:
        return self._attempt(ctx, lambda pools: pools.update(current, planned), otherwise=current)

    def delete(self, ctx: Any, current: State) -> State | None:
        return self._attempt(ctx, lambda pools: pools.delete(current), otherwise=current)

    def import_(self, ctx: Any, id: str) -> State | None:  # noqa: A002 - named by the framework
        """``service/cluster/pool`` -> a state that the next read fills."""
        parts = id.split("/", 2)
        if len(parts) != 3:
            ctx.diagnostics.add_error("import Id is not service_name/kubeid/poolid formatted")
            return None
        schema = self.get_schema()
        empty: State = {attribute.name: None for attribute in schema.attributes}
        empty |= {"template": [], "attach_floating_ips": [], "timeouts": None}
        return empty | dict(zip(("service_name", "kube_id", "id"), parts, strict=True))

    def _attempt(
        self, ctx: Any, act: Callable[[Pools], State | None], *, otherwise: State | None
    ) -> State | None:
        try:
            return act(self._provider.pools())
        except ApiError as error:
            ctx.diagnostics.add_error(str(error))
            return otherwise


def _taint_problems(config: Mapping[str, Any]) -> list[str]:
    """What is wrong with the taints that are known already."""
    specs = [spec for block in known_parts(config, "template") for spec in known_parts(block, "spec")]
    taints = [taint for spec in specs for taint in known_parts(spec, "taints")]
    return [problem for taint in taints for problem in _problems_of(taint)]


def _problems_of(taint: Mapping[str, Any]) -> list[str]:
    missing = [f"{name} attribute is mandatory for taint" for name in ("key", "effect") if taint.get(name) is None]
    effect = taint.get("effect")
    if missing or effect is Unknown or effect in TAINT_EFFECTS:
        return missing
    return [f"effect: {effect} is not an allowable taint effect, which are {', '.join(TAINT_EFFECTS)}"]
