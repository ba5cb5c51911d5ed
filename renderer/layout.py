"""Where things stand in the repository that people review, and which of the files there belong to poolplan.

Paths inside a cluster's ``pools`` folder are relative to it: a plan is rendered into any folder alike.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from planner.errors import ValueRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAN: Final = PurePosixPath("plan.json")
PLAN_TEXT: Final = PurePosixPath("plan.md")
CLUSTER: Final = PurePosixPath("cluster.yaml")
POLICY: Final = PurePosixPath("policy")
POOLS: Final = PurePosixPath("pools")
TERRAFORM: Final = PurePosixPath("terraform")
MANIFESTS: Final = PurePosixPath("manifests")
KUSTOMIZATION: Final = MANIFESTS / "kustomization.yaml"
VERSIONS: Final = TERRAFORM / "versions.tf"
PROVIDER: Final = TERRAFORM / "provider.tf"
BACKEND: Final = TERRAFORM / "backend.tf"

_SETTINGS = frozenset({VERSIONS, PROVIDER, BACKEND})
#: What OVHcloud takes as the name of a pool (its console's rule); it is also a safe file name.
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Live(Enum):
    """Which of the two forms the engine applies; the other one says the same."""

    TERRAFORM = "terraform"
    MANIFESTS = "manifests"


def cluster_folder(cluster: str) -> PurePosixPath:
    """``clusters/<cluster>``. Raises ValueRefused for a name that is no folder name."""
    if not _NAME.fullmatch(cluster):
        raise ValueRefused(f"{cluster!r} is no name of a cluster; use lower-case letters, digits and dashes")
    return PurePosixPath("clusters") / cluster


def pools_folder(cluster: str) -> PurePosixPath:
    return cluster_folder(cluster) / POOLS


def terraform_file(pool: str) -> PurePosixPath:
    """Relative to the ``pools`` folder. Raises ValueRefused for a name that OVHcloud would refuse."""
    return TERRAFORM / f"pool-{checked_name(pool)}.tf"


def manifest_file(pool: str) -> PurePosixPath:
    """Relative to the ``pools`` folder. Raises ValueRefused for a name that OVHcloud would refuse."""
    return MANIFESTS / f"{checked_name(pool)}.yaml"


def released_file(pool: str) -> PurePosixPath:
    """Where Terraform is told to forget a pool. Raises ValueRefused for a name that OVHcloud would refuse."""
    return TERRAFORM / f"released-{checked_name(pool)}.tf"


def checked_name(pool: str) -> str:
    """The name, if it can stand in a path. ``kustomization`` cannot: its manifest would be the list of manifests."""
    if not _NAME.fullmatch(pool):
        raise ValueRefused(f"{pool!r} is no name of a pool; OVHcloud takes lower-case letters, digits and dashes")
    if pool == KUSTOMIZATION.stem:
        raise ValueRefused(f"a pool cannot be named {pool!r}: its manifest would replace {KUSTOMIZATION}")
    return pool


def is_owned(path: PurePosixPath) -> bool:
    """Whether poolplan writes and deletes this path of a ``pools`` folder; Terraform's lock file is not among them."""
    if path.parent == TERRAFORM:
        return path in _SETTINGS or is_pool_file(path, Live.TERRAFORM) or is_released_file(path)
    return path.parent == MANIFESTS and path.suffix == ".yaml"


def is_released_file(path: PurePosixPath) -> bool:
    """Whether the path tells Terraform to forget a pool."""
    return path.parent == TERRAFORM and path.suffix == ".tf" and path.name.startswith("released-")


def released_names(paths: Iterable[PurePosixPath]) -> frozenset[str]:
    """The pools that files of a ``pools`` folder say were let go of."""
    return frozenset(path.stem.removeprefix("released-") for path in paths if is_released_file(path))


def is_pool_file(path: PurePosixPath, live: Live) -> bool:
    """Whether the path holds one pool in this form."""
    if live is Live.TERRAFORM:
        return path.parent == TERRAFORM and path.suffix == ".tf" and path.name.startswith("pool-")
    return path.parent == MANIFESTS and path.suffix == ".yaml" and path != KUSTOMIZATION
