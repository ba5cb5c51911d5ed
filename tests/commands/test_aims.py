"""What cluster.yaml asks of a plan, and options that go before it, seen from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.commands.test_bad_input import lay_out

if TYPE_CHECKING:
    from tests.commands.tools import Desk

SETTINGS = """
apiVersion: poolplan.dev/v1alpha1
kind: Cluster
metadata: {name: paris}
spec:
  provider: {ovh: {serviceName: 0123456789abcdef0123456789abcdef, kubeId: abc, region: EU-WEST-PAR}}
  planning:
    headroom: [{name: spare, namespace: shop, replicas: 2, requests: {cpu: 1500m, memory: 1Gi}}]
"""
PLAN = ("plan", "--snapshot", "cluster.yaml", "--policy", "policy.yaml", "--now", "2026-03-01T12:00:00Z", "-o", "json")


def test_headroom_of_cluster_yaml_orders_nodes(desk: Desk) -> None:
    lay_out(desk, {"files": {"settings.yaml": SETTINGS}})
    without, with_it = desk.run(*PLAN), desk.run(*PLAN, "--settings", "settings.yaml")
    assert (without.code, with_it.code) == (0, 0)
    placed = [pod for one in json.loads(with_it.out)["placements"] for pod in one["pods"]]
    assert {"shop/spare-1", "shop/spare-2"} <= set(placed)
    assert "spare" not in without.out
    owners = [one["owner"] for change in json.loads(with_it.out)["changes"] for one in change["pods"]]
    assert {"kind": "Headroom", "namespace": "shop", "name": "spare"} in owners


def test_a_budget_is_no_part_of_what_is_approved_and_an_objective_is(desk: Desk) -> None:
    lay_out(desk, {})
    digests = [
        json.loads(desk.run(*PLAN, *more).out)["evidence"]["policy"]
        for more in ((), ("--solve-budget", "1m"), ("--objective", "cheapest"), ("--objective", "least-waste"))
    ]
    assert digests[0] == digests[1] == digests[2] != digests[3]
