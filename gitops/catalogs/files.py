"""Catalog files: read with the place of every fault, written so that equal catalogs are equal bytes."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from gitops.catalogs.format import decode_catalog, encode_catalog, unknown_fields
from gitops.decoding import Misfit, read_input
from gitops.errors import InputError, Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gitops.yamlfile import YamlDocument
    from planner.catalog import Catalog

FILE_LIMIT_MB = 5
MONEY = ("hourly", "monthly")


def read_catalog(path: Path, *, warn: Callable[[str], None]) -> Catalog:
    """A catalog from YAML or JSON. Unknown fields become warnings, anything amiss an InputError, with the place."""
    document, others = _documents(read_input(path, "a catalog", megabytes=FILE_LIMIT_MB), str(path))
    if others and isinstance(document.value, dict) and document.value.get("kind") == "Catalog":
        raise others[0].error("a second document; a catalog is one")
    try:
        catalog = decode_catalog(document.value)
    except Misfit as misfit:
        raise document.error(misfit.message, misfit.path) from None
    for unknown in unknown_fields(document.value):
        warn(str(document.error("unknown field, ignored", unknown, of_key=True)))
    return catalog


def _documents(text: str, file: str) -> tuple[YamlDocument, tuple[YamlDocument, ...]]:
    from gitops.yamlfile import parse_yaml  # noqa: PLC0415 - loads ruamel

    documents = parse_yaml(text, file)
    if not documents:
        raise InputError(
            "is empty; a catalog has apiVersion, kind, currency, regions and flavors", place=Place(file, 1, 1)
        )
    return documents[0], documents[1:]


def write_catalog(catalog: Catalog) -> str:
    """The catalog as YAML, one region and one flavor a line; ``read_catalog`` gives it back unchanged."""
    from ruamel.yaml import YAML  # noqa: PLC0415 - slow to load

    out = io.StringIO()
    yaml = YAML()
    yaml.width = 2**16  # never folded: a diff shows one flavor as one line
    yaml.dump(_styled(encode_catalog(catalog), depth=0), out)
    return out.getvalue()


def _styled(value: object, *, depth: int) -> object:
    """Everything below the second level in one line, prices in double quotes."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq  # noqa: PLC0415 - slow to load
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString as Quoted  # noqa: PLC0415

    if isinstance(value, list):
        sequence = CommentedSeq(_styled(inner, depth=depth + 1) for inner in value)
        if depth > 1:
            sequence.fa.set_flow_style()
        return sequence
    if isinstance(value, dict):
        mapping = CommentedMap()
        for key, inner in value.items():
            mapping[key] = Quoted(inner) if key in MONEY else _styled(inner, depth=depth + 1)
        if depth > 1:
            mapping.fa.set_flow_style()
        return mapping
    return value
