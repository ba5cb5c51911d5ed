"""Drift as a table, a document and a patch."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given

from gitops.catalogs.bundle import bundled
from planner.between import Given, plan_between
from planner.canonical import Digest
from planner.drift import USUAL, Drift, DriftKind, as_observed, engine_drift, find_drift, in_order, treatments
from planner.leaving import Leaving
from planner.plan import Reason
from planner.pools import PoolSet, ProviderState
from planner.portion import Kind
from planner.taints import Taint
from renderer.context import Context
from renderer.drift import drift_table
from renderer.drift_document import document_text, drift_document
from renderer.driftwire import schema
from renderer.patch import apply_patch, patch_between, patch_text, pools_document
from renderer.proposal import render_proposal
from renderer.proposal_body import other_way
from tests.conftest import CompareText
from tests.gitops.plans import pool
from tests.planner.test_drift import SETS
from tests.renderer.strategies import few_examples

FOLDER = Path(__file__).parent / "drift"
SCHEMA_FILE = Path(__file__).parents[2] / "renderer" / "data" / "drift.schema.json"
COMMIT = "0123456789abcdef0123456789abcdef01234567"

DECLARED = PoolSet.of([
    pool("karpenter-anew", 1), pool("karpenter-gone", 3), pool("karpenter-resized", 2), pool("karpenter-same", 1),
    pool("karpenter-scaled", 2), pool("karpenter-template", 1, labels=(("team", "web"),)),
])  # fmt: skip


def there(name: str, nodes: int, status: str = "READY", **fields: object) -> object:
    return pool(name, nodes, state=ProviderState(id=f"id-{name}", status=status, available_nodes=nodes), **fields)


OBSERVED = PoolSet.of([
    there("karpenter-anew", 1, flavor="b3-16"), there("karpenter-resized", 5, "UPSCALING"), there("karpenter-same", 1),
    there("karpenter-scaled", 4, autoscale=True), there("karpenter-stray", 1), there("system", 2),
    there("karpenter-template", 1, labels=(("team", "\x1b[31mred"),), taints=(Taint("a", "b", "NoExecute"),)),
])  # type: ignore[list-item]  # fmt: skip


@pytest.fixture(scope="module")
def found() -> tuple[Drift, ...]:
    """One of each kind."""
    state = engine_drift([(pool("karpenter-same", 9), "old")], DECLARED, PoolSet.of([OBSERVED.pools[2]]))
    both = in_order((*find_drift(DECLARED, OBSERVED), *state))
    assert {one.kind for one in both} == set(DriftKind) - {DriftKind.BOUNDS}
    return both


def test_the_views_are_the_expected_ones(found: tuple[Drift, ...], golden: CompareText) -> None:
    policy = treatments(found, USUAL)
    golden(FOLDER / "table.txt", drift_table(found, policy))
    golden(FOLDER / "drift.json", document_text(drift_document(found, policy, cluster="demo", commit=COMMIT)))
    there = as_observed(DECLARED, OBSERVED, DECLARED.names())
    golden(FOLDER / "patch.json", patch_text(patch_between(DECLARED, there)))


def test_nothing_is_an_empty_table_and_a_whole_document() -> None:
    assert drift_table((), {}) == ""
    assert drift_document((), {}, cluster="demo", commit=COMMIT)["drifted"] is False


def test_the_schema_file_is_made_from_the_structure(golden: CompareText) -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    golden(SCHEMA_FILE, json.dumps(schema(), indent=2) + "\n")


@few_examples
@given(SETS, SETS)
def test_every_document_satisfies_the_schema(declared: PoolSet, observed: PoolSet) -> None:
    found = find_drift(declared, observed)
    document = drift_document(found, treatments(found, USUAL), cluster="demo", commit=COMMIT)
    jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8"))).validate(document)
    assert json.loads(document_text(document)) == document


@few_examples
@given(SETS, SETS)
def test_the_patch_leads_from_the_declared_pools_to_what_is_there(declared: PoolSet, observed: PoolSet) -> None:
    there = as_observed(declared, observed, declared.names())
    patch = patch_between(declared, there)
    assert apply_patch(pools_document(declared), patch) == pools_document(there)
    assert bool(patch) is (there != declared)


def test_the_patch_refuses_other_pools() -> None:
    there = as_observed(DECLARED, OBSERVED, DECLARED.names())
    patch = patch_between(DECLARED, there)
    others = PoolSet.of(replace(one, desired=50) for one in DECLARED)
    with pytest.raises(Exception, match="not equal"):
        apply_patch(pools_document(others), patch)


@pytest.mark.parametrize("kind", [Kind.DRIFT, Kind.RESTORE], ids=lambda kind: kind.value)
def test_what_a_proposal_says_of_it_is_the_expected_text(kind: Kind, golden: CompareText) -> None:
    there = as_observed(DECLARED, OBSERVED, ["karpenter-resized", "karpenter-gone", "karpenter-template"])
    sides = (DECLARED, there) if kind is Kind.DRIFT else (there, DECLARED)
    leaving = {"karpenter-resized": Leaving(nodes=("n1", "n2", "n3"))} if kind is Kind.RESTORE else {}
    given = Given(
        catalog=bundled(), policy=Digest("sha256:" + "0" * 64), now="2026-03-01T12:00:00Z", observed=OBSERVED,
        victims=leaving, reason=Reason("drift", "somebody changed the pool at the provider"), adopts=kind is Kind.DRIFT,
    )  # fmt: skip
    context = Context(decline=other_way(["karpenter-resized", "karpenter-gone"], kind) if kind is Kind.DRIFT else "")
    made = render_proposal(plan_between(*sides, given), cluster="demo", kind=kind, context=context)
    golden(FOLDER / f"{kind.value}.message.txt", made.message)
    golden(FOLDER / f"{kind.value}.body.md", made.body)
