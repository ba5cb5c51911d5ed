"""The part of ``poolplan render`` that writes the files to start a delegate with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.commands.options import remark
from gitops.errors import InputError
from gitops.settings_forge import ForgeKind

if TYPE_CHECKING:
    from pathlib import Path

    from gitops.settings import Settings
    from gitops.settings_forge import ForgeSettings

_PUBLIC = {ForgeKind.GITHUB: "https://github.com", ForgeKind.GITLAB: "https://gitlab.com"}
_APIS = ("/api/v3", "/api/v4", "/api/v1")


def write_bootstrap(name: str, settings: Settings, *, url: str, into: Path) -> None:
    """Write the files for one delegate. Files of people's that are there already are left as they are."""
    from gitops.engines.delegating import following_of  # noqa: PLC0415 - loaded only when asked for
    from gitops.files import file_names, write_folder  # noqa: PLC0415 - likewise
    from renderer.bootstrap import bootstrap_files  # noqa: PLC0415 - likewise
    from renderer.delegated import Delegate  # noqa: PLC0415 - likewise
    from renderer.files import FileSet  # noqa: PLC0415 - likewise

    delegate = Delegate(name)
    url = url or repository_url(settings.forge)
    if not url:
        raise InputError("where the delegate finds the repository is not known: name it with --repo-url")
    if settings.delegate is not delegate:
        remark(f"cluster.yaml does not give the work to {name} yet: spec.engine: delegated, spec.delegated: {name}")
    files = bootstrap_files(delegate, following_of(settings, url=url))
    there = set(file_names(into)) if into.is_dir() else set()
    fresh = FileSet.of({path: text for path, text in files if path not in there})
    write_folder(into, fresh, removed=[])
    kept = sorted(str(path) for path, _ in files if path in there)
    remark(f"{len(fresh)} files in {into}" + (f"; left as they are: {', '.join(kept)}" if kept else ""))


def repository_url(forge: ForgeSettings) -> str:
    """Where the reviewed repository is cloned from over HTTPS; empty where only Git knows."""
    base = forge.url.rstrip("/") or _PUBLIC.get(forge.kind, "")
    for api in _APIS:
        base = base.removesuffix(api)
    return f"{base}/{forge.repository}.git" if base and forge.repository else ""
