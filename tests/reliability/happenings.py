"""What people and machines do to a cluster between two steps of an apply. Each raises Impossible where it cannot be."""

from __future__ import annotations

import fcntl
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from gitops.sandbox.cluster.patches import MERGE
from gitops.sandbox.cluster.store import Key
from gitops.sandbox.refusals import ApiError
from tests.gitops.plans import pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from planner.pools import Pool
    from tests.reliability.scene import Site


class Impossible(Exception):
    """It cannot happen any more: the pool is busy, or what it is about is gone."""


def a_pod(name: str, on: str, uid: str) -> Any:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": uid, "controller": True}
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}, "ownerReferences": [owner]},
        "spec": {"nodeName": on, "containers": [{"name": "main", "image": "pause"}],
                 "terminationGracePeriodSeconds": 30},
        "status": {"phase": "Running"},
    }  # fmt: skip


def victims(site: Site, name: str) -> tuple[str, ...]:
    return next(one.victims for one in site.kept.plan.changes if one.pool == name)


def _take_out(site: Site, node: str) -> None:
    there = {str(one["name"]): str(one["id"]) for one in site.model.list_nodes()}
    try:
        site.model.delete_node(there[node])
    except (ApiError, KeyError) as error:
        raise Impossible from error
    site.tick()


def _there(site: Site, name: str) -> Pool:
    found = site.pools().get(name)
    if found is None or found.state is None or found.state.status != "READY":
        raise Impossible
    return found


def _resize(site: Site, name: str, by: int) -> None:
    before = _there(site, name)
    site.client().update_pool(before, before.resized(before.desired + by))


def _victim_gone(site: Site) -> None:
    _take_out(site, victims(site, "shrinks")[0])


def _other_gone(site: Site) -> None:
    gone = victims(site, "shrinks")
    others = sorted(one for one in site.nodes() if one.startswith("shrinks") and one not in gone)
    _take_out(site, others[0])
    site.lost |= {others[0]}


def _pod_comes(site: Site) -> None:
    (node,) = victims(site, "goes")
    open_nodes = {one["metadata"]["name"] for one in site.cluster.listing("nodes")} - site.unschedulable()  # type: ignore[index,call-overload]
    if node not in open_nodes:
        raise Impossible
    owner: Any = site.cluster.read(Key("namespaces", "", "default"))
    site.cluster.seed([a_pod("late", node, owner["metadata"]["uid"])])


def _opened(site: Site) -> None:
    cordoned = sorted(site.unschedulable() & {*victims(site, "goes"), *victims(site, "shrinks")})
    if not cordoned:
        raise Impossible
    for node in cordoned:
        site.cluster.patch(Key("nodes", "", node), {"spec": {"unschedulable": None}}, MERGE)


def _opened_and_used(site: Site) -> None:
    _opened(site)
    owner: Any = site.cluster.read(Key("namespaces", "", "default"))
    nodes = (*victims(site, "goes"), *victims(site, "shrinks"))
    there = {one["metadata"]["name"] for one in site.cluster.listing("nodes")}  # type: ignore[index,call-overload]
    site.cluster.seed(
        a_pod(f"late-{number}", node, owner["metadata"]["uid"]) for number, node in enumerate(nodes) if node in there
    )


def _delegate_idle(site: Site) -> None:
    site.idle_until = site.clock.now() + timedelta(minutes=30)


def _state_lost(site: Site) -> None:
    assert site.kept.served is not None
    site.kept.served.state_file.unlink()


def _state_locked(site: Site) -> None:
    """By another Terraform, as long as this process of poolplan runs."""
    assert site.kept.served is not None
    file = site.ends.enter_context(site.kept.served.state_file.open("r+"))
    fcntl.lockf(file, fcntl.LOCK_EX)


def _goes_deleted(site: Site) -> None:
    gone = _there(site, "goes")
    assert gone.state is not None
    site.client().delete_pool(gone.state.id)


def _name_taken(site: Site) -> None:
    if site.pools().get("made") is not None:
        raise Impossible
    site.client().create_pool(replace(pool("made", 1), flavor="b3-16"))


HAPPENINGS: dict[str, Callable[[Site], None]] = {
    "victim-gone": _victim_gone, "other-gone": _other_gone, "pod-comes": _pod_comes, "opened": _opened, "opened-and-used": _opened_and_used,
    "resized": lambda site: _resize(site, "grows", 3), "one-more": lambda site: _resize(site, "shrinks", 1),
    "state-lost": _state_lost, "state-locked": _state_locked, "delegate-idle": _delegate_idle, "goes-deleted": _goes_deleted, "name-taken": _name_taken,
}  # fmt: skip
