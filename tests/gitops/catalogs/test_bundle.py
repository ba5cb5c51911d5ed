"""The bundled catalog: its two forms say the same, loading it is cheap, and its figures are believable."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gitops.catalogs import bundle
from gitops.catalogs.bundle import SOURCE, TWIN, bundled, twin
from gitops.errors import Fatal
from planner.catalog import Flavor
from planner.quantity import HOURS_PER_MONTH

HEAVY = ("ovh", "requests", "ruamel.yaml", "kubernetes", "rich")


def test_both_forms_hold_the_same_document() -> None:
    assert TWIN.read_text(encoding="utf-8") == twin(), "run: python -m gitops.catalogs.bundle"


def test_loading_needs_nothing_heavy() -> None:
    code = "import sys; from gitops.catalogs.bundle import bundled; bundled(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)  # noqa: S603
    assert [name for name in HEAVY if name in done.stdout.split()] == []


def test_a_broken_installation_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "TWIN", TWIN.with_name("absent.json"))
    bundled.cache_clear()
    with pytest.raises(Fatal, match=r"the bundled catalog is broken .*; install poolplan again"):
        bundled()


def test_regions_have_one_zone_or_three_of_their_own() -> None:
    for region in bundled().regions:
        letters = tuple(f"{region.name.lower()}-{letter}" for letter in "abc")
        assert region.zones == (letters if region.zoned else ("nova",))
    assert [region.name for region in bundled().regions if region.zoned] == ["EU-SOUTH-MIL", "EU-WEST-PAR"]


@pytest.mark.parametrize("flavor", bundled().flavors, ids=lambda flavor: flavor.name)
def test_a_flavor_is_believable(flavor: Flavor) -> None:
    """Catches a slipped decimal point: a vCPU costs half a cent to 40 cents an hour, a month less than its hours."""
    assert 5_000 <= flavor.hourly // flavor.vcpus <= 400_000
    assert flavor.monthly is None or flavor.monthly < flavor.hourly * HOURS_PER_MONTH
    assert flavor.disk_gb >= 50
    assert flavor.allocatable().fits_in(flavor.capacity())


def test_the_third_generation_has_no_monthly_plan() -> None:
    assert [one.name for one in bundled().flavors if one.name[:3] in {"b3-", "c3-", "r3-"} and one.monthly] == []


def test_the_source_says_when() -> None:
    assert "2026" in bundled().source
    assert str(SOURCE).endswith(".yaml")
