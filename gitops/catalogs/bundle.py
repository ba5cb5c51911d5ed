"""The catalog that comes with poolplan: OVHcloud's flavors with their source and date.

``data/ovh.yaml`` is what people edit; ``data/ovh.json`` is the same document, which loads in a tenth of the time.
``python -m gitops.catalogs.bundle`` writes the second from the first.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from gitops.catalogs.format import decode_catalog
from gitops.decoding import Misfit
from gitops.errors import Fatal

if TYPE_CHECKING:
    from planner.catalog import Catalog

DATA = Path(__file__).parent.parent / "data"
SOURCE, TWIN = DATA / "ovh.yaml", DATA / "ovh.json"


@cache
def bundled() -> Catalog:
    """The bundled catalog. Raises Fatal when the installation lacks it."""
    try:
        return decode_catalog(json.loads(TWIN.read_bytes()))
    except (OSError, ValueError, Misfit) as error:
        raise Fatal(f"the bundled catalog is broken ({error}); install poolplan again") from error


def twin() -> str:
    """What ``data/ovh.json`` has to hold: the source's document, one region or flavor a line."""
    from gitops.yamlfile import parse_yaml  # noqa: PLC0415 - loads ruamel

    (document,) = parse_yaml(SOURCE.read_text(encoding="utf-8"), str(SOURCE))
    if not isinstance(document.value, dict):
        raise TypeError("the bundled catalog is a map")
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {_lines(value)}" for key, value in document.value.items()) + "\n}\n"


def _lines(value: object) -> str:
    if isinstance(value, list):
        return "[\n" + ",\n".join(json.dumps(one) for one in value) + "\n]"
    if isinstance(value, dict):
        return "{\n" + ",\n".join(f"{json.dumps(key)}: {json.dumps(inner)}" for key, inner in value.items()) + "\n}"
    return json.dumps(value)


if __name__ == "__main__":
    TWIN.write_text(twin(), encoding="utf-8")
