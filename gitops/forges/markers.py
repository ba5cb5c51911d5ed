"""The hidden word by which a comment of ours is found again, written as an HTML comment that no forge shows."""

from __future__ import annotations

CLOSING = "poolplan:closing"
"""The comment that says why a request was closed: closing again says it no second time."""


def marked(marker: str, body: str) -> str:
    """The text of a comment with its marker. Raises ValueError for a marker that would end its own HTML comment."""
    if not marker or "--" in marker or ">" in marker or any(char.isspace() for char in marker):
        raise ValueError(f"{marker!r} cannot stand in an HTML comment")
    return f"{_line(marker)}\n{body}"


def unmarked(marker: str, text: str) -> str | None:
    """What a comment with this marker says; None for any other text.

    The marker counts at the very beginning only: quoting a comment does not make another one of it. Forges trim the
    ends of what they keep and may write line ends as CR LF, so both are evened out here.
    """
    plain = text.replace("\r\n", "\n").strip()
    head, _, body = plain.partition("\n")
    return body if head == _line(marker) else None


def same_text(one: str, other: str) -> bool:
    """Whether two texts are the same for a forge: up to line ends and the blank ends that it trims."""
    return one.replace("\r\n", "\n").strip() == other.replace("\r\n", "\n").strip()


def _line(marker: str) -> str:
    return f"<!-- {marker} -->"
