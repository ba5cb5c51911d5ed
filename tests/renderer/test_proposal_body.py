"""Descriptions and comments: below every limit, with what decides, and harmless whatever the cluster says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from planner.between import NOTHING, Given
from planner.catalog import Catalog
from planner.departing import Departure, Eviction
from planner.errors import ValueRefused
from planner.guardrails import Violation
from planner.handover import import_plan, release_plan
from planner.plan import Action, Plan, Reason
from planner.pods import Owner
from planner.pools import Pool, PoolName, PoolSet, ProviderState
from planner.portion import Kind
from renderer import comments
from renderer.context import Context
from renderer.mermaid import flowchart, label
from renderer.proposal import render_plan_comment, render_proposal
from renderer.sections import LEAST, Section, fitted
from renderer.summary import summarize
from renderer.wording import glance_text, time_text
from tests.gitops.plans import plan_of, pool
from tests.renderer.cases import load_case
from tests.renderer.strategies import few_examples, few_texts, plans, texts
from tests.renderer.test_proposal_texts import huge, propose, read_context

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
FRAME = {
    "paragraph", "table", "thead", "tbody", "tr", "th", "td", "bullet_list", "list_item", "strong", "blockquote",
    "heading", "inline", "text", "code_inline", "softbreak", "fence",
}  # fmt: skip
#: What a forge gives a meaning to, outside of code.
LOUD = re.compile(
    r"@\w|#\d|!\d|~\w|://|(?i:www\.|gh-\d)|\b[A-Z][A-Z0-9_]+-\d|\b(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\b|:tada:"
)

evictions = st.builds(
    Eviction, pod=texts, owner=st.none() | st.builds(Owner, texts, texts, texts), onto=st.none() | texts,
    headroom=st.none() | st.integers(-1, 9), blocked_by=few_texts,
)  # fmt: skip
contexts = st.builds(
    Context, verdict=few_texts, freeze=texts, evidence=texts, apply=texts, decline=texts, pause=texts,
    violations=st.lists(st.builds(Violation, texts, texts), max_size=2).map(tuple),
    departures=st.lists(
        st.builds(
            Departure, node=texts, pool=texts, evictions=st.lists(evictions, max_size=2).map(tuple),
            blocked_by=few_texts, forced_after=st.none() | st.integers(0, 9999),
        ),
        max_size=2,
    ).map(tuple),
)  # fmt: skip


def _tokens(markdown: str) -> Iterator[Token]:
    for token in PARSER.parse(markdown):
        yield from token.children or [token]


def _is_harmless(markdown: str) -> None:
    """Raises AssertionError where a text could mean something to Markdown, HTML or a forge."""
    for token in _tokens(markdown):
        kind = token.type.removesuffix("_open").removesuffix("_close")
        assert kind in FRAME, token
        assert kind != "fence" or token.info == "mermaid", token
        assert kind != "text" or not LOUD.search(token.content), token
    assert "<!--" not in markdown
    assert not re.search(r"^\s*/", markdown, re.MULTILINE)


@few_examples
@given(plans(), contexts, st.sampled_from(Kind))
def test_no_text_means_anything_to_a_forge(plan: Plan, context: Context, kind: Kind) -> None:
    made = render_proposal(plan, cluster="demo", kind=kind, context=context)

    for text in (made.body, made.details, render_plan_comment(plan, context)):
        _is_harmless(text)
    assert sum(token.type == "fence" for token in _tokens(made.details)) == bool(plan.changes)


@few_examples
@given(plans(), contexts, st.integers(LEAST, 2 * LEAST))
def test_a_body_is_below_its_limit_and_keeps_what_decides(plan: Plan, context: Context, limit: int) -> None:
    unplaced, warnings = plan.unplaced * 100, plan.warnings * 100
    many = replace(plan, unplaced=unplaced, warnings=warnings)
    context = replace(
        context, violations=context.violations * 20, verdict=tuple(text * 200 for text in context.verdict) * 20,
        freeze=context.freeze * 200,
    )  # fmt: skip

    made = render_proposal(many, cluster="demo", kind=Kind.UP, context=context, limit=limit)

    assert len(made.body) < limit
    assert made.digest in made.body
    assert glance_text(summarize(many)) in made.body.replace("`", "")
    assert ("Shown, never applied" in made.body) == bool(context.freeze or context.violations)
    assert ("| pool | nodes | machine |" in made.body) == bool(plan.changes)


@pytest.mark.parametrize("limit", [LEAST, 32_768, 65_536, 1_000_000])
def test_a_huge_plan_is_cut_to_any_forges_limit(limit: int) -> None:
    made = render_proposal(huge(), cluster="demo", kind=Kind.UP, context=read_context("growth-refused"), limit=limit)

    assert len(made.body) < limit < len(made.details)
    assert "`plan.md`" in made.body
    assert "`plan.md`" not in made.details
    assert 'rule "growth" asks for one word' in made.body


def test_a_limit_without_room_for_a_plan_is_refused() -> None:
    with pytest.raises(ValueRefused, match="10000 are the least"):
        render_proposal(load_case("mixed"), cluster="demo", kind=Kind.UP, limit=LEAST - 1)


def test_all_of_it_names_each_workload_pod_and_reason() -> None:
    plan = load_case("mixed")
    (first, *_) = plan.unplaced or load_case("stays-pending").unplaced
    pods = tuple(f"shop/pod-{number}" for number in range(50))
    plan = replace(plan, unplaced=(replace(first, owner=None, pods=pods),))

    made = render_proposal(plan, cluster="demo", kind=Kind.UP)

    assert all(pod in made.details for pod in pods)
    assert "and 44 pods more" in made.body


def test_sections_are_cut_in_whole_blocks_and_what_is_missing_is_named() -> None:
    rows = tuple(f"- {number:05}" + "x" * 90 for number in range(200))
    wall = Section(name="the wall", blocks=("y" * LEAST,))

    text = fitted(
        [Section(blocks=("top",), stays=True), Section(name="rows", noun="row", blocks=rows), wall,
         Section(name="nothing"), Section(blocks=("end",), stays=True)],
        limit=LEAST, rest="all.md",
    )  # fmt: skip

    shown = [line for line in text.splitlines() if line.startswith("- ")]
    assert shown == list(rows[: len(shown)])
    assert f"And {200 - len(shown)} rows more: see `all.md`." in text
    assert text.endswith("Left out here, whole in `all.md`: the wall.\n\nend\n")


@given(texts)
def test_a_label_of_the_picture_holds_no_sign_that_ends_it(text: str) -> None:
    assert re.fullmatch(r"(?:[A-Za-z0-9 ]|-|#\d+;)*", label(text))


@given(plans())
def test_the_picture_has_no_tag_for_gitea_shows_it_as_xml(plan: Plan) -> None:
    assert "<" not in flowchart(summarize(plan))


def test_the_picture_has_the_flavor_that_is_left_behind() -> None:
    drawn = flowchart(summarize(load_case("proposals/replacement")))

    assert 'b0["2 × b2-7"] -->|"replace"| a0["2 × b3-8"]' in drawn


def test_the_picture_draws_a_dozen_pools() -> None:
    drawn = render_proposal(huge(pools=20, pods=1, length=10), cluster="demo", kind=Kind.UP).details.partition(
        "```mermaid"
    )[2]

    assert drawn.count("-->") == 12
    assert "and 8 pools more" in drawn


@pytest.mark.parametrize(("action", "says"), [
    (Action.CREATE, "+1 ~0 -0 nodes"), (Action.REPLACE, "+0 ~2 -0 nodes"), (Action.DELETE, "+0 ~0 -12 nodes"),
    (Action.UPDATE, "+3 ~2 -0 nodes"),
])  # fmt: skip
def test_nodes_are_counted_as_what_becomes_of_them(action: Action, says: str) -> None:
    plan = load_case("mixed")
    changes = tuple(change for change in plan.changes if change.action is action)

    assert glance_text(summarize(replace(plan, changes=changes))).startswith(says)


def test_bounds_alone_touch_no_node() -> None:
    plan = load_case("proposals/replacement")
    spare = tuple(change for change in plan.changes if change.pool == "spare")

    assert glance_text(summarize(replace(plan, changes=spare))).startswith("+0 ~0 -0 nodes")
    assert glance_text(summarize(replace(plan, changes=spare))).endswith("settings of 1 pool")


@pytest.mark.parametrize(("time", "says"), [
    ("2026-03-01T09:12:40Z", "09:12 UTC"), ("2026-03-01T01:30:00+02:00", "2026-02-28 23:30 UTC"),
    ("2026-02-27T09:12:00Z", "2026-02-27 09:12 UTC"), ("@all", ""), ("", ""), ("0001-01-01T00:00:00+14:00", ""),
])  # fmt: skip
def test_times_are_in_utc_and_days_are_told_where_they_differ(time: str, says: str) -> None:
    assert time_text(time, now="2026-03-01T12:00:00Z") == says


def test_nodes_that_are_not_known_to_be_empty_are_not_called_empty() -> None:
    plan, context = load_case("proposals/removal"), read_context("removal")
    bare = render_proposal(plan, cluster="demo", kind=Kind.UP, context=replace(context, departures=()))

    assert bare.body.count("what runs there was not looked at") == 1
    assert bare.body.count("only pods of daemon sets run there") == 1
    assert "lets none go now" in propose("removal").body


@pytest.mark.parametrize("context", [Context(freeze="f"), Context(violations=(Violation("maxNodes", "t"),))])
def test_what_is_forbidden_is_not_said_to_be_applied_by_a_merge(context: Context) -> None:
    for text in (
        render_proposal(load_case("mixed"), cluster="demo", kind=Kind.UP, context=context).body,
        render_plan_comment(load_case("mixed"), context),
    ):
        assert "**Shown, never applied" in text
        assert "merge this; then exactly this is applied, once." not in text


@given(texts, texts, texts, few_texts)
def test_comments_are_one_word_a_sentence_and_details(one: str, two: str, three: str, more: tuple[str, ...]) -> None:
    for text in (
        comments.withdrawn(one), comments.stopped(one, author=two, commit=three),
        comments.declined(one, until=two), comments.applied(one, details=more), comments.failed(one, details=more),
        comments.withheld(more),
    ):  # fmt: skip
        _is_harmless(text)
        assert re.match(r"\*\*[A-Z][a-z ]+:\*\* ", text)
        assert len(text) < 65_536


def test_comments_read_well() -> None:
    assert comments.withdrawn("no pod waits any more") == "**Withdrawn:** no pod waits any more.\n"
    assert comments.applied("done in 3m12s", details=["pool a: 2 nodes are Ready"]) == (
        "**Applied:** done in 3m12s.\n\n- pool a: 2 nodes are Ready\n"
    )
    assert comments.declined("ana", until="10 pods more wait") == (
        "**Declined:** Closed by `ana`, and remembered: this is not proposed again until 10 pods more wait.\n"
    )


@pytest.mark.parametrize(("kind", "glance", "otherwise"), [
    (Kind.IMPORT, "1 pool imported", "what would be imported stays as it is"),
    (Kind.RELEASE, "1 pool released", "poolplan goes on managing what would be released"),
])  # fmt: skip
def test_a_pool_that_changes_hands_is_told_as_what_it_is(kind: Kind, glance: str, otherwise: str) -> None:
    pool = Pool(name=PoolName("workers"), flavor="b3-8", desired=3, state=ProviderState(id="id-1"))
    empty = Catalog(currency="EUR", source="", regions=(), flavors=())
    given_with = Given(catalog=empty, policy=NOTHING, now="2026-03-01T12:00:00Z")
    imports = kind is Kind.IMPORT
    plan = import_plan(PoolSet(), [pool], given_with) if imports else release_plan(PoolSet.of([pool]), [pool], given_with)
    made = render_proposal(plan, cluster="paris", kind=kind)

    assert made.title == f"{kind.value.capitalize()} pools of paris: {glance}"
    assert f"**`+0 ~0 -0` nodes, €0.00/h (€0/month), {glance}**" in made.body
    assert f"**If nobody merges:** {otherwise}" in made.body
    assert "- **Decline:** close this; it comes again only if somebody asks for it.\n" in made.body


def test_nodes_that_never_came_hold_nothing() -> None:
    plan = plan_of((pool("a", 3),), (pool("a", 1),), victims={"a": ("n2", "n3")})
    reason = Reason("never-came", "2 of 3 nodes never came: FLAVOR_OUT_OF_STOCK_ERROR")
    plan = replace(plan, changes=tuple(replace(one, reasons=(reason,)) for one in plan.changes))
    body = render_proposal(plan, cluster="paris", kind=Kind.UP).body
    assert "- `n2`, `n3` of pool `a`: never joined the cluster, so nothing runs there\n" in body
