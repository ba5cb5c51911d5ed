"""One cluster of the fleet repository, as its main branch has it: settings, policy and declared pools."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from gitops.errors import InputError, Place, Stalled, Waiting
from gitops.ovh.credentials import ENDPOINTS
from renderer.errors import TextRefused
from renderer.layout import CLUSTER, POLICY, POOLS
from renderer.tree import parse_pools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gitops.cluster.inputs import Inputs as ReadPolicy
    from gitops.gather import Surroundings
    from gitops.git.base import CommitId, Repository
    from gitops.settings import Settings
    from planner.policy import Policy
    from planner.pools import PoolSet
    from renderer.files import FileSet

CLUSTERS = PurePosixPath("clusters")
GIT_TOKEN = "POOLPLAN_GIT_TOKEN"  # noqa: S105 - a name
"""The environment variable whose value signs in at a remote over HTTP."""
GIT_LOGIN = "POOLPLAN_GIT_LOGIN"
"""The environment variable that names a cluster.yaml whose forge's own token does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A cluster's part of the repository at ``main``. ``files`` have paths relative to the cluster's folder.

    ``policy`` is what the policy folder says, with the place of each field.
    """

    repository: Repository
    settings: Settings
    main: CommitId
    files: FileSet
    policy: ReadPolicy
    declared: PoolSet


def open_fleet(
    source: str, cluster: str, around: Surroundings, *, cache: Path, or_as_it_was: bool = False
) -> Fleet:  # fmt: skip
    """Open the repository and read one cluster. Raises Stalled or InputError with the file and line at fault."""
    return read_fleet(open_source(source, around, cache=cache, or_as_it_was=or_as_it_was), cluster, around)


def open_source(source: str, around: Surroundings, *, cache: Path, or_as_it_was: bool = False) -> Repository:
    """The fleet repository at a path or an address, as it is now; or, where it does not answer, as it was last seen.

    A remote over HTTP is called with the token in POOLPLAN_GIT_TOKEN; else with that of the forge in the cluster.yaml
    that POOLPLAN_GIT_LOGIN names, an App's included; where neither is set, as Git itself would.
    """
    from gitops.git.opening import open_repository  # noqa: PLC0415 - loaded only for repositories

    # A mirror of its own for each address: two runs at once must never read each other's branches.
    folder = cache / sha256(source.encode()).hexdigest()[:16]
    repository = open_repository(source, cache=folder, token=_git_token(around))
    try:
        repository.refresh()
    except (Stalled, Waiting) as error:
        if not or_as_it_was or not repository.branches():
            raise
        around.remark(f"{error}; going on with the repository as it was last seen")
    return repository


def _git_token(around: Surroundings) -> Callable[[], str] | None:
    """What tells the token that Git signs in with; None where Git is set up by itself."""
    known, file = around.environment.get(GIT_TOKEN, ""), around.environment.get(GIT_LOGIN, "")
    if known or not file:
        return (lambda: known) if known else None
    from gitops.forges.opening import git_sign_in  # noqa: PLC0415 - only where a forge signs Git in
    from gitops.settings_read import load_settings  # noqa: PLC0415 - loads ruamel

    forge = load_settings(Path(file), around.environment).forge
    return git_sign_in(forge, around.environment, around.clock, remark=around.remark)


def read_fleet(repository: Repository, cluster: str, around: Surroundings) -> Fleet:
    """Read one cluster as of the last ``refresh``; without a name, the only one there is. Raises as ``open_fleet``."""
    from gitops.git.base import BranchName  # noqa: PLC0415 - loaded only for repositories

    settings, head, files = read_cluster(repository, cluster, around)
    repository.ensure_ready(BranchName(settings.git.branch), settings.folder)
    around = at_cluster(settings, around)
    for warning in settings.warnings:
        around.remark(warning)
    return Fleet(
        repository=repository, settings=settings, main=head, files=files,
        policy=_policy(files, settings.name, around), declared=declared_pools(files, settings),
    )  # fmt: skip


def read_cluster(
    repository: Repository, cluster: str, around: Surroundings
) -> tuple[Settings, CommitId, FileSet]:  # fmt: skip
    """A cluster's settings, and the commit and files of the branch that they name; nothing else is looked at."""
    name = cluster or _only_cluster(repository, "main")
    head, files = _read(repository, "main", name)
    if files.get(CLUSTER) is None:
        there = ", ".join(_clusters(repository.read(head, CLUSTERS))) or "no cluster"
        place = Place(f"{CLUSTERS / name / CLUSTER}")
        raise InputError(f"there is no such file on the main branch; it has {there}", place=place)
    settings = _settings(files, name, around.environment)
    if settings.git.branch != "main":
        head, files = _read(repository, settings.git.branch, name)
        settings = _settings(files, name, around.environment)
    return settings, head, files


def cluster_names(repository: Repository) -> tuple[str, ...]:
    """All clusters of the main branch, by name."""
    head, _ = _read(repository, "main", "")
    return tuple(_clusters(repository.read(head, CLUSTERS)))


def names_variable(repository: Repository, cluster: str, variable: str) -> bool:
    """Whether a cluster's cluster.yaml on the main branch is filled with this variable."""
    _, files = _read(repository, "main", cluster)
    return f"${{{variable}}}" in (files.get(CLUSTER) or "")


def policy_of(files: FileSet, cluster: str, around: Surroundings) -> Policy:
    """The policy in a cluster's files, whatever commit they are of. Raises InputError."""
    return _policy(files, cluster, replace(around, remark=lambda _: None)).policy


def at_cluster(settings: Settings, around: Surroundings) -> Surroundings:
    """The surroundings with the project, cluster, region and endpoint of cluster.yaml, whatever was exported.

    Raises InputError where OVH_ENDPOINT contradicts it: keys of one endpoint are of no use at another.
    """
    ovh = settings.ovh
    exported = around.environment.get("OVH_ENDPOINT", "")
    if exported and _url(exported) != _url(ovh.endpoint):
        where = f"{settings.folder}/{CLUSTER} says {ovh.endpoint}"
        raise InputError(f"OVH_ENDPOINT is {exported}, {where}; unset the variable or correct the file")
    own = {"OVH_ENDPOINT": ovh.endpoint, "OVH_SERVICE_NAME": ovh.service_name, "OVH_KUBE_ID": ovh.kube_id}
    if ovh.region:
        own["OVH_REGION"] = ovh.region
    return replace(around, environment={**around.environment, **own})


def _url(endpoint: str) -> str:
    return ENDPOINTS.get(endpoint, endpoint).rstrip("/")


def declared_pools(files: FileSet, settings: Settings) -> PoolSet:
    """The pools that the cluster's live files declare. Raises InputError with the place of what is wrong."""
    try:
        return parse_pools(files.inside(POOLS), settings.live)
    except TextRefused as error:
        raise InputError(f"{settings.folder}/{POOLS}/{error}") from error


def _read(repository: Repository, branch: str, cluster: str) -> tuple[CommitId, FileSet]:
    from gitops.git.base import BranchName  # noqa: PLC0415 - loaded only for repositories

    head = repository.head(BranchName(branch))
    if head is None:
        raise Stalled(f"{repository.name} has no branch {branch}; commit clusters/<name>/cluster.yaml there first")
    return head, repository.read(head, CLUSTERS / cluster)


def _only_cluster(repository: Repository, branch: str) -> str:
    from gitops.git.base import BranchName  # noqa: PLC0415 - loaded only for repositories

    head = repository.head(BranchName(branch))
    if head is None:
        raise Stalled(f"{repository.name} has no branch {branch}; commit clusters/<name>/cluster.yaml there first")
    names = _clusters(repository.read(head, CLUSTERS))
    if not names:
        raise InputError(f"{repository.name} has no cluster on {branch}; commit clusters/<name>/cluster.yaml first")
    if len(names) > 1:
        raise InputError(f"which cluster of {repository.name}? It has {', '.join(names)}: choose one with --cluster")
    return names[0]


def _clusters(files: FileSet) -> list[str]:
    return sorted({path.parts[0] for path in files.paths() if path.parts[1:] == CLUSTER.parts})


def _settings(files: FileSet, cluster: str, variables: Mapping[str, str]) -> Settings:
    from gitops.settings_read import read_settings  # noqa: PLC0415 - loads ruamel

    text = files.get(CLUSTER)
    if text is None:
        raise InputError("there is no such file on the main branch", place=Place(f"{CLUSTERS / cluster / CLUSTER}"))
    settings = read_settings(text, str(CLUSTERS / cluster / CLUSTER), variables)
    if settings.name != cluster:
        raise InputError(
            f"metadata.name is {settings.name}, the folder is {cluster}; they must agree",
            place=Place(f"{CLUSTERS / cluster / CLUSTER}"),
        )
    return settings


def _policy(files: FileSet, cluster: str, around: Surroundings) -> ReadPolicy:
    from gitops.cluster.files import Source  # noqa: PLC0415 - loads msgspec
    from gitops.cluster.inputs import make_inputs  # noqa: PLC0415 - likewise
    from gitops.cluster.items import items_of  # noqa: PLC0415 - likewise

    texts = [(path, text) for path, text in files.inside(POLICY) if path.suffix in (".yaml", ".yml", ".json")]
    sources = [Source(str(CLUSTERS / cluster / POLICY / path), text.encode()) for path, text in texts]
    found = make_inputs(
        (item for source in sources for item in items_of(source)), environment=around.environment
    )
    for warning in found.warnings:
        around.remark(warning)
    if found.unknown_kinds:
        listed = ", ".join(f"{count} × {kind}" for kind, count in found.unknown_kinds.items())
        around.remark(f"{CLUSTERS / cluster / POLICY}/: left out, because it is no policy: {listed}")
    if not found.policy.node_pools:
        place = Place(f"{CLUSTERS / cluster / POLICY}/")
        raise InputError("there is no NodePool on the main branch; commit one", place=place)
    return found
