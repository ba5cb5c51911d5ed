"""Makes an emergency heard: an Event in the cluster, and a message to the address that the team has set.

What cannot be told is said on stderr; the emergency itself is done and recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gitops.errors import PoolplanError
from planner.guardrails import nodes_added, nodes_removed
from renderer.text import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.cluster.connection import KubernetesApi
    from gitops.emergency.outbox import Entry

SECONDS = 10
NAMESPACE = "default"


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """Where to. ``cluster`` raises where there is none; ``address`` empty: nobody has set one."""

    cluster: Callable[[], KubernetesApi]
    address: str
    remark: Callable[[str], None]


def sound(alarm: Alarm, name: str, entry: Entry) -> None:
    """Tell of an emergency in the cluster ``name``."""
    text = sentence(name, entry)
    try:
        _event(alarm.cluster(), text, entry)
    except PoolplanError as error:
        alarm.remark(f"no Event could be written: {error}")
    if alarm.address:
        _post(alarm, {
            "text": text, "cluster": name, "reason": entry.reason, "by": entry.by, "at": entry.at,
            "state": entry.state, "digest": entry.plan.digest,
            "pools": [str(change.pool) for change in entry.plan.changes],
        })  # fmt: skip


def sentence(name: str, entry: Entry) -> str:
    """What happened, in one line."""
    added, removed = (sum(map(one, entry.plan.changes)) for one in (nodes_added, nodes_removed))
    nodes = ", ".join(f"{sign}{count(number, 'node')}" for sign, number in (("+", added), ("−", removed)) if number)
    what = f"poolplan emergency in {name} by {entry.by}: {nodes}, without review ({entry.state})"
    return f"{what}. Reason: {entry.reason}"


def _event(api: KubernetesApi, text: str, entry: Entry) -> None:
    from gitops.cluster.permission import CREATED  # noqa: PLC0415 - loads msgspec

    place = {"apiVersion": "v1", "kind": "Namespace", "name": NAMESPACE, "namespace": NAMESPACE}
    answer = api.create_event(NAMESPACE, {
        "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": "PoolplanEmergency", "message": text[:1024],
        "metadata": {"generateName": "poolplan-emergency-", "namespace": NAMESPACE}, "involvedObject": place,
        "source": {"component": "poolplan"}, "count": 1, "firstTimestamp": entry.at, "lastTimestamp": entry.at,
    })  # fmt: skip
    if answer.status not in CREATED:
        raise PoolplanError(f"{api.address} answers {answer.status} to an Event")


def _post(alarm: Alarm, body: dict[str, Any]) -> None:
    """The address may carry a secret in its path, as chat services' do: only its server is ever said."""
    import requests  # noqa: PLC0415 - only where an address is set

    server = urlsplit(alarm.address).hostname or "the address that is set"
    try:
        status = requests.post(alarm.address, json=body, timeout=SECONDS).status_code
    except requests.RequestException as error:
        alarm.remark(f"{server} could not be told: {type(error).__name__}")
        return
    if status >= 300:
        alarm.remark(f"{server} could not be told: it answers {status}")
