"""What the page shows of a cluster, as a value. Texts in here are as the cluster and people wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from renderer.history import History
    from renderer.page.picture import Picture
    from renderer.status import Missing
    from renderer.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Pods (``namespace/name``) of which the same is to be said: how far they are, as a word and as a sentence."""

    stands: str
    text: str
    pods: tuple[str, ...]
    pool: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A proposal that stands. ``since`` is RFC 3339, empty where that is not known; ``reason`` is what it waits for."""

    kind: str
    state: str
    branch: str
    change: str
    url: str = ""
    since: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """What the applying half did last, at ``at``: a sentence about its last step, and why it does not go on."""

    at: datetime
    step: str = ""
    problem: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterPage:
    """One cluster after its last pass.

    ``at`` is the last pass, ``succeeded`` the last that came to its end: None before the first. ``acts``: this process
    may change something; ``observes``: it never does, for there is no fleet repository. ``summary`` and ``picture`` are
    of what is planned, None before the first pass. ``history`` None: none is at hand, and ``unread`` may say why.
    ``drift`` are sentences; None: the provider's own list of pools was not read.
    """

    cluster: str
    at: datetime | None = None
    succeeded: datetime | None = None
    acts: bool = False
    observes: bool = False
    problem: str = ""
    freeze: str = ""
    waits: str = ""
    applying: Apply | None = None
    summary: Summary | None = None
    waiting: tuple[Waiting, ...] = ()
    offers: tuple[Offer, ...] = ()
    picture: Picture | None = None
    missing: tuple[Missing, ...] = ()
    drift: tuple[str, ...] | None = None
    history: History | None = None
    unread: str = ""
