"""The quick reader of large YAML says what the thorough one says, or leaves the text to it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops.cluster import items, read_inputs
from gitops.cluster.quickyaml import NotPlainError, available, quick_documents
from gitops.errors import InputError
from gitops.yamlfile import parse_yaml

from .made import ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.decoding import Step

DATA = Path(__file__).parents[2] / "data" / "cluster"
SCALARS = (
    "yes", "on", "True", "false", "null", "~", "", "1", "-3", "+4", "007", "1.5", "1e3", ".5", "1.", "1.5.2", "500m",
    "1Gi", "10.0.0.1", "2026-01-01", "2026-01-01T00:00:00Z", "12:30", "=", "<", "<<x", "-", "a: b", "'quoted'", "# no",
    "trueish", "nil", "N", "y", "0", "-0", "1_0", "0x1f", "0o17", ".inf", "-.nan", "é", "a b", "Null", "{", "@x", "%",
)  # fmt: skip
KEYS = st.sampled_from([one for one in SCALARS if one])
VALUES = st.recursive(
    st.one_of(st.sampled_from(SCALARS), st.integers(), st.booleans(), st.none(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([one for one in SCALARS if one]), inner, max_size=3),
    ),
    max_leaves=8,
)
needs_libyaml = pytest.mark.skipif(not available(), reason="PyYAML was built without libyaml")


def paths(value: object) -> Iterator[tuple[Step, ...]]:
    """To everything that is written, and to something that is not: what stands nowhere has no one place."""
    if value is None:
        return
    yield ()
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from ((step, *rest) for rest in paths(inner))
    yield ("missing", 7)


def agree(text: str) -> None:
    """Both give the same values and places, where both can read the text at all (each has odd faults in flow style)."""
    try:
        quick, thorough = list(quick_documents(text, "f")), parse_yaml(text, "f")
    except NotPlainError:
        return
    except InputError as error:
        assert "broken YAML" in str(error)  # noqa: PT017 - a text may be broken, but nothing else
        assert any(mark in text for mark in "{[")
        return
    assert [one.value for one in quick] == [one.value for one in thorough]
    for left, right in zip(quick, thorough, strict=True):
        for path in paths(left.value):
            assert left.place(path) == right.place(path)


@needs_libyaml
@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=3), st.booleans())
@example(["\x85", "yes"], False)
@example([[":0"]], True)
@example([{"a": {"b": [1, {"c": "é"}]}}, None, {"z": []}], False)
def test_both_readers_agree_on_written_values(documents: list[object], flow: bool) -> None:
    stream = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = flow
    writer.dump_all(documents, stream)
    agree(stream.getvalue())


@needs_libyaml
@pytest.mark.parametrize("text", [one for one in SCALARS if one not in ("{", "@x", "%", "-", "a: b")])
def test_both_readers_agree_on_unquoted_text(text: str) -> None:
    agree(f"key: {text}\n")


@needs_libyaml
@pytest.mark.parametrize(
    "text", ["a: &x 1\nb: *x\n", "a: !!str 1\n", "%YAML 1.1\n---\na: yes\n", "a:\n  <<: {b: 1}\n", "a: b\x85c\n"]
)
def test_what_kubectl_never_writes_is_left_to_the_thorough_reader(text: str) -> None:
    with pytest.raises(NotPlainError):
        list(quick_documents(text, "f"))


@needs_libyaml
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "f:3:1: the field 'a' is written twice"),
        ("a: 1\n? {b: 1}\n: 2\n", "f:2:3: a field's name must be plain text"),
        ("- " * 5000, "f:1:401: is nested too deeply"),
        ("a: [1\n", "f:2:1: broken YAML: did not find expected ',' or ']'"),
        ("a: \x01\n", "f: broken YAML: "),
    ],
)
def test_faults_have_their_places(text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        list(quick_documents(text, "f"))
    assert str(caught.value).startswith(said)


@needs_libyaml
@pytest.mark.parametrize("case", sorted(path.name for path in (DATA / "bad").glob("*.yaml")))
def test_faults_in_objects_are_told_alike(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(items, "QUICK_FROM", 0)
    with pytest.raises(InputError) as caught:
        read_inputs([DATA / "bad" / case], environment={"OVH_APPLICATION_SECRET": "hush-hush-hush"})
    said = str(caught.value).replace(f"{DATA / 'bad'}/", "") + "\n"
    expected = (DATA / "bad" / f"{case}.txt").read_text()
    assert said == expected or "broken YAML" in expected  # libyaml words broken text in its own way


@needs_libyaml
def test_manifests_are_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    thorough = read_inputs([DATA / "karpenter"], environment=ENVIRONMENT)
    monkeypatch.setattr(items, "QUICK_FROM", 0)
    assert read_inputs([DATA / "karpenter"], environment=ENVIRONMENT) == thorough
