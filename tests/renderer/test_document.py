"""The plan document: exact, versioned, described by its schema, and not believed once it was changed."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from planner.plan import Plan
from renderer.document import plan_document, plan_text
from renderer.document_read import read_plan_document, read_plan_text
from renderer.errors import TextRefused
from renderer.planwire import schema
from tests.conftest import CompareText
from tests.renderer.cases import CASES, FOLDER, load_case
from tests.renderer.strategies import few_examples, plans

SCHEMA_FILE = FOLDER.parent.parent.parent / "renderer" / "data" / "plan.schema.json"
CHANGED = "the plan was changed after it was made: its changes do not have the digest it names; plan again"


@few_examples
@given(plans())
def test_a_plan_is_read_back_as_it_was(plan: Plan) -> None:
    text = plan_text(plan)

    read = read_plan_text(text)

    assert read == plan
    assert read.digest == plan.digest
    assert plan_text(read) == text


@few_examples
@given(plans())
def test_every_document_satisfies_the_schema(plan: Plan) -> None:
    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8"))).validate(plan_document(plan))


def test_the_schema_file_is_made_from_the_structure(golden: CompareText) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())

    golden(SCHEMA_FILE, json.dumps(schema(), indent=2) + "\n")


@pytest.mark.parametrize("case", CASES)
def test_every_expected_document_satisfies_the_schema_and_is_believed(case: str) -> None:
    text = (FOLDER / case / "expected" / "plan.json").read_text("utf-8")

    jsonschema.Draft202012Validator(schema()).validate(json.loads(text))
    assert read_plan_text(text) == load_case(case)


def _set(path: str, value: object) -> dict[str, Any]:
    """The document of the mixed case with one value changed."""
    document = copy.deepcopy(plan_document(load_case("mixed")))
    *steps, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place: Any = document
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return document


@pytest.mark.parametrize(("path", "value", "says"), [
    ("changes.1.before.desiredNodes", 3, CHANGED),
    ("changes.1.before.id", "other", CHANGED),
    ("changes.2.victims", ["somebody-elses-node"], CHANGED),
    ("changes.1.action", "replace", CHANGED),
    ("evidence.policy", "sha256:" + "0" * 64, CHANGED),
    ("digest", "sha256:" + "0" * 64, CHANGED),
    ("changes", [], CHANGED),
    ("digest", "sha256:short", "digest: "),
    ("changes.1.after.desiredNodes", 50, "the change of pool karpenter-b3-8-eu-west-par-b does not lead to the pools"),
    ("pools.1.desiredNodes", 50, "the change of pool karpenter-b3-8-eu-west-par-b does not lead to the pools"),
    ("pools.1.name", "x", "the change of pool karpenter-b3-8-eu-west-par-b does not lead to the pools"),
    ("changes.1.pool", "x", "the change of pool x holds a pool of another name"),
    ("changes.1.action", "create", "the change of pool karpenter-b3-8-eu-west-par-b is a create with the wrong sides"),
    ("changes.1.action", "noop", "changes[1].action: it cannot be 'noop'"),
    ("pools.1.desiredNodes", "5", "pools[1].desiredNodes: a whole number is expected, found text"),
    ("pools.1.desiredNodes", None, "pools[1]: missing field desiredNodes"),
    ("cost.surprise", 1, "cost.surprise: is not known here"),
    ("cost.hourlyAfter", "1e3", "cost.hourlyAfter: text is expected matching regex"),
    ("cost.gapPercent", "about 3", "cost.gapPercent: text is expected matching regex"),
    ("certificate.survived", 4, "the plan survived 4 orders of arrival, of 3 that were tried"),
    ("expectedNodes.0.capacity.cpu", "1.5.2", "'1.5.2' is not a quantity"),
    ("kind", "Snapshot", "this is not a plan document: its kind is 'Snapshot', not 'Plan'"),
    ("apiVersion", "poolplan.dev/v9", "the plan has version 'poolplan.dev/v9', not 'poolplan.dev/v1alpha1'"),
])  # fmt: skip
def test_a_changed_document_is_refused(path: str, value: object, says: str) -> None:
    with pytest.raises(TextRefused) as refused:
        read_plan_document(_set(path, value), file="plan.json")
    assert str(refused.value).startswith(f"plan.json: {says}")


def test_a_pool_that_stands_twice_is_refused() -> None:
    document = plan_document(load_case("mixed"))
    document["pools"].append(document["pools"][-1])

    with pytest.raises(TextRefused, match="a pool stands twice in the plan"):
        read_plan_document(document)


@pytest.mark.parametrize(("path", "value"), [
    ("changes.1.reasons", []), ("certificate", None), ("cost.gapPercent", None), ("cost.currency", "USD"), ("warnings", ["other"]),
    ("evidence.now", "2027-01-01T00:00:00Z"),
])  # fmt: skip
def test_what_decides_nothing_is_not_part_of_the_digest(path: str, value: object) -> None:
    assert read_plan_document(_set(path, value)).digest == load_case("mixed").digest


@pytest.mark.parametrize(("text", "says"), [
    ("{", "plan.json:1:2: this is not a plan document: it is not JSON"),
    ("", "plan.json:1:1: this is not a plan document: it is not JSON"),
    ("[]", "plan.json: this is not a plan document: it is not a JSON object"),
    ("[" * 100_000, "plan.json: this is not a plan document: it is nested too deeply"),
    ("{}", "plan.json: this is not a plan document: its kind is None, not 'Plan'"),
])  # fmt: skip
def test_other_texts_are_refused(text: str, says: str) -> None:
    with pytest.raises(TextRefused) as refused:
        read_plan_text(text, file="plan.json")
    assert str(refused.value) == says
