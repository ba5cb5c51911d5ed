"""Reads HCL that holds plain values: blocks, attributes, strings, whole numbers, lists, maps and references.

Pool files are data. An expression, a function or a template in one is refused with its place instead of being
evaluated, so what is read is what Terraform will see. Comments are skipped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from renderer.errors import TextRefused
from renderer.hcl import Reference, Value

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Attribute:
    """``name = value``; line and column count from 1."""

    name: str
    value: Value
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Block:
    """``kind "label" … { body }``; the whole file is a block without kind."""

    kind: str
    labels: tuple[str, ...]
    body: tuple[Attribute | Block, ...]
    line: int
    column: int

    def blocks(self) -> Iterator[Block]:
        return (item for item in self.body if isinstance(item, Block))

    def attributes(self) -> Iterator[Attribute]:
        return (item for item in self.body if isinstance(item, Attribute))


_TOKEN = re.compile(
    r"""(?P<space>[ \t]+|\r?\n(?P<newline>)|(?:\#|//)[^\n]*|/\*.*?\*/)
    |(?P<name>[^\W\d][\w-]*(?:\.[^\W\d][\w-]*)*)
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    |(?P<sign>[{}\[\]=,:])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<char>.))|\$\$\{|%%\{|\$\{|%\{", re.DOTALL
)
_CHARS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_WORDS: dict[str, bool] = {"true": True, "false": False}
_PLAIN_ONLY = "a pool file holds plain values only: strings, whole numbers, true, false, lists and maps"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def shown(self) -> str:
        return {"newline": "the end of the line", "end": "the end of the file"}.get(self.kind, repr(self.text))


def parse(text: str, *, file: str = "") -> Block:
    """The file as one block. Raises TextRefused with line and column."""
    return _Reader(text, file).whole()


class _Reader:
    """A recursive descent over the tokens; a line break matters only after a whole item."""

    def __init__(self, text: str, file: str) -> None:
        self._text, self._file = text, file
        self._tokens = list(self._scan())
        self._next = 0

    def whole(self) -> Block:
        body = self._body()
        if self._peek().kind != "end":
            raise self._refused(self._peek(), "there is no block to close here")
        return Block("", (), body, 1, 1)

    def _scan(self) -> Iterator[_Token]:
        at = 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                token = _Token("", self._text[at], at)
                reason = "this text has no closing quote" if token.text == '"' else f"{token.shown} is not expected"
                raise self._refused(token, f"{reason}; {_PLAIN_ONLY}")
            if match["space"] is None:
                yield _Token(match.lastgroup or "", match[0], at)
            elif match["newline"] is not None:
                yield _Token("newline", "\n", at)
            at = match.end()
        yield _Token("end", "", at)

    def _body(self) -> tuple[Attribute | Block, ...]:
        items: list[Attribute | Block] = []
        self._skip_lines()
        while self._peek().kind == "name":
            items.append(self._item())
            if self._peek().kind not in ("newline", "end") and self._peek().text != "}":
                raise self._refused(self._peek(), f"a new line is expected after a value; {_PLAIN_ONLY}")
            self._skip_lines()
        return tuple(items)

    def _item(self) -> Attribute | Block:
        name = self._take()
        if self._peek().text == "=":
            self._take()
            return Attribute(name.text, self._value(), *self._place(name))
        labels = []
        while self._peek().kind in ("string", "name"):
            labels.append(self._label())
        self._expect("{")
        body = self._body()
        self._expect("}")
        return Block(name.text, tuple(labels), body, *self._place(name))

    def _label(self) -> str:
        token = self._take()
        return self._unquoted(token) if token.kind == "string" else token.text

    def _value(self) -> Value:
        token = self._take()
        match token.kind, token.text:
            case "string", _:
                return self._unquoted(token)
            case "number", text if text.lstrip("-").isdigit():
                return int(text)
            case "name", text if text in _WORDS:
                return _WORDS[text]
            case "name", text:
                return Reference(text)
            case _, "[":
                return self._list()
            case _, "{":
                return self._map()
        raise self._refused(token, f"a value is expected, found {token.shown}; {_PLAIN_ONLY}")

    def _list(self) -> list[Value]:
        items: list[Value] = []
        self._skip_lines()
        while self._peek().text != "]":
            items.append(self._value())
            self._skip_lines()
            if self._peek().text != "]":
                self._expect(",")
                self._skip_lines()
        self._expect("]")
        return items

    def _map(self) -> dict[str, Value]:
        items: dict[str, Value] = {}
        self._skip_lines()
        while self._peek().text != "}":
            token = self._peek()
            if token.kind not in ("string", "name"):
                raise self._refused(token, f"a key is expected, found {token.shown}")
            key = self._label()
            if key in items:
                raise self._refused(token, f"the key {key!r} stands here twice")
            self._expect(":" if self._peek().text == ":" else "=")
            items[key] = self._value()
            if self._peek().text == ",":
                self._take()
            self._skip_lines()
        self._expect("}")
        return items

    def _unquoted(self, token: _Token) -> str:
        return _ESCAPE.sub(lambda match: self._character(match, token), token.text[1:-1])

    def _character(self, match: re.Match[str], token: _Token) -> str:
        code = match["short"] or match["long"]
        if code:
            number = int(code, 16)  # what is no character, Terraform replaces too
            return chr(number) if number < 0xD800 or 0xDFFF < number <= 0x10FFFF else "\ufffd"
        if match["char"]:
            if match["char"] in _CHARS:
                return _CHARS[match["char"]]
            raise self._refused(token, f"\\{match['char']} is not an escape of HCL")
        if len(match[0]) == 2:
            raise self._refused(token, f"{match[0]} starts a template; {_PLAIN_ONLY}")
        return match[0][1:]

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _expect(self, sign: str) -> None:
        token = self._take()
        if token.text != sign:
            raise self._refused(token, f"{sign!r} is expected, found {token.shown}")

    def _skip_lines(self) -> None:
        while self._peek().kind == "newline":
            self._take()

    def _place(self, token: _Token) -> tuple[int, int]:
        before = self._text[: token.at]
        return before.count("\n") + 1, token.at - before.rfind("\n")

    def _refused(self, token: _Token, reason: str) -> TextRefused:
        line, column = self._place(token)
        return TextRefused(reason, file=self._file, line=line, column=column)
