"""CODEOWNERS as the forges read it: who owns which file. Pure.

GitHub and GitLab take file patterns of which the last match counts, GitLab's section by section; Gitea takes regular
expressions of Go's of which every match counts. Sources: the forges' own pages on code owners. Owners by address or by
role (GitLab's ``@@maintainer``) are kept as written; who they are, only the forge knows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import PurePosixPath


class Dialect(Enum):
    """Whose rules a CODEOWNERS file follows."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"


PLACES: Final[dict[Dialect, tuple[str, ...]]] = {
    Dialect.GITHUB: (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    Dialect.GITLAB: ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
    Dialect.GITEA: ("CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS"),
}
"""Where each forge looks, in order; the first file that is there is the only one that counts."""
_OWNER = re.compile(r"@[\w.-]+(?:/[\w.-]+)*|[^@\s]+@[^@\s]+\.[^@\s]+|@@\w+")
_WORD = re.compile(r"(?:\\.|\S)+")
_SECTION = re.compile(r"(?P<optional>\^)?\[(?P<name>[^\]]+)\](?:\[(?P<count>\d{1,3})\])?(?P<owners>\s.*|)")
#: What Python's expressions have and Go's do not, the other way round, and groups that repeat: they can take for ever.
_NOT_GO = re.compile(r"\(\?(?:[=!>#(]|<[=!]|P[=>])|\\[1-9]|\[\[|[*+?}]\+|--|&&|~~|\|\||\)[*+{]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """Files that are owned alike. ``owners`` are logins and teams without ``@``; empty: nobody owns them.

    ``approvals``: how many a section of GitLab's asks for; ``section`` is its name.
    """

    files: tuple[PurePosixPath, ...]
    owners: frozenset[str]
    approvals: int = 1
    section: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    pattern: re.Pattern[str]
    owners: frozenset[str]
    negative: bool = False


@dataclass(frozen=True, slots=True)
class _Section:
    name: str = ""
    approvals: int = 1
    optional: bool = False
    entries: tuple[_Entry, ...] = ()

    def last(self, path: str) -> frozenset[str] | None:
        """The owners by the last entry that matches; None where none does, or an exclusion of GitLab's."""
        found = None
        for entry in self.entries:
            if entry.pattern.fullmatch(path):
                if entry.negative:
                    return None
                found = entry.owners
        return found

    def every(self, path: str) -> frozenset[str] | None:
        """The owners by all entries that match, or do not and are negative."""
        hits = [entry.owners for entry in self.entries if bool(entry.pattern.search(path)) is not entry.negative]
        return frozenset().union(*hits) if hits else None


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """A CODEOWNERS file that was read. ``faults`` are what of it means nothing, ``line 3: …`` each."""

    dialect: Dialect
    sections: tuple[_Section, ...] = ()
    faults: tuple[str, ...] = ()

    def owned(self, files: Iterable[PurePosixPath]) -> tuple[Owned, ...]:
        """The files with their owners, those that are owned alike together; every file is in at least one of them."""
        alike: dict[tuple[str, tuple[str, ...], int], list[PurePosixPath]] = {}
        for file in sorted(set(files)):
            for section, owners in self._of(str(file)):
                alike.setdefault((section.name, tuple(sorted(owners)), section.approvals), []).append(file)
        return tuple(
            Owned(files=tuple(found), owners=frozenset(owners), approvals=approvals, section=name)
            for (name, owners, approvals), found in sorted(alike.items())
        )  # fmt: skip

    def _of(self, path: str) -> list[tuple[_Section, frozenset[str]]]:
        """Who owns a file, section by section. An optional section counts where no other one owns the file.

        Where a section says that a file has no owner, others may still say whose it is.
        """
        every = self.dialect is Dialect.GITEA
        found = [(one, one.every(path) if every else one.last(path)) for one in self.sections]
        owned = [(section, owners) for section, owners in found if owners]
        required = [(section, owners) for section, owners in owned if not section.optional]
        return required or owned or [(_Section(), frozenset())]


def read_code_owners(text: str, dialect: Dialect) -> CodeOwners:
    """What the file says. What means nothing owns nothing, as on the forge, and is among the faults."""
    reader = _Reader(dialect)
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped and not stripped.startswith("#"):
            reader.faults += [f"line {number}: {fault}" for fault in reader.line(stripped)]
    sections = tuple(
        _Section(key, approvals, optional, tuple(entries))
        for key, (approvals, optional, entries) in reader.sections.items()
    )
    return CodeOwners(dialect, sections, tuple(reader.faults))


class _Reader:
    """Reads line by line. Sections of GitLab's that have the same name are one, in whatever case it is written."""

    def __init__(self, dialect: Dialect) -> None:
        self.sections: dict[str, tuple[int, bool, list[_Entry]]] = {"": (1, False, [])}
        self.faults: list[str] = []
        self._dialect = dialect
        self._name = ""
        self._default: frozenset[str] = frozenset()

    def line(self, line: str) -> Iterator[str]:
        """Take a line in; its faults."""
        section = _SECTION.fullmatch(line) if self._dialect is Dialect.GITLAB else None
        if section:
            yield from self._open(section)
            return
        words = _go_words(line) if self._dialect is Dialect.GITEA else _WORD.findall(line)
        if self._dialect is Dialect.GITHUB:
            words = words[: next((at for at, word in enumerate(words) if word.startswith("#")), len(words))]
        owners, faults = _owners(words[1:])
        yield from faults
        if faults and self._dialect is Dialect.GITHUB:
            return
        try:
            entry = self._entry(words[0], owners)
        except ValueError as error:
            yield str(error)
        except re.error as error:
            yield f"{words[0][:60]!a} is not a pattern: {error.msg}"
        else:
            self.sections[self._name][2].append(entry)

    def _open(self, section: re.Match[str]) -> list[str]:
        self._default, faults = _owners(section["owners"].split())
        name = section["name"].strip()
        self._name = next((known for known in self.sections if known.casefold() == name.casefold()), name)
        count, optional, entries = self.sections.get(self._name, (1, bool(section["optional"]), []))
        count = max(count, int(section["count"] or 1))
        self.sections[self._name] = (count, optional and bool(section["optional"]), entries)
        return faults

    def _entry(self, pattern: str, owners: frozenset[str]) -> _Entry:
        """Raises ValueError for a pattern that means nothing."""
        if self._dialect is Dialect.GITEA:
            if not owners:
                raise ValueError("names no owner")
            return _Entry(_go_expression(pattern.removeprefix("!")), owners, negative=pattern.startswith("!"))
        if self._dialect is Dialect.GITHUB:
            return _Entry(_github_pattern(pattern), owners)
        expression = _gitlab_pattern(pattern.removeprefix("!"))
        return _Entry(expression, owners or self._default, negative=pattern.startswith("!"))


def _owners(words: list[str]) -> tuple[frozenset[str], list[str]]:
    """The owners among the words, without ``@``, and a fault for each of the others."""
    good = [word for word in words if _OWNER.fullmatch(word)]
    return frozenset(word.removeprefix("@") for word in good), [
        f"{word[:40]!a} is no owner: write @user, @org/team or an address" for word in words if word not in good
    ]


def _github_pattern(pattern: str) -> re.Pattern[str]:
    """Like .gitignore, but without ``!`` and ``[ ]``, and a last ``*`` does not go into folders."""
    if pattern.startswith("!") or "[" in pattern:
        raise ValueError(f"{pattern[:60]!a}: GitHub takes neither ! nor [ ] in a pattern")
    parts = pattern.strip("/").split("/")
    anywhere = "/" not in pattern.rstrip("/")
    only_files = "" if parts[-1] in ("*", "**") else "(?:/.*)?"
    below = "/.+" if pattern.endswith("/") else only_files
    return re.compile((r"(?:.*/)?" if anywhere else "") + _segments(parts, deep=True) + below, re.DOTALL)


def _gitlab_pattern(pattern: str) -> re.Pattern[str]:
    """Ruby's ``File.fnmatch`` with FNM_PATHNAME and FNM_DOTMATCH; what does not start with / is anywhere."""
    rooted = pattern if pattern.startswith("/") else f"/**/{pattern}"
    whole = f"{rooted}**/*" if rooted.endswith("/") else rooted
    return re.compile(_segments(whole[1:].split("/"), deep=False), re.DOTALL)


def _segments(parts: list[str], *, deep: bool) -> str:
    """The parts of a path; ``**`` is any number of folders. ``deep``: at the end, all that is below."""
    text = ""
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**" and not last:
            text += "(?:[^/]+/)*"
        elif part == "**" and deep:
            text += ".+"
        else:
            text += _segment(part) + ("" if last else "/")
    return text


def _segment(part: str) -> str:
    """One part: ``*``, ``?``, ``[a-z]`` and ``\\`` before a character that means itself."""
    text, at = "", 0
    while at < len(part):
        end = part.find("]", at + 2) if part[at] == "[" else -1
        if part[at] == "\\" and at + 1 < len(part):
            at += 1
            text += re.escape(part[at])
        elif part[at] == "*":
            text += "[^/]*"
        elif part[at] == "?":
            text += "[^/]"
        elif end > 0:
            inner = part[at + 1 : end]
            text += f"[{'^' if inner[0] in '^!' else ''}{re.escape(inner.lstrip('^!')).replace(chr(92) + '-', '-')}]"
            at = end
        else:
            text += re.escape(part[at])
        at += 1
    return text


def _go_words(line: str) -> list[str]:
    """Words as Gitea cuts them: ``\\`` lets the next character be itself, ``#`` begins a comment."""
    words, escaped = [""], False
    for character in line:
        if escaped or character not in "\\# \t":
            words[-1] += character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "#":
            break
        elif words[-1]:
            words.append("")
    return [word for word in words if word] or [""]


def _go_expression(expression: str) -> re.Pattern[str]:
    if _NOT_GO.search(expression):
        raise ValueError(f"{expression[:60]!a} is not an expression of Go's, or one that poolplan does not read")
    return re.compile(f"^{expression}\\Z")
