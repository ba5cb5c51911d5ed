"""A text in sections that fits below a limit: whole where it can be, else as much of each section as has room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from planner.errors import ValueRefused
from renderer.text import count

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The least limit in which everything that is never cut finds room.
LEAST: Final = 10_000
_NOTE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a text. Its ``blocks`` (rows, items, paragraphs) are shown whole or not at all, in this order.

    ``name`` is what the note on a missing section calls it, ``noun`` what one block is. ``head`` stands before the
    blocks, ``gap`` between them. ``stays``: it is never cut, and must be short. ``headed``: its head is never cut.
    """

    name: str = ""
    noun: str = ""
    head: str = ""
    blocks: tuple[str, ...] = ()
    gap: str = "\n"
    stays: bool = False
    headed: bool = False

    def text(self, shown: int | None = None) -> str:
        """With so many blocks, or all of them."""
        return self.head + self.gap.join(self.blocks[:shown])


def fitted(sections: Sequence[Section], *, limit: int, rest: str) -> str:
    """The text in fewer than ``limit`` characters, with a newline at the end. ``rest`` is the file that holds it whole.

    Where it does not fit, each section may take half of the room that those before it left. The last section stays
    the last. Raises ValueRefused for a limit below LEAST.
    """
    if limit < LEAST:
        raise ValueRefused(f"a text of {limit} characters has no room for a plan; {LEAST} are the least")
    whole = _joined([section.text() for section in sections])
    if len(whole) < limit:
        return whole
    room = limit - 1 - _NOTE - sum(len(section.text()) + 2 for section in sections if section.stays)
    made, missing = [], []
    for section in sections:
        text = section.text() if section.stays else _cut(section, room // 2, rest)
        if text:
            made.append(text)
            room -= 0 if section.stays else len(text) + 2
        elif section.blocks:
            missing.append(section.name)
    if missing:
        made.insert(-1, f"Left out here, whole in `{rest}`: {', '.join(missing)}.")
    return _joined(made)


def _cut(section: Section, room: int, rest: str) -> str:
    """As many blocks as fit, and how many more there are; empty where none fits, unless the head must stay."""
    if len(section.text()) + 2 <= room:
        return section.text()
    used, shown = len(section.head) + 80 + len(rest), 0
    for block in section.blocks:
        used += len(block) + len(section.gap)
        if used > room:
            break
        shown += 1
    if not shown and not section.headed:
        return ""
    left = f"And {count(len(section.blocks) - shown, section.noun)} more: see `{rest}`."
    return f"{section.text(shown).rstrip()}\n\n{left}"


def _joined(texts: Sequence[str]) -> str:
    return "\n\n".join(text for text in texts if text) + "\n"
