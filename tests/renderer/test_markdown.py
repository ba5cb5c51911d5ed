"""Markdown for forges: text from the cluster stays text, whatever it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from planner.plan import Plan
from renderer.escape import code, plain, prose, short_prose
from renderer.markdown import plan_view
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

    assert (token.type, token.content) == ("code_inline", one_line(text).replace("<!--", "<\\x21--") or '""')


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
    ("run /approve or (/merge)", "run `/approve` or `(/merge)`"),
    ("commit deadbeef1 of PROJ-12", "commit `deadbeef1` of `PROJ-12`"),
    ("<!-- poolplan:plan -->", "`<\\x21--` poolplan:plan `-->`"),
    ("%1 :tada: mailto:a", "`%1` `:tada:` `mailto:a`"),
])  # fmt: skip
def test_words_that_mean_something_stand_in_code(text: str, shown: str) -> None:
    assert prose(text) == shown


@given(texts)
def test_a_commit_message_shows_no_sign_that_means_something(text: str) -> None:
    assert not LOUD.search(plain(text))
    assert not re.search(r"[@#!<`$]", plain(text))


@given(st.lists(texts, max_size=40).map("".join), st.integers(20, 90))
def test_a_sentence_is_cut_to_a_length(text: str, most: int) -> None:
    shown = short_prose(text, most)

    assert len(shown) <= most
    assert shown == prose(text) or "…" in shown


def test_a_description_fits_into_what_a_forge_takes() -> None:
    plan = load_case("hostile-text")
    changes = tuple(plan.changes[0] for _ in range(1000))
    text = plan_view(summarize(replace(
        plan, changes=changes, unplaced=plan.unplaced * 400, warnings=plan.warnings * 400,
    )))  # fmt: skip

    assert len(text) < 65_536
    assert re.search(r"And \d+ pools more: see `plan.json`", text)
    assert re.search(r"And \d+ groups more: see `plan.json`", text)
