"""The schemas that Terraform is told: the provider's settings and the node pool, field by field as in OVHcloud's."""

from __future__ import annotations

from tf import types
from tf.schema import Attribute, Block, NestedBlock, NestMode, Schema, TextFormat

SETTINGS = (
    "access_token", "application_key", "application_secret", "client_id", "client_secret", "consumer_key", "endpoint",
    "user_agent_extra",
)
SENT_ONCE = ("anti_affinity", "flavor_name", "kube_id", "monthly_billed", "name", "service_name", "availability_zones")
"""Attributes that the API takes at creation only: a change of one replaces the pool."""
REQUIRED = ("flavor_name", "kube_id", "service_name")
COUNTS = ("desired_nodes", "max_nodes", "min_nodes")
FLAGS = ("anti_affinity", "autoscale", "monthly_billed")
UNNEEDED, UNREADY, UTILIZATION = (
    "autoscaling_scale_down_unneeded_time_seconds",
    "autoscaling_scale_down_unready_time_seconds",
    "autoscaling_scale_down_utilization_threshold",
)
REPORTED_COUNTS = ("available_nodes", "current_nodes", "up_to_date_nodes")
REPORTED_TEXTS = ("created_at", "flavor", "project_id", "size_status", "status", "updated_at")
TIMEOUTS = ("create", "default", "delete", "read", "update")
TAINT_EFFECTS = ("NoExecute", "NoSchedule", "PreferNoSchedule")


class Nested(NestedBlock):  # type: ignore[misc]
    """A nested block whose values travel as they are, compared whole."""

    def __init__(self, name: str, block: Block, mode: NestMode = NestMode.Set, *, required: bool = False) -> None:
        limit = 1 if mode is NestMode.Set else 0
        super().__init__(name, mode, block, min_items=1 if required else 0, max_items=limit)

    def encode(self, value: object) -> object:
        return value

    def decode(self, value: object) -> object:
        return value

    def semantically_equal(self, a_decoded: object, b_decoded: object) -> bool:
        return bool(a_decoded == b_decoded)


def provider_schema() -> Schema:
    """The provider block's settings; every one is optional."""
    texts = [_attribute(name, types.String(), optional=True) for name in SETTINGS]
    others = [
        _attribute("api_rate_limit", types.Number(), optional=True),
        _attribute("http_headers", types.Map(types.String()), optional=True),
        _attribute("ignore_init_error", types.Bool(), optional=True),
    ]
    return Schema(attributes=[*texts, *others], version=0)


def node_pool_schema(*, project_given: bool) -> Schema:
    """The node pool. ``project_given``: OVH_CLOUD_PROJECT_SERVICE is set, which makes ``service_name`` optional."""
    texts = types.String()
    required = [name for name in REQUIRED if not (project_given and name == "service_name")]
    attributes = [
        *(_attribute(name, texts, required=True) for name in required),
        *([_attribute("service_name", texts, optional=True)] if project_given else []),
        *(_attribute(name, texts, optional=True, computed=True) for name in ("id", "name")),
        *(_attribute(name, types.Bool(), optional=True, computed=True) for name in FLAGS),
        *(
            _attribute(name, types.Number(), optional=True, computed=True)
            for name in (*COUNTS, UNNEEDED, UNREADY, UTILIZATION)
        ),
        _attribute("availability_zones", types.List(texts), optional=True),
        *(_attribute(name, types.Number(), computed=True) for name in REPORTED_COUNTS),
        *(_attribute(name, texts, computed=True) for name in REPORTED_TEXTS),
    ]
    return Schema(attributes=attributes, version=0, block_types=[_template(), _floating_ips(), _timeouts()])


def _attribute(
    name: str, kind: types.TfType, *, required: bool = False, optional: bool = False, computed: bool = False
) -> Attribute:
    return Attribute(
        name, kind, required=required, optional=optional, computed=computed,
        requires_replace=name in SENT_ONCE, description_kind=TextFormat.Plain,
    )


def _template() -> Nested:
    metadata = Block(attributes=[
        _attribute("annotations", types.Map(types.String()), required=True),
        _attribute("finalizers", types.List(types.String()), required=True),
        _attribute("labels", types.Map(types.String()), required=True),
    ])
    spec = Block(attributes=[
        _attribute("taints", types.List(types.Map(types.String())), required=True),
        _attribute("unschedulable", types.Bool(), required=True),
    ])
    parts = [Nested("metadata", metadata, required=True), Nested("spec", spec, required=True)]
    return Nested("template", Block(block_types=parts))


def _floating_ips() -> Nested:
    enabled = _attribute("enabled", types.Bool(), optional=True, computed=True)
    return Nested("attach_floating_ips", Block(attributes=[enabled]))


def _timeouts() -> Nested:
    limits = [_attribute(name, types.String(), optional=True) for name in TIMEOUTS]
    return Nested("timeouts", Block(attributes=limits), NestMode.Single)
