"""Fills ``${NAME}`` in a manifest's texts from the environment, as ``envsubst`` users write them; ``$${`` stays ``${``.

Only whole values are filled, after parsing, so that no value can change the shape of a manifest. Variables whose names
say that they are secret are never filled in: what a policy says is written to Git.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gitops.decoding import Misfit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops.decoding import Step

_PLACEHOLDER = re.compile(r"\$(\$\{)|\$\{([^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|PASSPHRASE|CREDENTIAL|_KEY")


def filled(value: object, environment: Mapping[str, str], path: tuple[Step, ...] = ()) -> object:
    """The value with every placeholder filled. Raises Misfit with the path of one that cannot be."""
    if isinstance(value, str):
        return _text(value, environment, path) if "${" in value else value
    if isinstance(value, list):
        return [filled(one, environment, (*path, number)) for number, one in enumerate(value)]
    if isinstance(value, dict):
        return {key: filled(one, environment, (*path, key)) for key, one in value.items()}
    return value


def _text(text: str, environment: Mapping[str, str], path: tuple[Step, ...]) -> str:
    def value_of(match: re.Match[str]) -> str:
        return "${" if match[1] else _variable(match[2], environment, path)

    return _PLACEHOLDER.sub(value_of, text)


def _variable(name: str, environment: Mapping[str, str], path: tuple[Step, ...]) -> str:
    if not _NAME.fullmatch(name):
        raise Misfit(f"{'${' + name[:40] + '}'!a} is no placeholder; write ${{NAME}}, or $${{ for the characters", path)
    if _SECRET.search(name.upper()):
        raise Misfit(f"${{{name}}} names a secret, and what a policy says is written to Git", path)
    value = environment.get(name, "")
    if not value:
        raise Misfit(f"the environment variable {name} is not set; set it, or write the value here", path)
    return value
