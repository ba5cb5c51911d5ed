"""What a flavor has, and what it gives to pods: the figures of OVHcloud's guide on reserved resources, as it prints them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner import labels as known
from planner.catalog import Flavor
from planner.resources import CPU, GPU, MEMORY, PODS, STORAGE
from tests.planner.cluster import catalog


def flavor(name: str = "b2-7", vcpus: int = 2, ram_gb: int = 7, disk_gb: int = 50, **rest: int) -> Flavor:
    return Flavor(name=name, vcpus=vcpus, ram_gb=ram_gb, disk_gb=disk_gb, hourly=rest.pop("hourly", 0), **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(("vcpus", "reserved"), [(2, 160), (4, 170), (8, 190), (16, 230), (32, 310)])
def test_reserved_cpu_is_as_published(vcpus: int, reserved: int) -> None:
    one = flavor(vcpus=vcpus)
    assert one.capacity().get(CPU) - one.allocatable().get(CPU) == reserved


@pytest.mark.parametrize(
    ("ram_gb", "megabytes"), [(7, 1850), (15, 2250), (30, 3000), (60, 4500), (120, 7500)]
)
def test_reserved_memory_is_that_of_the_published_table(ram_gb: int, megabytes: int) -> None:
    one = flavor(ram_gb=ram_gb)
    assert one.capacity().get(MEMORY) - one.allocatable().get(MEMORY) == megabytes * 10**6


@pytest.mark.parametrize(("disk_gb", "gigabytes"), [(50, 22), (100, 30), (200, 43), (400, 66)])
def test_reserved_storage_is_as_published_give_or_take_its_rounding(disk_gb: int, gigabytes: int) -> None:
    one = flavor(disk_gb=disk_gb)
    reserved = one.capacity().get(STORAGE) - one.allocatable().get(STORAGE)
    assert abs(reserved - gigabytes * 10**9) <= 10**8


def test_a_node_holds_110_pods_and_all_its_gpus() -> None:
    one = flavor(gpus=4).allocatable()
    assert (one.get(PODS), one.get(GPU)) == (110, 4)


@given(st.integers(1, 256), st.integers(1, 2048), st.integers(0, 1000))
def test_allocatable_is_never_negative_and_never_more_than_there_is(vcpus: int, ram_gb: int, disk_gb: int) -> None:
    one = flavor(vcpus=vcpus, ram_gb=ram_gb, disk_gb=disk_gb)
    assert all(0 <= amount <= one.capacity().get(name) for name, amount in one.allocatable())


@pytest.mark.parametrize(
    ("name", "family", "size"),
    [
        ("b3-8", "b3", "8"), ("c2-120", "c2", "120"), ("t1-le-45", "t1", "45"), ("a100-180", "a100", "180"),
        ("l40s-90", "l40s", "90"), ("rtx5000-28", "rtx5000", "28"), ("odd", "odd", ""),
    ],
)  # fmt: skip
def test_family_and_size_are_read_off_the_name(name: str, family: str, size: str) -> None:
    labels = flavor(name=name).labels()
    assert (labels[known.INSTANCE_FAMILY], labels[known.INSTANCE_SIZE]) == (family, size)


def test_a_month_is_spread_over_730_hours_and_rounded_up() -> None:
    monthly = flavor(hourly=70_900, monthly=25_170_000)
    assert (monthly.price(monthly_billed=True), monthly.price(monthly_billed=False)) == (34_480, 70_900)
    assert (monthly.monthly_price(monthly_billed=True), monthly.monthly_price(monthly_billed=False)) == (
        25_170_000, 51_757_000,
    )  # fmt: skip


def test_without_a_monthly_plan_the_hour_is_billed() -> None:
    one = flavor(hourly=51_200)
    assert (one.price(monthly_billed=True), one.monthly_price(monthly_billed=True)) == (51_200, 37_376_000)


def test_a_region_of_one_zone_has_no_zones_to_choose() -> None:
    zoned = {one.name: one.zoned for one in catalog().regions}
    assert zoned == {"EU-WEST-PAR": True, "GRA11": False}
