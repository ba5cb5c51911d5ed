"""The client against the sandbox, over HTTP: a pool's life, what can be ordered, and the rights that all this takes."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from gitops.errors import InputError, Refused, Waiting
from gitops.ovh.client import OvhClient
from gitops.ovh.failures import CallRefused, Conflict, CredentialsRefused, NotFound, RightMissing
from gitops.ovh.rights import OPEN, RIGHTS
from gitops.ovh.transport import Transport
from gitops.sandbox.settings import CLUSTER, PROJECT
from planner.catalog import Region
from planner.pools import Pool, PoolName
from planner.taints import Taint

WORKERS = Pool(
    name=PoolName("workers"), flavor="b3-8", zones=("eu-west-par-b",), desired=2, maximum=10,
    labels=(("team", "a"),), annotations=(("note", "${x} \"y\""),), taints=(Taint("gpu", "", "NoSchedule"),),
)  # fmt: skip


def test_a_pool_lives_through_the_client(client: OvhClient) -> None:
    created = client.create_pool(WORKERS)
    assert created == WORKERS
    assert created.state is not None
    pool_id = created.state.id
    assert client.pools().pools == (WORKERS,)
    assert client.pool(pool_id) == WORKERS

    grown = replace(created, desired=3, minimum=1, labels=())
    client.update_pool(created, grown)
    assert client.pool(pool_id) == grown
    assert [node.name for node in client.nodes(pool_id)] == sorted(node.name for node in client.nodes(pool_id))
    assert {node.flavor for node in client.nodes(pool_id)} == {"b3-8"}

    client.delete_pool(pool_id)
    with pytest.raises(NotFound):
        client.pool(pool_id)


def test_nothing_is_sent_when_nothing_changes(client: OvhClient, spy: Any) -> None:
    created = client.create_pool(WORKERS)
    spy.calls.clear()
    client.update_pool(created, replace(created))
    assert spy.calls == []


def test_a_pool_of_that_name_is_there_already(client: OvhClient) -> None:
    client.create_pool(WORKERS)
    with pytest.raises(Conflict, match="NodePool with name workers already exists"):
        client.create_pool(WORKERS)


def test_a_pool_that_was_never_observed_has_no_id(client: OvhClient) -> None:
    with pytest.raises(Refused, match="only an observed pool has one"):
        client.update_pool(WORKERS, WORKERS.resized(3))


def test_the_cluster_tells_region_plan_and_version(client: OvhClient) -> None:
    cluster = client.cluster()
    assert (cluster.id, cluster.region, cluster.plan) == (CLUSTER, "EU-WEST-PAR", "standard")
    assert "." in cluster.version
    assert client.cluster_ids() == (CLUSTER,)


def test_what_can_be_ordered(client: OvhClient) -> None:
    assert client.region("EU-WEST-PAR") == Region("EU-WEST-PAR", ("eu-west-par-a", "eu-west-par-b", "eu-west-par-c"))
    assert client.region("GRA11") == Region("GRA11", ("nova",))
    assert {"EU-WEST-PAR", "GRA11"} <= set(client.regions())
    small = next(flavor for flavor in client.flavors("GRA11") if flavor.name == "b3-8")
    assert (small.vcpus, small.ram_gb, small.gpus, small.available) == (2, 8, 0, True)
    assert small in client.cluster_flavors()
    machine = next(flavor for flavor in client.project_flavors("EU-WEST-PAR") if flavor.name == "b2-7")
    assert machine.plan_codes is not None
    assert (machine.disk_gb, machine.plan_codes.hourly, machine.plan_codes.monthly) == (
        50, "b2-7.consumption.3AZ", "b2-7.monthly.postpaid",
    )  # fmt: skip


def test_prices_are_micro_units(client: OvhClient) -> None:
    prices = client.catalog_prices("FR")
    assert (prices.currency, prices.get("b3-8.consumption"), prices.get("b2-7.monthly.postpaid")) == (
        "EUR",
        51200,
        25170000,
    )
    assert prices.get("b3-8.monthly.postpaid") is None
    assert prices.get(None) is None


def test_the_account_and_its_quota(client: OvhClient) -> None:
    assert (client.me().subsidiary, client.me().currency.code) == ("FR", "EUR")
    assert str(client.quota("GRA11")) == "GRA11: 0 of 1000 instances, 0 of 2000 vCPUs, 0 of 8000 GB memory"


def test_wrong_keys_are_told_apart_from_missing_rights(sandbox_url: str, kit: Any, clock: Any) -> None:
    for wrong in ("application_key", "application_secret", "consumer_key"):
        transport = Transport(kit.credentials(sandbox_url, **{wrong: "another-key-altogether"}), clock)
        with pytest.raises(CredentialsRefused) as caught:
            OvhClient(transport, service_name=PROJECT).me()
        assert "another-key-altogether" not in str(caught.value)


def test_a_project_that_is_not_there(spy: Any) -> None:
    with pytest.raises(NotFound, match="check OVH_SERVICE_NAME, OVH_KUBE_ID"):
        OvhClient(spy, service_name="f" * 32, kube_id=CLUSTER).pools()


@pytest.mark.parametrize(
    ("service_name", "kube_id", "says"),
    [
        ("my-project", "", "OVH_SERVICE_NAME 'my-project' is not a project id of 32 hexadecimal digits"),
        ("", "", "OVH_SERVICE_NAME '' is not a project id of 32 hexadecimal digits"),
        (PROJECT, "../me", f"OVH_KUBE_ID '../me' is not a cluster id, a UUID like {CLUSTER}"),
    ],
)
def test_ids_have_a_form(service_name: str, kube_id: str, says: str, kit: Any) -> None:
    with pytest.raises(InputError) as caught:
        OvhClient(kit.Told({}), service_name=service_name, kube_id=kube_id)
    assert str(caught.value) == says


def test_no_cluster_is_named(kit: Any) -> None:
    with pytest.raises(InputError, match="no cluster is named; set OVH_KUBE_ID"):
        OvhClient(kit.Told({}), service_name=PROJECT).pools()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"pools": []}, "must be a list, not a map"),
        (
            [{"name": "a", "flavor": "b3-8", "desiredNodes": "1"}],
            r"\[0\].desiredNodes: must be a whole number, not text",
        ),
        (None, "must be a list, not nothing"),
    ],
)
def test_an_answer_of_another_shape_is_an_error_with_its_path(answer: object, says: str, kit: Any) -> None:
    path = f"/cloud/project/{PROJECT}/kube/{CLUSTER}/nodepool"
    client = OvhClient(kit.Told({path: answer}), service_name=PROJECT, kube_id=CLUSTER)
    with pytest.raises(CallRefused, match=f"poolplan does not understand the answer to GET {path}: {says}"):
        client.pools()


def test_a_cluster_without_a_plan_is_free(kit: Any) -> None:
    path = f"/cloud/project/{PROJECT}/kube/{CLUSTER}"
    told = kit.Told({path: {"id": CLUSTER, "region": "GRA7", "version": "1.33.1", "plan": None}})
    assert OvhClient(told, service_name=PROJECT, kube_id=CLUSTER).cluster().plan == "free"


def test_a_busy_pool_is_waited_for(client: OvhClient, spy: Any) -> None:
    """The words are those seen in terraform-provider-ovh issue 404."""
    created = client.create_pool(WORKERS)
    spy.refuse = lambda method, _path: Waiting("the pool is UPSCALING") if method == "PUT" else None
    with pytest.raises(Waiting):
        client.update_pool(created, created.resized(5))


def test_nodes_of_many_pools_take_one_call_where_there_is_a_right_to_it(client: OvhClient, spy: Any) -> None:
    ids = []
    for number in range(4):
        made = client.create_pool(replace(WORKERS, name=PoolName(f"pool-{number}")))
        assert made.state is not None
        ids.append(made.state.id)
    spy.calls.clear()
    many = client.nodes_by_pool(ids)
    assert len(spy.calls) == 1
    assert [len(many[one]) for one in ids] == [2] * 4
    assert many == {one: client.nodes(one) for one in ids}
    spy.calls.clear()
    assert client.nodes_by_pool(ids[:2]) == {one: many[one] for one in ids[:2]}
    assert len(spy.calls) == 2

    def refusing(method: str, path: str, **more: Any) -> object:
        if path.endswith("/node"):
            raise RightMissing("no right to it")
        return spy.call(method, path, **more)

    narrow = OvhClient(SimpleNamespace(call=refusing), service_name=PROJECT, kube_id=CLUSTER)
    assert narrow.nodes_by_pool(ids) == many


def test_every_call_is_in_the_table_of_rights(client: OvhClient, spy: Any) -> None:
    created = client.create_pool(WORKERS)
    assert created.state is not None
    client.update_pool(created, created.resized(3))
    client.pool(created.state.id)
    client.nodes(created.state.id)
    client.nodes_by_pool([created.state.id, "b", "c", "d"])
    client.delete_pool(created.state.id)
    for ask in (
        client.pools, client.cluster, client.cluster_ids, client.cluster_flavors, client.regions, client.me,
        client.credential, lambda: client.flavors("GRA11"), lambda: client.region("GRA11"),
        lambda: client.project_flavors("GRA11"), lambda: client.quota("GRA11"), lambda: client.catalog_prices("FR"),
    ):  # fmt: skip
        ask()
    used = {right for right in RIGHTS if any(right.allows(*call) for call in spy.calls)}
    unlisted = [
        call for call in spy.calls
        if not any(right.allows(*call) for right in RIGHTS) and (call[0], call[1].partition("?")[0]) not in OPEN
    ]  # fmt: skip
    assert (unlisted, set(RIGHTS) - used) == ([], set())
