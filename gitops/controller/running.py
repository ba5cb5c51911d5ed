"""A controller put together: repositories, live clusters, election and what is served, from start to orderly end."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from threading import Event
from typing import TYPE_CHECKING
from uuid import uuid4

from gitops.cluster.live.cluster import LiveCluster
from gitops.controller.applying import Deliveries
from gitops.controller.controller import Controller
from gitops.controller.finding import KUBE_ID, at_found_cluster
from gitops.controller.keys import Keys
from gitops.controller.observing import Observing
from gitops.controller.planning import Planning
from gitops.controller.saying import Speaker, Voice
from gitops.controller.stopping import Stop, StoppableClock, guard
from gitops.delivery import Place
from gitops.engine_states import EngineStates
from gitops.environment import machine_name
from gitops.errors import InputError
from gitops.fleet import cluster_names, names_variable, open_source, read_fleet
from gitops.gather import connect_cluster
from gitops.loop.opening import Worlds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from gitops.cluster.connection import KubernetesApi
    from gitops.controller.logs import Log
    from gitops.controller.view import View
    from gitops.engines.base import Progress
    from gitops.gather import Sources, Surroundings
    from gitops.git.base import Repository
    from gitops.leading import Leadership
    from gitops.settings import Settings

    SourcesOf = Callable[[str, Settings | None], Sources]

UNNAMED = "cluster"
"""What a cluster is called that is only observed, where no option names it."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a controller is started with. ``clusters`` empty: the only one of the repository.

    ``repo`` empty: it observes one cluster, and does nothing but tell what it would propose.
    ``lease`` is ``namespace/name`` of a Lease by which one of several equal processes leads; empty: this one leads.
    ``reached_at`` is where the others reach this one, ``IP:PORT``; empty: they do not.
    ``sources`` gives what to read from, by a cluster's name and settings. ``state`` outlives the process.
    """

    repo: str
    clusters: tuple[str, ...]
    sources: SourcesOf
    state: Path
    every: timedelta = timedelta(minutes=1)
    lease: str = ""
    reached_at: str = ""
    applies: bool = True
    keep_evidence: bool = False
    freeze: str | None = None
    program: str = ""
    cli_config: Path | None = None


class Running:
    """All controllers of one process. ``start``, then ``wait`` until ``end`` is called, from a signal's handler too."""

    def __init__(
        self, options: RunOptions, around: Surroundings, log: Log, *,
        observers: Sequence[Callable[[View], None]] = (),
    ) -> None:  # fmt: skip
        self._options, self._log = options, log
        self._stop, self._ended = Stop(), Event()
        clock = StoppableClock(around.clock, self._stop)
        self._around = replace(around, clock=clock, remark=lambda text: log.say("remark", text=text))
        self._voices: list[Voice] = []
        self._leadership = self._election() if options.lease else None
        self.controllers = tuple(self._controller(name, observers) for name in self._names())

    def start(self) -> None:
        """Begin to follow the clusters and to take part in the election."""
        for controller in self.controllers:
            controller.start()
        if self._leadership is not None:
            self._leadership.start()

    def wait(self) -> None:
        """Return when ``end`` was called."""
        self._ended.wait()

    def end(self) -> None:
        """Let ``wait`` return; may be called from anywhere."""
        self._ended.set()

    def stop(self) -> None:
        """End in order: what is under way ends first, then somebody else may lead."""
        self._stop.set()
        with ExitStack() as last:
            if self._leadership is not None:
                last.callback(self._leadership.stop)
            for voice in self._voices:
                last.callback(voice.stop)
            for controller in self.controllers:
                last.callback(controller.stop)

    def look_now(self) -> None:
        """Let every controller look: a forge says that something happened."""
        for controller in self.controllers:
            controller.look_now()

    def leads(self) -> bool:
        """Whether this process may act."""
        return self._leadership is None or self._leadership.leads()

    def leader_elsewhere(self) -> str:
        """Where the process that leads is reached; empty where that is this one, or not known."""
        if self._leadership is None or self.leads():
            return ""
        from gitops.leading import address_in  # noqa: PLC0415 - only where there is an election

        return address_in(self._leadership.holder)

    @property
    def views(self) -> tuple[View, ...]:
        """What is known of each cluster."""
        return tuple(controller.view for controller in self.controllers)

    def _names(self) -> tuple[str, ...]:
        if not self._options.repo:
            if len(self._options.clusters) > 1:
                raise InputError("several clusters need --repo: without a fleet repository one is observed")
            return self._options.clusters or (UNNAMED,)
        repository = open_source(self._options.repo, self._around, cache=self._options.state / "git")
        names = self._options.clusters or cluster_names(repository)
        if len(names) != 1 and not self._options.clusters:
            raise InputError(f"which cluster of {repository.name}? It has {', '.join(names)}: choose with --cluster")
        return names

    def _election(self) -> Leadership:
        from gitops.cluster.lease import Lease  # noqa: PLC0415 - only where there is an election
        from gitops.leading import Leadership as Election  # noqa: PLC0415 - likewise
        from gitops.leading import identity_at  # noqa: PLC0415 - likewise

        namespace, _, name = self._options.lease.partition("/")
        if not (namespace and name):
            raise InputError(f"--lease {self._options.lease}: write it like poolplan/poolplan, a namespace and a name")
        first = self._options.clusters[0] if self._options.clusters else ""
        api = connect_cluster(self._options.sources(first, None), self._around)
        # As client-go: a pod that starts anew is another one.
        identity = identity_at(machine_name(), str(uuid4()), self._options.reached_at)
        return Election(
            Lease(api, namespace, name), identity, clock=self._around.clock, on_change=self._led
        )  # fmt: skip

    def _led(self, leading: bool) -> None:
        self._log.say("leads" if leading else "does not lead")
        if leading:
            self.look_now()

    def _controller(self, name: str, observers: Sequence[Callable[[View], None]]) -> Controller:
        options = self._options
        may = guard(self._stop, self._leadership.must_lead if self._leadership else lambda: None)
        if not options.repo:
            return self._observer(name, may, observers)
        repository = open_source(options.repo, self._around, cache=options.state / "git")
        around = self._located(repository, name)
        settings = read_fleet(repository, name, around).settings
        live, voice, keys = self._live(options.sources(name, settings))

        def sources(given: Settings) -> Sources:
            return replace(options.sources(name, given), live=live.snapshot_inputs)

        states = EngineStates(place=Place.below(
            options.state, program=options.program, cli_config=options.cli_config,
            holder=f"lease {options.lease}" if options.lease else "",
        ))  # fmt: skip
        planning = Planning(
            name=name, repository=repository, worlds=Worlds(around=around, freeze=options.freeze), sources=sources,
            around=around, state=options.state, may=may, keys=keys, states=states,
            keep_evidence=options.keep_evidence,
        )  # fmt: skip
        deliveries = Deliveries(
            name=name, repository=open_source(options.repo, around, cache=options.state / "git-apply"),
            sources=sources, around=around, may=may, keys=keys, report=self._report, freeze=options.freeze,
            states=states,
        ) if options.applies else None  # fmt: skip
        return self._put_together(live, planning, deliveries, (voice, *observers))

    def _located(self, repository: Repository, name: str) -> Surroundings:
        """The surroundings, with the cluster's id where its cluster.yaml leaves that to us."""
        if not names_variable(repository, name, KUBE_ID):
            return self._around
        sources = self._options.sources(name, None)
        return at_found_cluster(sources, self._around, self._keys(connect_cluster(sources, self._around)))

    def _observer(
        self, name: str, may: Callable[[], None], observers: Sequence[Callable[[View], None]]
    ) -> Controller:  # fmt: skip
        sources = self._options.sources(name, None)
        live, voice, keys = self._live(sources)
        planning = Observing(
            name=name, sources=replace(sources, live=live.snapshot_inputs), around=self._around, may=may, keys=keys
        )  # fmt: skip
        return self._put_together(live, planning, None, (voice, *observers))

    def _live(self, sources: Sources) -> tuple[LiveCluster, Voice, Keys]:
        """A cluster that is followed, what tells it of its plans, and the keys that it may keep."""
        api, around = connect_cluster(sources, self._around), self._around
        voice = Voice(Speaker(api=api, clock=around.clock, remark=around.remark))
        self._voices.append(voice)
        return LiveCluster(api, environment=around.environment, clock=around.clock), voice, self._keys(api)

    def _keys(self, api: KubernetesApi) -> Keys:
        return Keys(read=api.secret, hide=self._log.hide)

    def _put_together(
        self, live: LiveCluster, planning: Planning | Observing, deliveries: Deliveries | None,
        observers: Sequence[Callable[[View], None]],
    ) -> Controller:  # fmt: skip
        return Controller(
            live=live, planning=planning, deliveries=deliveries, clock=self._around.clock, log=self._log,
            stop_sign=self._stop, leads=self.leads, every=self._options.every, observers=observers,
        )  # fmt: skip

    def _report(self, progress: Progress) -> None:
        self._log.say(
            "progress", pool=progress.pool_name, action=progress.action, stage=progress.stage.value,
            seconds=progress.elapsed_seconds,
        )  # fmt: skip
