"""The prerequisites, looked at one by one: programs, credentials, rights, region and the cluster itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gitops.errors import PoolplanError
from gitops.git.base import BranchName, CommitId
from gitops.settings import Engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gitops.gather import Sources, Surroundings
    from gitops.settings import Settings


RIGHTS_PAGE = "docs/guides/rights.md"
_NO_COMMIT = CommitId("0" * 40)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at, and what was found or is missing.

    ``needed`` False: without it poolplan goes on, and ``detail`` says what is lost.
    """

    name: str
    passed: bool
    detail: str
    needed: bool = True

    def __str__(self) -> str:
        mark = "ok  " if self.passed else "FAIL" if self.needed else "none"
        return f"{mark}  {self.name}: {self.detail}"


def run_checks(
    sources: Sources, around: Surroundings, *, launchers: Path, clusters: Sequence[Settings] = (), repo: str = "",
    cache: Path | None = None,
) -> Iterator[Check]:  # fmt: skip
    """Look at everything an apply needs; each check stands alone, so all that is wrong is said at once.

    ``clusters`` are those whose forges and delegates are looked at; ``repo`` is the fleet repository, mirrored below
    ``cache``.
    """
    yield _check("git", _git)
    needs_terraform = not clusters or any(one.engine is Engine.TERRAFORM for one in clusters)
    yield replace(_check("terraform", lambda: _terraform(launchers)), needed=needs_terraform)
    yield _check("OVH credentials", lambda: _account(around))
    yield _check("OVH cluster", lambda: _cluster(around))
    yield _check("OVH pools", lambda: _pools(around))
    yield from _rights(around)
    yield _check("region", lambda: _region(sources, around))
    yield replace(_check("OVH quota", lambda: _quota(around)), needed=False)
    kubernetes = _check("Kubernetes", lambda: _kubernetes(sources, around))
    yield kubernetes
    if kubernetes.passed and not sources.snapshots:
        yield from _cluster_rights(sources, around)
    if repo:
        yield _check("repository", lambda: _repository(repo, around, cache))
    for settings in {(one.forge, one.git.branch): one for one in clusters}.values():
        yield _forge(settings, around)
    for settings in clusters:
        if settings.delegate is not None:
            yield _delegate(settings, sources, around)


def _check(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except PoolplanError as error:
        return Check(name, False, str(error))


def _git() -> str:
    from gitops.process import run  # noqa: PLC0415 - loaded only for live checks

    return run(["git", "--version"]).out.strip()


def _terraform(launchers: Path) -> str:
    from gitops.engines.program import find_terraform  # noqa: PLC0415 - loaded only for live checks

    return find_terraform("", launchers=launchers)


def _account(around: Surroundings) -> str:
    from gitops.ovh.credentials import credentials_from  # noqa: PLC0415 - loaded only for live checks

    return f"complete, for {credentials_from(around.environment).endpoint}"


def _cluster(around: Surroundings) -> str:
    from gitops.gather import connect  # noqa: PLC0415 - loaded only for live checks
    from gitops.ovh.discover import find_cluster  # noqa: PLC0415 - likewise

    found = find_cluster(connect(around))
    return f"{found.name or found.id} is {found.status}, plan {found.plan or 'free'}, version {found.version}"


def _pools(around: Surroundings) -> str:
    from gitops.gather import connect  # noqa: PLC0415 - loaded only for live checks
    from gitops.ovh.discover import find_cluster  # noqa: PLC0415 - likewise

    client = connect(around)
    pools = client.of_cluster(find_cluster(client).id).pools()
    return f"{len(pools)} pools with {sum(pool.desired for pool in pools)} nodes can be read"


def _rights(around: Surroundings) -> Iterator[Check]:
    """Each right as the consumer key's own rules have it; what an IAM policy says cannot be asked beforehand."""
    from gitops.gather import connect  # noqa: PLC0415 - loaded only for live checks
    from gitops.ovh.discover import find_cluster  # noqa: PLC0415 - likewise
    from gitops.ovh.rights import RIGHTS  # noqa: PLC0415 - likewise

    try:
        client = connect(around)
        kube_id = find_cluster(client).id
        rules = client.credential().rules
    except PoolplanError as error:
        yield Check("OVH rights", False, f"cannot be listed: {error}", needed=False)
        return
    for right in RIGHTS:
        granted = right.granted_by(rules, service_name=client.service_name, kube_id=kube_id)
        remedy = f"make a consumer key that has it, {RIGHTS_PAGE} says how"
        detail = "granted" if granted else f"not granted: {right.without}; {remedy}"
        yield Check(f"OVH right {right.method} {right.path}", granted, detail, needed=right.needed)


def _region(sources: Sources, around: Surroundings) -> str:
    from gitops.gather import connect, read_catalog  # noqa: PLC0415 - loaded only for live checks
    from gitops.ovh.discover import find_cluster  # noqa: PLC0415 - likewise

    name = find_cluster(connect(around)).region
    region = read_catalog(sources, around).region(name)
    if region is None:
        raise PoolplanError(f"the cluster is in {name}, which the catalog does not know; see poolplan catalog")
    zones = ", ".join(region.zones) if region.zoned else "one zone"
    return f"{name}, {zones}"


def _quota(around: Surroundings) -> str:
    from gitops.gather import connect  # noqa: PLC0415 - loaded only for live checks
    from gitops.ovh.discover import find_cluster  # noqa: PLC0415 - likewise

    client = connect(around)
    return str(client.quota(find_cluster(client).region))


def _cluster_rights(sources: Sources, around: Surroundings) -> Iterator[Check]:
    """What the cluster's RBAC grants for each of the things that poolplan does there, one line each."""
    from gitops.cluster.rights import DRAINING, FOLLOWING, SHOWING, lacking  # noqa: PLC0415 - only for live checks
    from gitops.gather import connect_cluster  # noqa: PLC0415 - likewise

    for what, rights in (("follow", FOLLOWING), ("drain", DRAINING), ("show", SHOWING)):
        name = f"Kubernetes rights to {what}"
        try:
            missing = lacking(connect_cluster(sources, around), rights)
        except PoolplanError as error:
            yield Check(name, False, str(error), needed=False)
            continue
        told = "; ".join(f"{one} is not granted: {one.without}" for one in missing)
        detail = f"{told}; the chart grants it, and {RIGHTS_PAGE} lists all of them" if told else "granted"
        yield Check(name, not missing, detail, needed=False)


def _repository(repo: str, around: Surroundings, cache: Path | None) -> str:
    """Whether the fleet repository can be read, and a branch of poolplan's be pushed; nothing is pushed."""
    from gitops.fleet import cluster_names, open_source  # noqa: PLC0415 - loaded only for live checks

    assert cache is not None, "a repository is mirrored somewhere"  # noqa: S101 - for the type checker
    repository = open_source(repo, around, cache=cache)
    names = cluster_names(repository)
    repository.try_push(BranchName("poolplan/validate"))
    return f"{repository.name} can be read and pushed to; it has {', '.join(names) or 'no cluster'}"


def _kubernetes(sources: Sources, around: Surroundings) -> str:
    from gitops.gather import read_cluster  # noqa: PLC0415 - loaded only for live checks

    snapshot, _ = read_cluster(sources, around)
    return f"{len(snapshot.nodes)} nodes and {len(snapshot.pods)} pods can be read"


def _delegate(settings: Settings, sources: Sources, around: Surroundings) -> Check:
    """Whether the objects of what applies in place of poolplan can be read."""
    from gitops.delivery import delegates_cluster  # noqa: PLC0415 - loaded only for live checks
    from gitops.engines.delegate_status import Stage  # noqa: PLC0415 - likewise
    from gitops.engines.delegating import following_of  # noqa: PLC0415 - likewise
    from gitops.engines.sight import Sight  # noqa: PLC0415 - likewise

    assert settings.delegate is not None, "asked for delegated clusters alone"  # noqa: S101 - for the type checker
    sight = Sight(
        delegate=settings.delegate, following=following_of(settings), api=lambda: delegates_cluster(sources, around)
    )  # fmt: skip
    seen = sight.look(_NO_COMMIT)
    name = f"delegate {settings.delegate.value}"
    if seen.stage is Stage.UNSEEN:
        return Check(name, False, f"{seen.text}; without it no node and no pool of {settings.name} goes", needed=False)
    return Check(name, True, f"its objects for {settings.name} can be read")


def _forge(settings: Settings, around: Surroundings) -> Check:
    """Who poolplan is to the forge, and whether the branch that counts is kept from pushes that nobody reviewed."""
    from gitops.forges.opening import open_server  # noqa: PLC0415 - loaded only for live checks
    from gitops.settings_forge import ForgeKind  # noqa: PLC0415 - likewise

    branch = settings.git.branch
    if settings.forge.kind is ForgeKind.PLAIN:
        return Check("forge", True, f"plain Git: who may push to {branch} may approve")
    try:
        forge = open_server(settings.forge, around.environment, around.clock, remark=around.remark)
        me, found = forge.me(), len(forge.open_requests(BranchName(branch)))
        protection = forge.protection(BranchName(branch))
    except PoolplanError as error:
        return Check("forge", False, str(error))
    signed_in = f"{forge.name} as {me}, {found} open requests"
    if not protection.protected or protection.forced:
        what = "can be pushed to with force" if protection.protected else "is not protected"
        return Check("forge", False, f"{signed_in}, but {branch} {what}: see docs/guides/forges.md", needed=False)
    return Check("forge", True, f"{signed_in}; {branch} is protected and asks for {protection.approvals} approvals")
