"""YAML that people wrote: what its scalars are, where its fields stand, and what is refused."""

from __future__ import annotations

import pytest

from gitops.errors import InputError, Place
from gitops.yamlfile import decode_text, parse_yaml

TEXT = """\
# a comment
a: 1
b:
- {c: text}
- d: [x, y]
e: &shared
  f: 1
g:
  <<: *shared
  h: 2
"""


def value_of(text: str) -> object:
    (document,) = parse_yaml(text, "f")
    return document.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("-12", -12), ("0x1F", 31), ("0o17", 15), ("0777", 777), ("1_000", 1000), ("1.5", 1.5),
        ("1e3", 1000.0), ("true", True), ("False", False), ("yes", "yes"), ("on", "on"), ("'1'", "1"),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"), ("!!str 1", "1"), (".inf", ".inf"), ("1.5.2", "1.5.2"),
        ("500m", "500m"), ("=", "="), ("[~, null]", [None, None]),
        ("{1: a, true: b}", {"1": "a", "true": "b"}), ("|\n a\n b\n", "a\nb\n"),
    ],
)  # fmt: skip
def test_scalars_are_read_as_yaml_1_2(text: str, value: object) -> None:
    read = value_of(text)
    assert read == value
    assert type(read) is type(value)


def test_merge_keys_lose_against_own_fields() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {x: 3, <<: [*a, *b], w: 3}\nd: {<<: *a}\n"
    read = value_of(text)
    assert isinstance(read, dict)
    assert read["c"] == {"x": 3, "y": 1, "z": 2, "w": 3}
    assert read["d"] == {"x": 1, "y": 1}


def test_documents_are_taken_apart_and_empty_ones_left_out() -> None:
    documents = parse_yaml("---\na: 1\n---\n# nothing\n---\nb: 2\n...\n", "f")
    assert [document.value for document in documents] == [{"a": 1}, {"b": 2}]
    assert documents[1].place(("b",)) == Place("f", 6, 4)


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        (("a",), 2, 4), (("b",), 3, 1), (("b", 0, "c"), 4, 7), (("b", 1, "d", 1), 5, 10), ((), 2, 1),
        (("missing",), 2, 1), (("b", 7), 3, 1), (("b", 0, "nope", "deeper"), 4, 3), (("g", "h"), 10, 6),
        (("g", "f"), 8, 1),
    ],
)  # fmt: skip
def test_fields_are_placed(path: tuple[str | int, ...], line: int, column: int) -> None:
    (document,) = parse_yaml(TEXT, "f")
    assert document.place(path) == Place("f", line, column)


def test_a_key_can_be_placed_and_an_error_made() -> None:
    (document,) = parse_yaml(TEXT, "f")
    assert document.place(("a",), of_key=True) == Place("f", 2, 1)
    assert str(document.error("is wrong", ("b", 0, "c"))) == "f:4:7: b[0].c: is wrong"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: [1", "f:1:6: broken YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: b: c", "f:1:5: broken YAML: mapping values are not allowed here"),
        ("\ta: 1", "f:1:1: broken YAML: found character '\\t' that cannot start any token"),
        ("a: *x", "f:1:4: broken YAML: found undefined alias 'x'"),
        ("a: 1\nb: \x01", "f:2:4: broken YAML: a character that cannot be printed"),
        ("a: 1\na: 2", "f:2:1: the field 'a' is written twice"),
        ("a: &x [*x]", "f:1:4: contains itself through an alias"),
        ("a: !secret x", "f:1:4: the tag !secret is not supported"),
        ("? {a: 1}\n: 2", "f:1:3: a field's name must be plain text"),
        ("<<: 3", "f:1:5: << must name a mapping or a list of mappings"),
        (f"a: {'9' * 5000}", f"f:1:4: '{'9' * 40}' is not a number poolplan can read"),
        ("[" * 3000, "f: is nested too deeply"),
    ],
)  # fmt: skip
def test_what_is_no_plain_yaml_is_refused(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "f")
    assert str(caught.value) == told


def test_aliases_do_not_grow_without_end() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(InputError, match="grows too large through aliases"):
        parse_yaml("\n".join(lines), "f")


def test_bytes_are_utf8_with_or_without_a_mark() -> None:
    assert decode_text("\ufeffü".encode(), "f") == "ü"
    with pytest.raises(InputError, match=r"^f:2:3: is not UTF-8 text"):
        decode_text(b"ok\nok\xff", "f")
