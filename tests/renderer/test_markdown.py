"""Markdown for forges: text from the cluster stays text, whatever it says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from markdown_it import MarkdownIt
from markdown_it.token import Token

from planner.plan import Plan
from renderer.markdown import code, plan_view, prose
from renderer.summary import summarize
from renderer.text import one_line
from tests.renderer.cases import load_case
from tests.renderer.strategies import few_examples, plans, texts

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
FRAME = {"paragraph", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item", "strong", "blockquote"}
#: What a forge gives a meaning to, outside of code.
LOUD = re.compile(r"@\w|#\d|!\d|://|www\.|GH-\d", re.IGNORECASE)


def _tokens(markdown: str) -> Iterator[Token]:
    for token in PARSER.parse(markdown):
        yield from token.children or [token]


@few_examples
@given(plans())
def test_no_text_of_a_plan_adds_markup(plan: Plan) -> None:
    for token in _tokens(plan_view(summarize(plan), cluster="demo")):
        kind = token.type.removesuffix("_open").removesuffix("_close")
        assert kind in FRAME or kind in ("text", "code_inline", "softbreak", "inline"), token
        assert kind != "text" or not LOUD.search(token.content), token


@few_examples
@given(plans())
def test_every_change_is_one_row_of_the_table(plan: Plan) -> None:
    rows = sum(token.type == "tr_open" for token in _tokens(plan_view(summarize(plan))))

    assert rows == (len(plan.changes) + 1 if plan.changes else 0)


@given(texts)
def test_a_code_span_shows_the_text_and_cannot_be_left(text: str) -> None:
    (token,) = (token for token in _tokens(code(text)) if token.type not in ("paragraph_open", "paragraph_close"))

    assert (token.type, token.content) == ("code_inline", one_line(text) or '""')


@pytest.mark.parametrize(("text", "shown"), [
    ("2 × b3-8 at 0.1024/h; next best: b3-16 (50%)", "2 × b3-8 at 0.1024/h; next best: b3-16 (50%)"),
    ("ask @all, fixes #1", "ask `@all,` fixes `#1`"),
    ("see www.example or https://e", "see `www.example` or `https://e`"),
    ("<b> [a](b) **c** a|b", "`<b>` `[a](b)` `**c**` `a|b`"),
    ("closes gh-12 now", "closes `gh-12` now"),
    ("line\n\n# two", "line `#` two"),
    ("--- a - b", "`---` a - b"),
    ("1. first 2. second", "`1.` first 2. second"),
    ("+ plus", "`+` plus"),
])  # fmt: skip
def test_words_that_mean_something_stand_in_code(text: str, shown: str) -> None:
    assert prose(text) == shown


def test_a_description_fits_into_what_a_forge_takes() -> None:
    plan = load_case("hostile-text")
    changes = tuple(plan.changes[0] for _ in range(1000))
    unplaced = plan.unplaced * 400
    summary = summarize(Plan(
        declared=plan.declared, desired=plan.desired, changes=changes, unplaced=unplaced, cost=plan.cost,
        evidence=plan.evidence, warnings=plan.warnings * 400,
    ))  # fmt: skip

    text = plan_view(summary)

    assert len(text) < 65_536
    assert "changes more are in `plan.json`" in text
    assert "of pods more: see `plan.json`" in text
