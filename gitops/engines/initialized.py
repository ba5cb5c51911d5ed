"""Remembers that a folder was initialized, so that ``init`` is not run before every plan.

``init`` checks every provider's checksum and, with a remote backend, calls it: that is as much work as a small plan.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from gitops.files import file_names

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: How Terraform and OpenTofu ask for it, where something is missing all the same.
_ASKED = re.compile(r"(terraform|tofu) init\b|[Bb]ackend initialization required|[Rr]equired plugins are not installed")


class Initialized:
    """For one folder of Terraform files. ``given`` is what else decides: the program, its configuration."""

    def __init__(self, folder: Path, mark: Path, given: Iterable[str]) -> None:
        self._folder = folder
        self._mark = mark
        self._given = tuple(given)

    @property
    def holds(self) -> bool:
        """Whether nothing has changed that ``init`` looks at since it was run."""
        return self._mark.is_file() and self._mark.read_text("utf-8") == self._digest()

    def keep(self) -> None:
        """It was run."""
        self._mark.write_text(self._digest(), "utf-8")

    def _digest(self) -> str:
        """Of everything but the pools: versions, backend, provider, and the lock file of the providers."""
        found = hashlib.sha256("\n".join(self._given).encode())
        for name in file_names(self._folder):
            if (name.suffix == ".tf" and not name.name.startswith("pool-")) or name.name == ".terraform.lock.hcl":
                found.update(f"\n{name}\n".encode() + (self._folder / name).read_bytes())
        return found.hexdigest()


def asks_for_init(printed: str) -> bool:
    """Whether a command failed because ``init`` has to be run."""
    return _ASKED.search(printed) is not None
