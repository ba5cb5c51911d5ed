"""Text from elsewhere as Markdown and commit messages take it: it is read, and means nothing to them or to a forge.

It mentions nobody, refers to no issue, commit or link, runs no quick command, and ends no comment or code.
"""

from __future__ import annotations

import re
from typing import Final

from renderer.text import ELLIPSIS, code_point, one_line

_QUIET = re.compile(r"[A-Za-z0-9.,;:()/'\"€£×→…+=%-]+")
#: What would begin a list, a rule or a heading where a sentence begins.
_BLOCK = re.compile(r"[-+=]|\d+[.)]$")
#: Links; GH-1 and PROJ-1 (GitHub, Jira); a hash that may be a commit's; /approve (GitLab); %1 and :tada: (GitLab).
_LOUD = re.compile(
    r"//|(?i:www\.)|\b(?i:mailto|magnet|tel|sms|xmpp|news|cid|mid|data|javascript):|(?i:gh)-\d|\b[A-Z][A-Z0-9_]+-\d"
    r"|\b[0-9a-fA-F]{7,64}\b|^/|[(\"',;:]/[a-z]|%[\w\"]|:[a-z0-9_+-]+:"
)
#: What opens an HTML comment; poolplan finds its own comments by such markers, whatever stands around them.
_COMMENT: Final = ("<!--", "<\\x21--")


def code(text: str, *, in_table: bool = False) -> str:
    """Text as it is, in a code span that it cannot leave."""
    shown = one_line(text).replace(*_COMMENT) or '""'
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    space = " " if "`" in shown else ""
    span = f"{fence}{space}{shown}{space}{fence}"
    return span.replace("|", "\\|") if in_table else span


def prose(text: str) -> str:
    """A sentence from elsewhere: words that could mean something to a forge or to Markdown stand in code spans."""
    first, *rest = one_line(text).split(" ")
    opening = first if _is_quiet(first) and _BLOCK.match(first) is None else code(first)
    return " ".join((opening, *(word if _is_quiet(word) else code(word) for word in rest)))


def short_prose(text: str, most: int) -> str:
    """As ``prose``, in at most so many characters (20 or more): the text is cut, never the code spans."""
    shown, kept = prose(text), one_line(text)
    while len(shown) > most:
        kept = kept[: min(most, len(kept) * 3 // 4)]
        shown = prose(kept + ELLIPSIS)
    return shown


def plain(text: str) -> str:
    """For commit messages, which know no code spans: a word that means something shows its signs as code points."""
    return " ".join(word if _is_quiet(word) else _spelled(word) for word in one_line(text).split(" "))


def _is_quiet(word: str) -> bool:
    return _QUIET.fullmatch(word) is not None and _LOUD.search(word) is None


def _spelled(word: str) -> str:
    spelled = re.sub(r"[^\w.,;()'\"·€£×→…+=-]", lambda sign: code_point(sign[0]), word)
    return code_point(spelled[0]) + spelled[1:] if _LOUD.search(spelled) else spelled
