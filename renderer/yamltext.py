"""YAML that people and poolplan both write: read and written by ruamel.yaml, so that comments and order survive."""

from __future__ import annotations

import io
import re
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString

from renderer.errors import TextRefused

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9./_-]*")
#: Words that YAML 1.1 readers, kubectl among them, take for something else than text.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def load(text: str, *, file: str) -> Any:
    """The one document of a file, with its comments. Raises TextRefused with the place."""
    try:
        return _yaml().load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise TextRefused(f"not YAML: {error.problem}", file=file, line=line, column=column) from None
    except (YAMLError, ValueError) as error:
        raise TextRefused(f"not YAML: {str(error).splitlines()[0]}", file=file) from None


def dump(document: object) -> str:
    """The document as text, with the comments it was read with."""
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def scalar(text: str) -> str:
    """Text that every YAML reader takes for text: plain where that is sure, else in double quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    quoted: str = DoubleQuotedScalarString(text)
    return quoted


def block(text: str) -> str:
    """Lines of text, written as lines."""
    lines: str = LiteralScalarString(text)
    return lines


def _yaml() -> YAML:
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.allow_unicode = False  # no character that plays tricks on a reviewer's eyes
    yaml.width = 2**31 - 1  # a line is never folded: one value, one line, one diff
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml
