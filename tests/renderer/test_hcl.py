"""HCL as poolplan writes it: Terraform reads what was meant, finds nothing to format, and poolplan reads it back."""

from __future__ import annotations

import base64
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.errors import ValueRefused
from renderer.hcl import Reference, Value, attributes, block, quote, text_of
from renderer.hclread import Attribute, parse
from tests.renderer.programs import refuse_unformatted, terraform
from tests.renderer.strategies import texts

values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers(-(10**9), 10**9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(("text", "quoted"), [
    ("", '""'),
    ("plain é 漢", '"plain é 漢"'),
    ('say "hi" \\ bye', r'"say \"hi\" \\ bye"'),
    ("a\nb\r\tc", r'"a\nb\r\tc"'),
    ("${x} $${x} $x $", '"$${x} $$${x} $x $"'),
    ("%{if} %%{if} 50%", '"%%{if} %%%{if} 50%"'),
    ("\0\x1b\u202e\u2028", r'"\u0000\u001b\u202e\u2028"'),
    ("\U000e0001", r'"\U000e0001"'),
])  # fmt: skip
def test_a_string_means_itself_and_nothing_else(text: str, quoted: str) -> None:
    assert quote(text) == quoted


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ValueRefused, match=r"U\+D800 is half of a pair"):
        quote("a\ud800")


def test_neighbours_are_aligned_and_a_long_value_ends_the_run() -> None:
    lines = attributes([
        ("a", 1), ("long_name", Reference("local.x")), ("map", {"b c": "1", "a": "2"}), ("z", []), ("yes", True),
        ("items", [{"k": 1}, {}]),
    ])  # fmt: skip

    assert text_of(block('thing "x"', lines), block("empty", [])) == (
        'thing "x" {\n  a         = 1\n  long_name = local.x\n  map = {\n    a     = "2"\n    "b c" = "1"\n  }\n'
        "  z   = []\n  yes = true\n  items = [\n    {\n      k = 1\n    },\n    {},\n  ]\n}\n\nempty {}\n"
    )


@given(values)
def test_what_is_written_is_read_back(value: Value) -> None:
    (item,) = parse(text_of(attributes([("value", value)]))).body

    assert isinstance(item, Attribute)
    assert item.value == value


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(values, min_size=20, max_size=60))
def test_terraform_reads_what_was_meant_and_would_not_format_it(many: list[Value]) -> None:
    with tempfile.TemporaryDirectory() as name:
        text = text_of(block("locals", attributes([("values", list(many))])))
        refuse_unformatted({"values.tf": text}, Path(name))
        done = terraform("console", folder=Path(name), stdin="base64encode(jsonencode(local.values))\n")

    assert (done.code, done.err) == (0, "")
    assert json.loads(base64.b64decode(done.out.strip().strip('"'))) == many
