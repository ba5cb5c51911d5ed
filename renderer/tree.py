"""The pools folder of a cluster as files, and back: both forms of every pool, and the files beside them.

Rendering keeps a file that already says what is wanted, byte for byte, so that a change is the whole diff.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, assert_never

from planner.diff import FORCE_NEW
from planner.plan import Action
from planner.pools import PoolSet
from renderer.errors import TextRefused
from renderer.files import FileSet
from renderer.layout import (
    KUSTOMIZATION,
    MANIFESTS,
    TERRAFORM,
    Live,
    is_owned,
    is_pool_file,
    is_released_file,
    manifest_file,
    released_file,
    terraform_file,
)
from renderer.manifests import API_VERSION, kustomization, manifest, read_manifest
from renderer.terraform import RESOURCE, import_id, pool_file, released_text, resized_text
from renderer.terraform_read import read_pool, read_pool_file
from renderer.terraform_settings import TerraformSettings, settings_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import PurePosixPath

    from planner.plan import Plan
    from planner.pools import Pool
    from renderer.delegated import Delegate

KEPT = 2_000
"""Files whose pools are kept in memory: the same ones are read several times in a pass, and in every pass."""
_NOTHING = FileSet()
_NO_IMPORTS: Mapping[str, str] = {}


def render_plan(
    plan: Plan, settings: TerraformSettings, *, existing: FileSet = _NOTHING, delegate: Delegate | None = None
) -> FileSet:
    """All files that the plan leads to, with the blocks by which Terraform takes pools in and lets go of them.

    ``existing`` and ``delegate`` as in ``render_files``. Raises ValueRefused where an import cannot name the pool.
    """
    imports = {
        str(one.pool): import_id(one.before, settings.service_name, settings.kube_id)
        for one in plan.changes if one.before is not None and one.action is Action.IMPORT
    }  # fmt: skip
    released = [str(one.pool) for one in plan.changes if one.action is Action.RELEASE]
    files = render_files(
        plan.desired, settings, existing=existing, delegate=delegate, imports=imports
    ).as_map()
    # Until Terraform has forgotten a pool it must be told, and nothing here knows whether it has.
    there = {released_file(pool.name) for pool in plan.desired}
    files |= {path: text for path, text in existing if is_released_file(path) and path not in there}
    files |= {released_file(name): released_text(name) for name in released}
    return FileSet.of(files)


def render_files(
    desired: PoolSet, settings: TerraformSettings, *, existing: FileSet = _NOTHING, delegate: Delegate | None = None,
    imports: Mapping[str, str] = _NO_IMPORTS,
) -> FileSet:  # fmt: skip
    """All files of the ``pools`` folder that poolplan owns. What it owns in ``existing`` and not here is to be deleted.

    ``existing`` are the files as they are, relative to the folder. The manifests have what the delegate must find in
    them. ``imports`` are the pools that Terraform takes in, with the ids by which it finds them. Raises ValueRefused
    for a name that is none.
    """
    return FileSet.of({**settings_files(settings).as_map(), **_pool_files(desired, existing, delegate, imports)})


def with_pools(
    files: FileSet, pools: PoolSet, *, delegate: Delegate | None = None, imports: Mapping[str, str] = _NO_IMPORTS
) -> FileSet:
    """The same ``pools`` folder, declaring these pools; what is no pool's file stays as it is.

    ``delegate`` and ``imports`` as in ``render_files``.
    """
    rest = {path: text for path, text in files if not any(is_pool_file(path, live) for live in Live)}
    return FileSet.of({**rest, **_pool_files(pools, files, delegate, imports)})


def _pool_files(
    desired: PoolSet, existing: FileSet, delegate: Delegate | None, imports: Mapping[str, str]
) -> dict[PurePosixPath, str]:
    before = existing.as_map()
    texts = {KUSTOMIZATION: kustomization(desired)}
    for pool in desired:
        terraform, object_ = terraform_file(pool.name), manifest_file(pool.name)
        texts[terraform] = _terraform(pool, before.get(terraform), imports.get(pool.name, ""))
        texts[object_] = manifest(pool, before.get(object_), delegate=delegate)
    return texts


def removed_paths(existing: FileSet, rendered: FileSet) -> tuple[PurePosixPath, ...]:
    """Paths that poolplan owns and no longer wants, sorted."""
    wanted = set(rendered.paths())
    return tuple(path for path in existing.paths() if is_owned(path) and path not in wanted)


def parse_pools(files: FileSet, live: Live) -> PoolSet:
    """The pools that the files declare, in the form that is live. Raises TextRefused with file, line and column."""
    return PoolSet.of(_read(path, text, live) for path, text in files if _is_read(path, text, live))


def imported_ids(files: FileSet) -> dict[str, str]:
    """For each pool whose Terraform file takes it in, how the provider finds it (``import_id``)."""
    said = (_said(text) for path, text in files if is_pool_file(path, Live.TERRAFORM))
    return {str(one[0].name): one[1] for one in said if one is not None and one[1]}


def _terraform(pool: Pool, existing: str | None, taken: str = "") -> str:
    """The file as it is, with one number changed, or anew: the first of them that says what is wanted.

    How the pool was imported stays in the file as long as it is the same pool.
    """
    taken = taken or _imported(pool, existing)
    fresh = pool_file(pool, imported=taken)
    if existing is None or existing == fresh:
        return fresh
    for text in (existing, resized_text(existing, pool.desired)):
        if text is not None and _said(text) == (pool, taken):
            return text
    return fresh


def _imported(pool: Pool, existing: str | None) -> str:
    said = _said(existing) if existing else None
    if said is None or any(getattr(said[0], name) != getattr(pool, name) for name in FORCE_NEW):
        return ""
    return said[1]


@lru_cache(maxsize=KEPT)
def _said(text: str) -> tuple[Pool, str] | None:
    try:
        return read_pool_file(text, file="")
    except TextRefused:
        return None


def _is_read(path: PurePosixPath, text: str, live: Live) -> bool:
    """Whether the file holds a pool. Raises TextRefused for pools in a file that poolplan would not look into."""
    if is_pool_file(path, live):
        return True
    match live:
        case Live.TERRAFORM:
            stray = path.parent == TERRAFORM and ".tf" in path.suffixes and f'"{RESOURCE}"' in text
        case Live.MANIFESTS:
            stray = path.parent == MANIFESTS and path.suffix in (".yml", ".json") and API_VERSION in text
        case _:
            assert_never(live)
    if stray:
        reason = "a pool stands here, but poolplan keeps each pool in a file of its own, named after it"
        raise TextRefused(reason, file=str(path))
    return False


@lru_cache(maxsize=KEPT)
def _read(path: PurePosixPath, text: str, live: Live) -> Pool:
    file = str(path)
    pool = read_pool(text, file=file) if live is Live.TERRAFORM else read_manifest(text, file=file)
    wanted = terraform_file(pool.name) if live is Live.TERRAFORM else manifest_file(pool.name)
    if wanted != path:
        raise TextRefused(f"the pool is named {pool.name}, so its file must be named {wanted.name}", file=file)
    return pool
