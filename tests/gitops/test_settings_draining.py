"""The ``draining`` section of cluster.yaml."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gitops.errors import InputError
from gitops.settings_draining import Draining
from gitops.settings_read import read_settings

FOLDER = Path(__file__).parents[1] / "data" / "settings"
REFUSED: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(FOLDER / "draining_refused.yaml")
LEAST = """apiVersion: poolplan.dev/v1alpha1
kind: Cluster
metadata: {name: prod}
spec:
  provider: {ovh: {serviceName: 0123456789abcdef0123456789abcdef, kubeId: 11111111-2222-3333-4444-555555555555}}
"""


def read(draining: str) -> Draining:
    return read_settings(f"{LEAST}\n  draining: {draining}\n", "cluster.yaml", {}).draining


def test_without_the_section_there_are_defaults() -> None:
    assert read_settings(LEAST, "cluster.yaml", {}).draining == Draining()
    assert read("{}") == Draining(timeout=timedelta(minutes=15), at_once=10, bare=False)


def test_every_field_is_read() -> None:
    found = read("{timeout: 1h, atOnce: 3, evictBarePods: true}")
    assert found == Draining(timeout=timedelta(hours=1), at_once=3, bare=True)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["draining"][:30])
def test_what_cannot_be_is_refused_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        read(case["draining"])
    assert str(caught.value).splitlines() == [f"cluster.yaml:{told}" for told in case["told"]]
