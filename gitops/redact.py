"""Takes secrets out of text before it is shown, logged or written: known values, and the marks of signed requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HIDDEN = "[hidden]"
SHORTEST = 8
"""Shorter values are left: they protect nothing and are ordinary words, as the sandbox's own ``sandbox`` is."""

_SECRET_NAMES = re.compile(r"(SECRET|TOKEN|PASSWORD|PASSPHRASE|(APPLICATION|CONSUMER|ACCESS|PRIVATE)_KEY)(_ID)?$")
_SIGNED = re.compile(
    r"\b(x-ovh-(?:signature|consumer|application)|authorization)([\s:='\"]{1,4})(?:bearer |basic )?[^\s\"',}\]]+",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"\$1\$[0-9a-f]{40}\b")
_USERINFO = re.compile(r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """``text`` with every secret value, signature header, signature and password of a URL hidden."""
    for secret in sorted(secrets, key=lambda value: (-len(value), value)):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
    text = _SIGNED.sub(rf"\1\2{HIDDEN}", text)
    return _USERINFO.sub(HIDDEN, _SIGNATURE.sub(HIDDEN, text))


def secret_values(variables: Mapping[str, str]) -> tuple[str, ...]:
    """The values of environment variables whose names say that they are secret."""
    return tuple(sorted({value for name, value in variables.items() if _SECRET_NAMES.search(name.upper()) and value}))
