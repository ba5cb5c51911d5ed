"""The ``git.signing`` section of cluster.yaml → how poolplan's commits are signed, and where the key is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from gitops.decoding import Misfit

if TYPE_CHECKING:
    from gitops import settings_wire
    from gitops.settings_faults import Faults

AT = "spec.git.signing"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SignatureFormat(Enum):
    """Which program signs: ``ssh-keygen`` or ``gpg``."""

    SSH = "ssh"
    GPG = "gpg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """How commits are signed. The private key is in the file, or else in the environment variable of this name."""

    format: SignatureFormat
    env: str = ""
    file: str = ""


def read_signing(written: settings_wire.Signing | None, faults: Faults) -> Signing | None:
    """What is written; every fault is noted in ``faults``."""
    if written is None:
        return None
    form = faults.choice(f"{AT}.format", written.format, SignatureFormat) or SignatureFormat.SSH
    env, file = written.key.env or "", written.key.file or ""
    faults.attempt(f"{AT}.key", lambda: _one(env, file), None)
    faults.attempt(f"{AT}.key.env", lambda: _name(env), None)
    return Signing(format=form, env=env, file=file)


def _one(env: str, file: str) -> None:
    if bool(env) is bool(file):
        raise Misfit("must name one place: env, an environment variable, or file, a path")


def _name(env: str) -> None:
    """What is written is not shown: it may be the key itself."""
    if env and not _VARIABLE.fullmatch(env):
        raise Misfit("must be the name of an environment variable, and never the key itself")
