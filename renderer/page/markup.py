"""HTML from Python values. Text is escaped unless it is ``Html`` already, so forgetting it is not possible."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from renderer.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable


class Html(str):
    """Text that is markup, and not escaped again. Only this module and ``renderer.page`` make any."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | int | None) -> Html:
    """``<name …>…</name>``. Children that are no Html are text. Attributes: ``class_`` is class, ``aria_label`` is
    aria-label; None leaves one out.
    """
    return Html(f"<{name}{_attributes(attributes)}>{joined(children)}</{name}>")


def void(name: str, /, **attributes: str | int | None) -> Html:
    """An element without an end tag, in SVG too: ``<name …/>``."""
    return Html(f"<{name}{_attributes(attributes)}/>")


def joined(children: Iterable[str]) -> Html:
    """The children one after the other."""
    return Html("".join(child if isinstance(child, Html) else text(child) for child in children))


def text(value: str) -> Html:
    """Text on one line, what cannot be seen as its code point, and nothing in it that means anything to a browser.

    White space at an end stays one space, for pieces of a sentence.
    """
    shown = escape(one_line(value))
    return Html(f"{' ' if value[:1].isspace() else ''}{shown}{' ' if value[1:] and value[-1].isspace() else ''}")


def link(address: str, label: str) -> Html:
    """A link to a web page; an address that is none is text beside its label."""
    if not address.startswith(("https://", "http://")):
        return text(label)
    return element("a", label, href=address, rel="noreferrer")


def path_part(name: str) -> str:
    """A name as one part of an address's path (RFC 3986): all but unreserved characters as their bytes."""
    return "".join(
        chr(byte) if (byte < 128 and chr(byte).isalnum()) or chr(byte) in "-._~" else f"%{byte:02X}"
        for byte in name.encode("utf-8", "replace")
    )


def _attributes(given: dict[str, str | int | None]) -> str:
    return "".join(
        f' {name.rstrip("_").replace("_", "-")}="{text(str(value))}"' for name, value in given.items()
        if value is not None
    )  # fmt: skip
