"""What poolplan says under a pull request when something becomes of it: one sentence, and details where there are any.

Each is Markdown with a newline at the end. Reasons, logins, branches and results are data, and escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from renderer.escape import code, prose, short_prose
from renderer.text import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

_DETAILS, _LENGTH = 20, 1000


def withdrawn(reason: str) -> str:
    """The proposal is closed by poolplan itself: nothing is left to do, or not this."""
    return _comment("Withdrawn", f"{short_prose(reason, _LENGTH)}.")


def stopped(branch: str, *, author: str, commit: str) -> str:
    """A person committed to poolplan's branch: it is theirs now."""
    said = (
        f"{code(author)} committed {code(commit[:12])} to {code(branch)}, so poolplan revises it no more. "
        "What is merged is applied under the same rules; close this and delete the branch to get proposals again."
    )
    return _comment("Stopped", said)


def declined(who: str, *, until: str) -> str:
    """A person closed the proposal. ``until`` says what must happen before it is made again."""
    by = f" by {code(who)}" if who else ""
    return _comment("Declined", f"Closed{by}, and remembered: this is not proposed again until {prose(until)}.")


def applied(result: str, *, details: Sequence[str] = ()) -> str:
    """What was merged is applied: ``result`` says with what outcome, ``details`` what each pool came to."""
    return _comment("Applied", f"{short_prose(result, _LENGTH)}.", *details)


def failed(reason: str, *, details: Sequence[str] = ()) -> str:
    """What was merged could not be applied, or not all of it."""
    return _comment("Not applied", f"{short_prose(reason, _LENGTH)}.", *details)


def withheld(reasons: Sequence[str]) -> str:
    """What was merged is not applied: approvals are missing, or a guardrail or a freeze forbids it."""
    return _comment("Withheld", "Merged, and not applied for now.", *reasons)


def _comment(word: str, sentence: str, *details: str) -> str:
    items = shortened([f"- {short_prose(one, _LENGTH)}" for one in details], _DETAILS, "line")
    items = [item if item.startswith("- ") else f"- {item}" for item in items]
    return "\n".join((f"**{word}:** {sentence}", *(("", *items) if items else ()))) + "\n"
