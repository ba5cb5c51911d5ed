"""Host ports by address, as kube-scheduler's NodePorts filter tells them apart.

Two ports of one number and protocol are in each other's way when their addresses are equal or one of them is 0.0.0.0.
So a port on all addresses is spelled out: it takes that port on every address that any pod of the cluster names. After
that two pods exclude each other exactly when they have an entry in common.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from planner.parted import Parted
from planner.pods import ALL_ADDRESSES

if TYPE_CHECKING:
    from planner.pods import Needs
    from planner.snapshot import Snapshot

    _Addresses = dict[tuple[str, int], tuple[str, ...]]


def with_whole_ports(snapshot: Snapshot, parted: Parted | None = None) -> Snapshot:
    """The snapshot with every port on all addresses spelled out; the same one where no pod names an address."""
    addresses = _addresses(snapshot, Parted.known(snapshot, parted))
    if not addresses:
        return snapshot
    known: dict[Needs, Needs] = {}

    def spelled(needs: Needs) -> Needs:
        if not needs.host_ports:
            return needs
        if needs not in known:
            known[needs] = replace(needs, host_ports=_spelled(needs.host_ports, addresses))
        return known[needs]

    return replace(
        snapshot,
        pods=tuple(replace(pod, needs=spelled(pod.needs)) if pod.needs.host_ports else pod for pod in snapshot.pods),
        daemonsets=tuple(
            replace(one, template=replace(one.template, needs=spelled(one.template.needs)))
            for one in snapshot.daemonsets
        ),
    )  # fmt: skip


def _addresses(snapshot: Snapshot, parted: Parted) -> _Addresses:
    found: dict[tuple[str, int], set[str]] = {}
    with_ports = [pod.needs for pod in (*parted.bound.with_ports, *parted.loose)]
    for needs in (*with_ports, *(one.template.needs for one in snapshot.daemonsets)):
        for address, protocol, port in needs.host_ports:
            if address != ALL_ADDRESSES:
                found.setdefault((protocol, port), set()).add(address)
    return {key: tuple(sorted(values)) for key, values in found.items()}


def _spelled(ports: tuple[tuple[str, str, int], ...], addresses: _Addresses) -> tuple[tuple[str, str, int], ...]:
    whole = [(protocol, port) for address, protocol, port in ports if address == ALL_ADDRESSES]
    more = [(address, *each) for each in whole for address in addresses.get(each, ())]
    return tuple(sorted({*ports, *more}))
