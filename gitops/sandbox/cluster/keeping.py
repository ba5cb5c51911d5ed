"""Keeps the small cluster in a file beside the sandbox's own state, so that a restart goes on with the same pods."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gitops.decoding import parse_json, read_input
from gitops.errors import InputError, Place
from gitops.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitops.sandbox.cluster.cluster import SandboxCluster

FILE_LIMIT_MB = 100
REMEDY = "mend the file, or remove it together with the sandbox's state to begin anew"


@contextmanager
def kept(cluster: SandboxCluster, path: Path | None) -> Iterator[None]:
    """Take up what the file holds, and write it anew after every change. Without a path, nothing is kept."""
    if path is None:
        yield
        return
    if path.exists():
        _load(cluster, path)
    with cluster.listening(lambda: _save(cluster, path)):
        yield


def _load(cluster: SandboxCluster, path: Path) -> None:
    state = parse_json(read_input(path, "a sandbox cluster's state", megabytes=FILE_LIMIT_MB), str(path))
    if not isinstance(state, dict) or state.keys() != cluster.dump().keys():
        raise InputError(f"not the state of a sandbox cluster; {REMEDY}", place=Place(str(path)))
    try:
        cluster.load(state)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"not a usable state of a sandbox cluster ({type(error).__name__}: {error}); {REMEDY}"
        raise InputError(message, place=Place(str(path))) from error


def _save(cluster: SandboxCluster, path: Path) -> None:
    try:
        with replacing(path) as stream:
            stream.write(json.dumps(cluster.dump(), indent=1, sort_keys=True).encode())
    except OSError as error:
        message = f"cannot write the sandbox cluster's state: {error.strerror}"
        raise InputError(message, place=Place(str(path))) from error
