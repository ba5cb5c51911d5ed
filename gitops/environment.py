"""The one module that reads the environment, so that what a run depends on can be listed and given by a test."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def environment() -> Mapping[str, str]:
    """All variables of this process. Callers take the mapping as a parameter and never reach for it themselves."""
    return os.environ


def inherited(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program that poolplan starts: ours, with ``extra`` on top."""
    return {**os.environ, **extra}


def machine_name() -> str:
    """What this machine calls itself; of a pod, the pod's name."""
    return platform.node() or "unknown"
