"""Decides what a change of configuration does to a node pool: the planned values, and what forces a new pool; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gitops.sandbox.provider.schema import SENT_ONCE, UTILIZATION
from gitops.sandbox.provider.values import State, blunt_template, from_number, known_parts, same_template

if TYPE_CHECKING:
    from collections.abc import Mapping

DECIDED_BY_API = (
    "anti_affinity", "attach_floating_ips", "autoscale", "autoscaling_scale_down_unneeded_time_seconds",
    "autoscaling_scale_down_unready_time_seconds", UTILIZATION, "available_nodes", "created_at", "current_nodes",
    "desired_nodes", "flavor", "id", "max_nodes", "min_nodes", "monthly_billed", "name", "project_id", "size_status",
    "status", "up_to_date_nodes", "updated_at",
)

LISTS = ("attach_floating_ips", "availability_zones")


def plan_creation(proposed: Mapping[str, Any], *, project: str | None, unknown: object) -> State:
    """The values of a new pool: what the configuration leaves to the API is ``unknown`` until it is made."""
    planned = _with_project(proposed, project)
    planned |= {name: unknown for name in DECIDED_BY_API if planned.get(name) in (None, [])}
    return planned | {"template": blunt_template(known_parts(planned, "template"))}


def plan_update(
    prior: Mapping[str, Any], proposed: Mapping[str, Any], *, project: str | None
) -> tuple[State, tuple[str, ...]]:
    """The values of a pool after the change, and the attributes whose change replaces it.

    Reported values (status, counts, dates) stay as they were read: the real provider plans no change of them.
    """
    planned = _with_project(proposed, project)
    planned |= {name: prior[name] for name in LISTS if not planned.get(name) and _may_be_left_out(name, prior)}
    template = known_parts(planned, "template")
    same = same_template(template, known_parts(prior, "template"))
    planned["template"] = prior.get("template") if same else blunt_template(template)
    if from_number(planned.get(UTILIZATION)) == from_number(prior.get(UTILIZATION)):
        planned[UTILIZATION] = prior.get(UTILIZATION)
    return planned, tuple(name for name in sorted(SENT_ONCE) if planned.get(name) != prior.get(name))


def _may_be_left_out(name: str, prior: Mapping[str, Any]) -> bool:
    """Whether leaving ``name`` out keeps what the pool has: floating addresses always, zones only when it has none."""
    return name == "attach_floating_ips" or not prior.get(name)


def _with_project(proposed: Mapping[str, Any], project: str | None) -> State:
    return {**proposed, "service_name": proposed.get("service_name") or project}
