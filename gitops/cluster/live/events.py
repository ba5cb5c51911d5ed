"""The lines of a watch → what they say. Objects themselves are decoded by the same readers as files are."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

import msgspec

from gitops.decoding import decoder


class Change(Enum):
    """What a line of a watch says of its object."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"
    ERROR = "ERROR"


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class Head(msgspec.Struct, frozen=True):
    """Which object it is; of a Status, its code."""

    metadata: _Metadata = _Metadata()
    code: int = 0

    @property
    def key(self) -> tuple[str, str]:
        """Namespace ("" for none) and name."""
        return self.metadata.namespace, self.metadata.name


class _Line(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class Event(NamedTuple):
    """One line of a watch."""

    change: Change
    head: Head
    raw: msgspec.Raw



def read_head(raw: msgspec.Raw) -> Head:
    """Raises msgspec's DecodeError."""
    return decoder(Head).decode(raw)


def read_event(line: bytes) -> Event:
    """Raises ValueError (msgspec's errors are some) for what is no event of a watch."""
    read = decoder(_Line).decode(line)
    return Event(Change(read.type), read_head(read.object), read.object)
