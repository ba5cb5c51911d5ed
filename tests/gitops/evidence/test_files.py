"""Evidence as a file: the same plan comes of it, byte for byte, and whatever is wrong with one is told with its place."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitops.errors import InputError
from gitops.evidence.files import ATTRIBUTES, TEXT, as_text, beside_plan, load, read_evidence, save, write_evidence
from planner.aims import Objective
from planner.canonical import value_digest
from planner.decide import Inputs, decide
from planner.requirements import Clash, Requirement, Requirements
from planner.snapshot import Volume
from renderer.document import plan_text
from tests.planner.cluster import NOW, inputs_of, node, node_class, node_pool, pod
from tests.planner.test_cases import FILES
from tests.planner.test_cases import load as load_case
from tests.planner.test_random_clusters import clusters

if TYPE_CHECKING:
    from pathlib import Path

    from tests.planner.cluster import Object

quick = settings(max_examples=40, suppress_health_check=list(HealthCheck))
SMALL = inputs_of([node_class(), node_pool(), node("n1", pool="karpenter-a"), pod("p", cpu="1")])


def written(inputs: Inputs = SMALL) -> dict[str, Any]:
    """What a file says, to be spoilt."""
    found: dict[str, Any] = json.loads(gzip.decompress(save(inputs, now=NOW)))
    return found


@quick
@given(objects=clusters(), seconds=st.integers(0, 10**6), objective=st.sampled_from(Objective))
def test_what_is_saved_plans_as_what_it_was_saved_from(
    objects: list[Object], seconds: int, objective: Objective
) -> None:  # fmt: skip
    inputs = inputs_of(objects)
    inputs = replace(inputs, aims=replace(inputs.aims, objective=objective))
    now = NOW + timedelta(seconds=seconds, microseconds=seconds)
    data = save(inputs, now=now)
    saved = load(data, "evidence")
    assert (saved.inputs, saved.now) == (inputs, now)
    assert value_digest(saved.inputs) == value_digest(inputs)
    assert save(saved.inputs, now=saved.now) == data
    assert plan_text(decide(saved.inputs, now=saved.now)) == plan_text(decide(inputs, now=now))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_everything_a_plan_may_hang_on_is_kept(path: Path) -> None:
    _, inputs, now = load_case(path)
    saved = load(save(inputs, now=now), "evidence")
    assert saved.inputs == inputs
    assert value_digest(saved.inputs) == value_digest(inputs), "what takes no part in equality too"


def test_requirements_that_clash_still_say_between_which() -> None:
    one, other = (Requirement("zone", frozenset({name})) for name in "ab")
    volume = Volume(name="v", alternatives=(Requirements.of([one, other]),))
    inputs = replace(SMALL, snapshot=replace(SMALL.snapshot, volumes=(volume,)))
    again = load(save(inputs, now=NOW), "evidence").inputs.snapshot.volumes[0].alternatives[0].items[0]
    assert isinstance(again, Clash)
    assert again.between == (one, other)


def test_nothing_is_kept_that_decides_nothing() -> None:
    secret = "hunter2-hunter2"
    dressed = pod("p", cpu="1", labels={"app": "web"})
    dressed["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": secret}
    dressed["metadata"]["managedFields"] = [{"manager": secret}]
    dressed["spec"]["containers"][0] |= {
        "image": secret, "args": [secret], "env": [{"name": "TOKEN", "value": secret}], "command": [secret],
    }  # fmt: skip
    dressed["status"]["message"] = secret
    inputs = inputs_of([node_class(), node_pool(), dressed, node("n1", annotations={"note": secret})])
    text = gzip.decompress(save(inputs, now=NOW)).decode()
    assert '"app","web"' in text
    assert secret not in text


def test_all_three_forms_are_read(tmp_path: Path) -> None:
    data = save(SMALL, now=NOW)
    for form in (data, as_text(data).encode(), as_text(data).replace("\n", "\r\n").encode(), gzip.decompress(data)):
        (tmp_path / "evidence").write_bytes(form)
        assert read_evidence(tmp_path / "evidence").inputs == SMALL
    write_evidence(tmp_path / "written", SMALL, now=NOW)
    assert (tmp_path / "written").read_bytes() == data
    assert max(map(len, as_text(data).splitlines())) == 76


def test_what_is_too_large_is_not_stored_and_the_old_one_goes() -> None:
    stored = beside_plan(SMALL, now=NOW)
    assert stored.note == ""
    assert [path for path, _ in stored.files] == [ATTRIBUTES, TEXT]
    text = stored.files.get(TEXT)
    assert text is not None
    assert load(text.encode(), "evidence").inputs == SMALL
    size = len(save(SMALL, now=NOW))
    assert beside_plan(SMALL, now=NOW, limit=size).files
    over = beside_plan(SMALL, now=NOW, limit=size - 1)
    assert (over.files.as_map(), over.removed) == ({}, (TEXT, ATTRIBUTES))
    assert over.note == "the evidence is not stored: it has 0.1 MiB, more than 0.1 MiB"


GONE = object()
POD = ("inputs", "snapshot", "pods", 0)


@pytest.mark.parametrize(("path", "value", "told"), [
    (("kind",), "Plan", "kind: must be Evidence"),
    (("inputs",), GONE, "inputs is missing"),
    ((*POD, "image"), "x", "inputs.snapshot.pods[0].image: is not known here"),
    ((*POD, "name"), GONE, "inputs.snapshot.pods[0]: name is missing"),
    ((*POD, "name"), 5, "inputs.snapshot.pods[0].name: must be text"),
    ((*POD, "deleting"), 1, "inputs.snapshot.pods[0].deleting: must be true or false"),
    ((*POD, "phase"), {}, "inputs.snapshot.pods[0].phase: must be one of Pending, Running, Succeeded, Failed, Unknown"),
    (("inputs", "catalog", "flavors", 1, "hourly"), 2**63, "inputs.catalog.flavors[1].hourly: is too large a number"),
    (("inputs", "snapshot", "nodes", 0, "labels", 0), ["a"], "inputs.snapshot.nodes[0].labels[0]: must be a list of 2"),
    (("now",), "2026-03-01T12:00:00", "now: must be a time in RFC 3339"),
    (("inputs", "policy", "node_pools", 0, "taints"), [{"key": "a", "effect": "Never"}],
     "inputs.policy.node_pools[0].taints[0]: taint effect 'Never' is unknown"),
])  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(path: tuple[Any, ...], value: object, told: str) -> None:
    plain = written()
    holder: Any = plain
    for step in path[:-1]:
        holder = holder[step]
    if value is GONE:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    with pytest.raises(InputError) as caught:
        load(gzip.compress(json.dumps(plain, indent=1).encode()), "evidence.gz")
    assert str(caught.value).startswith("evidence.gz:")
    assert told in str(caught.value)
    assert caught.value.place is not None
    assert caught.value.place.line > 0


def test_what_is_no_map_is_told() -> None:
    with pytest.raises(InputError, match="must be a map with apiVersion, kind, now and inputs"):
        load(gzip.compress(b"[]"), "evidence.gz")


GOOD = save(SMALL, now=NOW)


@pytest.mark.parametrize(("data", "told"), [
    (b"", "is damaged"),
    (b"nonsense!", "neither gzip nor base64 nor JSON"),
    (b"\xff\xfe\x00", "neither gzip nor base64 nor JSON"),
    (base64.b64encode(b"words"), "cannot be decompressed"),
    (GOOD[:-20], "ends too early"),
    (GOOD + GOOD, "or too late"),
    (GOOD[:200] + b"????" + GOOD[204:], "is damaged"),
    (gzip.compress(b"\xff{}"), "not UTF-8 text (byte 0)"),
    (b"{", "not JSON"),
    (b'{"now": NaN}', "NaN is no number"),
    (gzip.compress(b"[" * 100_000), "nested too deeply"),
    (gzip.compress(bytes(100_000_000)), "no evidence does"),
    (as_text(gzip.compress(bytes(100_000_000))).encode(), "no evidence does"),
], ids=lambda one: one if isinstance(one, str) else "")  # fmt: skip
def test_what_is_no_evidence_at_all_is_told(data: bytes, told: str) -> None:
    with pytest.raises(InputError, match="evidence") as caught:
        load(data, "evidence")
    assert told in str(caught.value)


def test_files_that_cannot_be_had_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone: cannot be read: No such file"):
        read_evidence(tmp_path / "gone")
    with pytest.raises(InputError, match="cannot be written"):
        write_evidence(tmp_path / "gone" / "evidence", SMALL, now=NOW)
    with (tmp_path / "large").open("wb") as file:
        file.truncate(65 * 10**6)
    with pytest.raises(InputError, match="at most 64 MB"):
        read_evidence(tmp_path / "large")
