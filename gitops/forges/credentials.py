"""Where a forge's secrets are read from: an environment variable, a file, or a Secret of the cluster.

A secret is read when it is needed and again after some minutes, so that one that was replaced is taken up without a
restart. No value is shown by ``repr``, and all that were read stay known, so that no message holds one.
"""

from __future__ import annotations

import base64
import binascii
import stat
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from gitops.errors import Stalled
from gitops.settings_forge import SecretFile, Variable
from gitops.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from gitops.clock import Clock
    from gitops.settings_forge import SecretKey, Source

KEPT = timedelta(minutes=5)
"""How long a value is used before it is read again."""
LARGEST = 64 * 1024
"""Bytes; a private key has some two thousand."""
REMEMBERED = 8
"""How many values that were replaced are still kept out of messages."""


class Secrets(Protocol):
    """A cluster's Secrets, as ``gitops.cluster.connection.KubernetesApi`` reads them."""

    def secret(self, namespace: str, name: str) -> Mapping[str, str]:
        """A Secret's data, in base64. Raises Stalled where it is not there or may not be read, Waiting otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What secrets are read from. ``cluster`` is asked for only where a Secret is; ``remark`` takes warnings."""

    environment: Mapping[str, str]
    clock: Clock
    cluster: Callable[[], Secrets]
    remark: Callable[[str], None]
    tally: Tally = field(default_factory=Tally)


class Secret:
    """A secret and where it is read from; ``what`` is what to call it. Keeps ``gitops.forges.rest.SignIn``."""

    def __init__(self, source: Source, around: Around, *, what: str = "the forge's token") -> None:
        self._source = source
        self._around = around
        self._what = what
        self._values: list[str] = []
        self._read_at: datetime | None = None
        self._warned = False

    def current(self) -> str:
        """The value. Raises Stalled where there is none, Waiting where the cluster does not answer."""
        now = self._around.clock.now()
        if self._read_at is None or now >= self._read_at + KEPT:
            value = self._read().strip()
            if not value:
                raise Stalled(f"{self._what} is empty: put it into {self._source}")
            if not (value.isascii() and value.isprintable()) and "PRIVATE KEY" not in value:
                raise Stalled(
                    f"{self._what} from {self._source} has line ends or odd signs within; it must be one plain word"
                )
            older = [one for one in self._values if one != value]
            self._values = [*older[-REMEMBERED:], value]
            self._read_at = now
        return self._values[-1]

    def secrets(self) -> tuple[str, ...]:
        """Every value that was read, newest last."""
        return tuple(self._values)

    def __repr__(self) -> str:
        return f"Secret({self._source!r})"

    def _read(self) -> str:
        source = self._source
        if isinstance(source, Variable):
            if source.name not in self._around.environment:
                raise Stalled(f"{self._what} is missing: set {source}")
            return self._around.environment[source.name]
        return self._read_file(Path(source.path)) if isinstance(source, SecretFile) else self._read_secret(source)

    def _read_file(self, path: Path) -> str:
        try:
            facts = path.stat()
            if facts.st_size > LARGEST:
                raise Stalled(
                    f"{self._what}: {path} has more than {LARGEST // 1024} KiB; it must hold the secret alone"
                )
            text = path.read_text("ascii")
        except UnicodeDecodeError:
            fault = "it is no plain text"
        except OSError as error:
            fault = error.strerror or type(error).__name__
        else:
            if facts.st_mode & (stat.S_IWGRP | stat.S_IRWXO) and not self._warned:
                self._warned = True
                self._around.remark(f"{path} holds a secret and can be read by everybody here: chmod 600 {path}")
            return text
        raise Stalled(f"{self._what} cannot be read from {path} ({fault}); spec.forge in cluster.yaml names the file")

    def _read_secret(self, source: SecretKey) -> str:
        data = self._around.cluster().secret(source.namespace, source.name)
        if source.key not in data:
            known = ", ".join(sorted(data)) or "none"
            raise Stalled(
                f"{self._what}: the Secret {source.namespace}/{source.name} has no key {source.key}, but {known}"
            )
        try:
            return base64.b64decode(data[source.key], validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            pass
        raise Stalled(f"{self._what}: {source} is no plain text")
