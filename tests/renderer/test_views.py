"""Every text made of a plan, compared whole with files that ``pytest --update-golden`` rewrites."""

from __future__ import annotations

import pytest

from planner.plan import Plan
from planner.portion import Kind
from renderer import markdown, terminal
from renderer.document import plan_text
from renderer.document_read import read_plan_text
from renderer.nodes import node_text
from renderer.patch import patch_text, plan_patch
from renderer.proposal import render_proposal
from renderer.summary import summarize
from renderer.terminal import Screen
from renderer.terraform_settings import TerraformSettings
from renderer.tree import render_files
from tests.conftest import CompareText
from tests.renderer.cases import CASES, FOLDER, load_case

SETTINGS = TerraformSettings(
    service_name="0123456789abcdef0123456789abcdef", kube_id="11111111-2222-3333-4444-555555555555"
)


def texts_of(plan: Plan) -> dict[str, str]:
    """Every text there is, by the name of its file."""
    summary = summarize(plan)
    proposal = render_proposal(plan, cluster="demo", kind=Kind.POLICY)
    return {
        "plan.json": plan_text(plan),
        "nodes.json": node_text(plan),
        "patch.json": patch_text(plan_patch(plan)),
        "terminal.txt": terminal.plan_view(summary, cluster="demo"),
        "terminal-narrow-color.txt": terminal.plan_view(summary, screen=Screen(width=60, color=True)),
        "plan.md": markdown.plan_view(summary),
        "proposal.md": f"{proposal.title}\n\n{proposal.body}",
        "commit.txt": proposal.message,
        **{f"pools/{path}": text for path, text in render_files(plan.desired, SETTINGS)},
    }


@pytest.mark.parametrize("case", CASES)
def test_each_text_is_the_expected_one(case: str, golden: CompareText) -> None:
    plan = load_case(case)

    for name, text in texts_of(plan).items():
        golden(FOLDER / case / "expected" / name, text)


@pytest.mark.parametrize("case", CASES)
def test_no_expected_text_is_left_over(case: str) -> None:
    folder = FOLDER / case / "expected"

    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}

    assert found == set(texts_of(load_case(case)))


@pytest.mark.parametrize("case", CASES)
def test_the_document_gives_the_sametexts_of(case: str) -> None:
    plan = load_case(case)

    assert texts_of(read_plan_text(plan_text(plan))) == texts_of(plan)
