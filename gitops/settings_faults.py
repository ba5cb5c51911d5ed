"""Gathers everything that is wrong with a settings file, each fault with its place."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from gitops.decoding import Misfit
from gitops.errors import InputError, InputErrors, Place
from gitops.redact import redact
from planner.errors import ValueRefused

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable

    from gitops.decoding import Step
    from gitops.yamlfile import YamlDocument

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


class Faults:
    """Gathers what is wrong, so that one run tells a person everything."""

    def __init__(self, document: YamlDocument) -> None:
        self._document = document
        self._errors: list[InputError] = []

    def attempt(self, path: str | tuple[Step, ...], read: Callable[[], T], default: T) -> T:
        """What ``read`` gives; where it refuses, the default stands in and the refusal is noted.

        ``path`` is the field's, with dots or, where lists are among it, as steps.
        """
        steps: tuple[Step, ...] = tuple(path.split(".")) if isinstance(path, str) else path
        try:
            return read()
        except Misfit as misfit:
            self._errors.append(self._document.error(misfit.message, (*steps, *misfit.path)))
        except ValueRefused as refused:
            self._errors.append(self._document.error(str(refused), steps))
        return default

    def note(self, path: tuple[Step, ...], message: str, *, wrong: bool = True) -> None:
        """Note a fault, if that is ``wrong``."""
        if wrong:
            self._errors.append(self._document.error(message, path))

    def text(self, path: str, value: str, pattern: re.Pattern[str], what: str) -> str:
        """The value, if it has the form; ``what`` says which."""
        if not pattern.fullmatch(value):
            self._errors.append(self._document.error(f"{redact(value)[:60]!a} is not {what}", tuple(path.split("."))))
        return value

    def choice(self, path: str, value: str, kind: type[E]) -> E | None:
        """The member of that name."""
        return self.attempt(path, lambda: kind(one_of(value, (each.value for each in kind))), None)

    def raise_all(self) -> None:
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            raise InputErrors(sorted(self._errors, key=lambda error: (error.place or Place(""), error.path)))


def one_of(value: str, allowed: Iterable[str]) -> str:
    """The value, if it is one of those allowed. Raises Misfit that names them."""
    names = tuple(allowed)
    if value not in names:
        raise Misfit(f"{value[:60]!a} is unknown; it is one of {', '.join(names)}")
    return value
