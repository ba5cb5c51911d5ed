"""The pools folder of a cluster as files, and back: both forms of every pool, and the files beside them.

Rendering keeps a file that already says what is wanted, byte for byte, so that a change is the whole diff.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

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
    manifest_file,
    terraform_file,
)
from renderer.manifests import API_VERSION, kustomization, manifest, read_manifest
from renderer.terraform import RESOURCE, pool_file, resized_text
from renderer.terraform_read import read_pool
from renderer.terraform_settings import TerraformSettings, settings_files

if TYPE_CHECKING:
    from pathlib import PurePosixPath

    from planner.pools import Pool
    from renderer.delegated import Delegate

_NOTHING = FileSet()


def render_files(
    desired: PoolSet, settings: TerraformSettings, *, existing: FileSet = _NOTHING, delegate: Delegate | None = None
) -> FileSet:
    """All files of the ``pools`` folder that poolplan owns. What it owns in ``existing`` and not here is to be deleted.

    ``existing`` are the files as they are, relative to the folder. The manifests have what the delegate must find in
    them. Raises ValueRefused for a name that is none.
    """
    return FileSet.of({**settings_files(settings).as_map(), **_pool_files(desired, existing, delegate)})


def with_pools(files: FileSet, pools: PoolSet, *, delegate: Delegate | None = None) -> FileSet:
    """The same ``pools`` folder, declaring these pools; what is no pool's file stays as it is."""
    rest = {path: text for path, text in files if not any(is_pool_file(path, live) for live in Live)}
    return FileSet.of({**rest, **_pool_files(pools, files, delegate)})


def _pool_files(desired: PoolSet, existing: FileSet, delegate: Delegate | None) -> dict[PurePosixPath, str]:
    before = existing.as_map()
    texts = {KUSTOMIZATION: kustomization(desired)}
    for pool in desired:
        texts[terraform_file(pool.name)] = _terraform(pool, before.get(terraform_file(pool.name)))
        texts[manifest_file(pool.name)] = manifest(pool, before.get(manifest_file(pool.name)), delegate=delegate)
    return texts


def removed_paths(existing: FileSet, rendered: FileSet) -> tuple[PurePosixPath, ...]:
    """Paths that poolplan owns and no longer wants, sorted."""
    wanted = set(rendered.paths())
    return tuple(path for path in existing.paths() if is_owned(path) and path not in wanted)


def parse_pools(files: FileSet, live: Live) -> PoolSet:
    """The pools that the files declare, in the form that is live. Raises TextRefused with file, line and column."""
    return PoolSet.of(_read(path, text, live) for path, text in files if _is_read(path, text, live))


def _terraform(pool: Pool, existing: str | None) -> str:
    """The file as it is, with one number changed, or anew: the first of them that says what is wanted."""
    fresh = pool_file(pool)
    if existing is None or existing == fresh:
        return fresh
    for text in (existing, resized_text(existing, pool.desired)):
        if text is not None and _says(text, pool):
            return text
    return fresh


def _says(text: str, pool: Pool) -> bool:
    try:
        return read_pool(text, file="") == pool
    except TextRefused:
        return False


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


def _read(path: PurePosixPath, text: str, live: Live) -> Pool:
    file = str(path)
    pool = read_pool(text, file=file) if live is Live.TERRAFORM else read_manifest(text, file=file)
    wanted = terraform_file(pool.name) if live is Live.TERRAFORM else manifest_file(pool.name)
    if wanted != path:
        raise TextRefused(f"the pool is named {pool.name}, so its file must be named {wanted.name}", file=file)
    return pool
