"""The one error of the renderer: text that a person broke, with its place.

Callers turn it into an error of their own kind; ``str(error)`` is one line that starts with ``file:line:column``.
"""

from __future__ import annotations

from planner.errors import ValueRefused


class TextRefused(ValueRefused):
    """A file cannot be read as pools, or a plan not be believed. Line and column count from 1; 0 means unknown."""

    def __init__(self, reason: str, *, file: str = "", line: int = 0, column: int = 0) -> None:
        self.reason, self.file, self.line, self.column = reason, file, line, column
        where = f"{file}:{line}:{column}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{where}{reason}")
