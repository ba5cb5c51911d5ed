"""Puts a delegated engine together: whose branch it is, who follows it, and where that one can be seen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gitops.engines.delegated import DelegatedEngine, Delegation
from gitops.engines.live_branch import Cause, LiveBranch
from gitops.engines.ovh_api import OvhApiEngine
from gitops.engines.sight import Sight
from gitops.engines.tofu import TofuApproval
from gitops.git.base import Author, BranchName
from renderer.bootstrap import Following
from renderer.delegated import Delegate
from renderer.files import FileSet
from renderer.layout import MANIFESTS, POOLS, TERRAFORM

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.clock import Clock
    from gitops.engines.sight import DelegateApi
    from gitops.git.base import Repository
    from gitops.git.signing import Signer
    from gitops.ovh.client import OvhClient
    from gitops.settings import Settings


CAUSE = PurePosixPath("promoted.txt")


@dataclass(frozen=True, kw_only=True)
class Promotion:
    """Where to move what, on whose account. ``api`` gives the cluster that the delegate runs in, and may raise."""

    repository: Repository
    api: Callable[[], DelegateApi]
    signer: Signer | None = None
    cause: Cause = field(default_factory=Cause)


def following_of(settings: Settings, *, url: str = "") -> Following:
    """A cluster's live branch as its delegate sees it."""
    return Following(
        cluster=settings.name, url=url, main=settings.git.branch, prefix=settings.git.proposal_prefix,
        backend=settings.backend,
    )  # fmt: skip


def delegated_engine(
    settings: Settings, promotion: Promotion, pools: OvhApiEngine, client: OvhClient, clock: Clock
) -> DelegatedEngine:
    """The engine of a cluster whose settings name a delegate."""
    assert settings.delegate is not None, "cluster.yaml names one"  # noqa: S101 - for the type checker
    following = following_of(settings)
    sight = Sight(delegate=settings.delegate, following=following, api=promotion.api)
    tofu = settings.delegate is Delegate.TOFU_CONTROLLER
    return DelegatedEngine(Delegation(
        delegate=settings.delegate, pools=pools, client=client, clock=clock, sight=sight,
        live=replace(
            _branch(following.branch, settings, promotion), note=settings.folder / CAUSE,
            root=settings.folder / POOLS / (TERRAFORM if tofu else MANIFESTS),
        ),
        approval=TofuApproval(
            approvals=_branch(following.approvals, settings, promotion), following=following, sight=sight
        ) if tofu else None,
    ))  # fmt: skip


def retire(settings: Settings, promotion: Promotion, clock: Clock) -> bool:
    """Empty the live branch of a cluster that no delegate applies any more, so that none goes on by itself.

    Whether it said something until now.
    """
    live = _branch(following_of(settings).branch, settings, promotion)
    if not live.files():
        return False
    live.promote(FileSet(), what="Leave the pools to another engine", at=clock.now())
    return True


def _branch(name: str, settings: Settings, promotion: Promotion) -> LiveBranch:
    return LiveBranch(
        repository=promotion.repository, branch=BranchName(name), root=PurePosixPath(), cause=promotion.cause,
        author=Author(settings.git.author_name, settings.git.author_email), signer=promotion.signer,
    )  # fmt: skip
