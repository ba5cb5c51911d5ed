"""Places in JSON: what stands at the place that is told for a path is the value at that path."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.decoding import Step, json_place, parse_json, path_text
from gitops.errors import InputError, Place

ROOT = Path(__file__).parents[2]
names = st.text('ab"\\{}[],: é', max_size=4)
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


def paths_of(value: object, path: tuple[Step, ...] = ()) -> list[tuple[tuple[Step, ...], object]]:
    found = [(path, value)]
    if isinstance(value, dict):
        found += [one for key, inner in value.items() for one in paths_of(inner, (*path, key))]
    if isinstance(value, list):
        found += [one for index, inner in enumerate(value) for one in paths_of(inner, (*path, index))]
    return found


def text_at(text: str, place: Place) -> str:
    return "\n".join([text.split("\n")[place.line - 1][place.column - 1 :], *text.split("\n")[place.line :]])


@settings(deadline=None)
@given(documents, st.sampled_from([None, 0, 2]), st.sampled_from(["", "\n", " \t\r\n "]))
def test_a_place_in_json_is_where_the_value_begins(document: object, indent: int | None, before: str) -> None:
    text = before + json.dumps(document, indent=indent)
    for path, value in paths_of(document):
        place = json_place(text, "f", path)
        assert json.JSONDecoder().raw_decode(text_at(text, place))[0] == value


def test_of_two_equal_keys_the_last_counts() -> None:
    assert json_place('{"a": 1, "a": 2}', "f", ("a",)) == Place("f", 1, 15)


@pytest.mark.parametrize(
    ("path", "text"), [((), ""), (("a", "b"), "a.b"), ((2, "a", 0, 1, "b"), "[2].a[0][1].b")]
)  # fmt: skip
def test_a_path_reads_like_code(path: tuple[Step, ...], text: str) -> None:
    assert path_text(path) == text


def test_a_bottomless_file_is_refused() -> None:
    with pytest.raises(InputError, match="f: nested too deeply"):
        parse_json("[" * 100_000, "f")


@pytest.mark.parametrize("text", ["[NaN]", "[Infinity]", "-Infinity"])
def test_what_json_has_no_word_for_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"f: not JSON: -?(NaN|Infinity) is no number"):
        parse_json(text, "f")


def test_types_are_met_by_one_thread_at_a_time() -> None:
    """In a process of its own: where msgspec is asked by two threads at once, it ends with a segmentation fault."""
    program = """
import threading
import msgspec
from gitops.decoding import convert_plain, decoder

entered, release = threading.Event(), threading.Event()

def slow():
    entered.set()
    release.wait(20)
    return int

class Leaf(msgspec.Struct):
    y: "slow()" = 0

class Inner(msgspec.Struct):
    x: "Leaf"

class One(msgspec.Struct):
    inner: "Inner"

class Other(msgspec.Struct):
    inner: "Inner"

raw = b'{"inner":{"x":{"y":1}}}'
first = threading.Thread(target=lambda: decoder(One).decode(raw))
first.start()
entered.wait(20)
found = []
waiting = [
    threading.Thread(target=lambda: found.append(decoder(Other).decode(raw).inner.x.y)),
    threading.Thread(target=lambda: found.append(convert_plain({"inner": {"x": {}}}, Other).inner.x.y + 1)),
]
for thread in waiting:
    thread.start()
    thread.join(0.2)  # time enough to crash in
release.set()
for thread in (first, *waiting):
    thread.join(20)
print(found)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)  # noqa: S603
    assert (done.returncode, done.stdout, done.stderr) == (0, "[1, 1]\n", "")
