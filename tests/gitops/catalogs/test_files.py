"""Catalog files: what is written is read again, and what is wrong is told with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops.catalogs.bundle import bundled
from gitops.catalogs.files import FILE_LIMIT_MB, read_catalog, write_catalog
from gitops.catalogs.format import decode_catalog, encode_catalog
from gitops.errors import InputError
from planner.catalog import Catalog, Flavor, Region

CASES = YAML(typ="safe", pure=True).load(Path(__file__).parent / "cases" / "bad_catalogs.yaml")
HEAD = "apiVersion: poolplan.dev/v1alpha1\nkind: Catalog\ncurrency: EUR\nregions: {GRA11: {zones: [nova]}}"
SMALL = f"""{HEAD}
flavors:
- {{name: b3-8, vcpus: 2, ramGB: 8, diskGB: 50, gpus: 0, hourly: "0.0512"}}
"""
AMOUNTS = st.integers(0, 10**12)

flavors = st.builds(
    Flavor, name=st.from_regex("[abc0]([-abc0]{0,3}[abc0])?", fullmatch=True), vcpus=st.integers(1, 300), ram_gb=st.integers(1, 2000),
    disk_gb=st.integers(0, 2000), gpus=st.integers(0, 8), hourly=AMOUNTS, monthly=st.none() | AMOUNTS,
    unavailable=st.sets(st.sampled_from(["GRA11", "on", "1"])).map(lambda names: tuple(sorted(names))),
    disk_by_analogy=st.booleans(),
)  # fmt: skip
catalogs = st.builds(
    Catalog, currency=st.just("EUR"), source=st.text("ab:#'\" \n-{é", max_size=20),
    regions=st.just((Region("1", ("a", "b")), Region("GRA11", ("nova",)), Region("on", ("null",)))),
    flavors=st.lists(flavors, max_size=4, unique_by=lambda one: one.name)
    .map(lambda found: tuple(sorted(found, key=lambda one: one.name))),
)  # fmt: skip


def read(text: str, folder: Path) -> tuple[Catalog, list[str]]:
    path = folder / "catalog.yaml"
    path.write_text(text, encoding="utf-8")
    warnings: list[str] = []
    return read_catalog(path, warn=warnings.append), [one.removeprefix(str(path)) for one in warnings]


@settings(deadline=None)
@given(catalogs)
def test_a_document_gives_the_catalog_back(catalog: Catalog) -> None:
    assert decode_catalog(encode_catalog(catalog)) == catalog


@settings(deadline=None, max_examples=30)
@given(catalog=catalogs)
def test_a_written_catalog_is_read_unchanged(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert read(write_catalog(catalog), tmp_path_factory.mktemp("catalog")) == (catalog, [])


def test_the_bundled_catalog_survives_being_written(tmp_path: Path) -> None:
    text = write_catalog(bundled())
    assert read(text, tmp_path) == (bundled(), [])
    assert write_catalog(bundled()) == text


def test_a_written_catalog_has_one_flavor_a_line() -> None:
    catalog = Catalog(
        currency="EUR", source="by hand",
        regions=(Region("GRA11", ("nova",)), Region("EU-WEST-PAR", ("eu-west-par-a", "eu-west-par-b"))),
        flavors=(
            Flavor(name="b3-8", vcpus=2, ram_gb=8, disk_gb=50, hourly=51200),
            Flavor(
                name="b2-7", vcpus=2, ram_gb=7, disk_gb=50, gpus=1, hourly=70900, monthly=25_170_000,
                unavailable=("GRA11",), disk_by_analogy=True,
            ),
        ),
    )  # fmt: skip
    assert write_catalog(catalog) == (
        "apiVersion: poolplan.dev/v1alpha1\n"
        "kind: Catalog\n"
        "currency: EUR\n"
        "source: by hand\n"
        "regions:\n"
        "  EU-WEST-PAR: {zones: [eu-west-par-a, eu-west-par-b]}\n"
        "  GRA11: {zones: [nova]}\n"
        "flavors:\n"
        '- {name: b2-7, vcpus: 2, ramGB: 7, diskGB: 50, gpus: 1, hourly: "0.0709", monthly: "25.17", '
        "unavailable: [GRA11], diskByAnalogy: true}\n"
        '- {name: b3-8, vcpus: 2, ramGB: 8, diskGB: 50, gpus: 0, hourly: "0.0512"}\n'
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_fault_is_told_with_its_place(case: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(case["text"].replace("HEAD", HEAD), tmp_path)
    assert str(caught.value) == f"{tmp_path / 'catalog.yaml'}{case['says']}"


@pytest.mark.parametrize("hourly", ['"0.0512"', "0.0512", "5.12e-2"])
def test_a_price_may_stand_without_quotes(hourly: str, tmp_path: Path) -> None:
    catalog, _ = read(SMALL.replace('"0.0512"', hourly), tmp_path)
    assert catalog.flavors[0].hourly == 51200


def test_json_is_a_catalog_too(tmp_path: Path) -> None:
    text = '{"apiVersion":"poolplan.dev/v1alpha1","kind":"Catalog","currency":"USD","regions":{},"flavors":[]}'
    catalog, _ = read(text, tmp_path)
    assert (catalog.currency, catalog.flavors) == ("USD", ())


def test_unknown_fields_are_named_and_ignored(tmp_path: Path) -> None:
    text = SMALL.replace("gpus: 0", "gpus: 0, ssd: true").replace("zones: [nova]", "zones: [nova], city: Lille")
    catalog, warnings = read(f"{text}owner: me\n", tmp_path)
    assert catalog == read(SMALL, tmp_path)[0]
    assert warnings == [
        ":7:1: owner: unknown field, ignored",
        ":4:34: regions.GRA11.city: unknown field, ignored",
        ":6:57: flavors[0].ssd: unknown field, ignored",
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_catalog(tmp_path / "no.yaml", warn=pytest.fail)
    assert str(caught.value) == f"{tmp_path / 'no.yaml'}: cannot be read: No such file or directory"


def test_a_file_that_is_far_too_large_is_not_parsed(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    with path.open("wb") as file:
        file.truncate((FILE_LIMIT_MB + 1) * 10**6)  # a hole: nothing is written
    with pytest.raises(InputError) as caught:
        read_catalog(path, warn=pytest.fail)
    assert str(caught.value) == f"{path}: a catalog is at most 5 MB; this file has 6 MB"


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "catalog.yaml"
    path.write_bytes(b"kind: \xff")
    with pytest.raises(InputError) as caught:
        read_catalog(path, warn=pytest.fail)
    assert str(caught.value) == f"{path}: not UTF-8 text (byte 6)"
