"""Text never becomes markup, whatever is in it."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from renderer.page.markup import Html, element, link, path_part, text, void
from renderer.text import one_line

HOSTILE = ("<script>alert(1)</script>", '" onload="alert(1)', "' onload='x", "</title><b>", "&lt;", "]]>", "javascript:alert(1)", "\u202egnp", "a\x00b")


class Parsed(HTMLParser):
    """What a browser reads: tags with their attributes, and text."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


texts = st.one_of(st.sampled_from(HOSTILE), st.text())


@given(texts)
def test_a_child_is_read_as_the_text_that_it_is(given_text: str) -> None:
    parsed = Parsed(element("p", given_text))
    assert [tag for tag, _ in parsed.tags] == ["p"]
    assert parsed.words.strip() == one_line(given_text).strip()


@given(texts)
def test_an_attribute_stays_within_its_quotes(given_text: str) -> None:
    parsed = Parsed(element("p", "x", title=given_text))
    [(tag, attributes)] = parsed.tags
    assert tag == "p"
    assert list(attributes) == ["title"]
    assert (attributes["title"] or "").strip() == one_line(given_text).strip()


@given(texts)
def test_only_web_addresses_become_links(given_text: str) -> None:
    parsed = Parsed(link(given_text, "there"))
    assert [tag for tag, _ in parsed.tags] == (["a"] if given_text.startswith(("http://", "https://")) else [])


@given(texts)
def test_a_name_in_a_path_is_spelled_as_everywhere(given_text: str) -> None:
    assert path_part(given_text) == quote(given_text, safe="")


def test_markup_is_not_escaped_again() -> None:
    assert element("p", element("b", "<"), "&") == "<p><b>&lt;</b>&amp;</p>"
    assert isinstance(void("br"), Html)


def test_pieces_of_a_sentence_keep_the_space_between_them() -> None:
    assert element("p", "one ", element("b", "two"), " three") == "<p>one <b>two</b> three</p>"
    assert text(" ") == " "
