"""What the review loop costs: the time to an open pull request, calls to the forge, and many clusters in one process.

``python benchmarks/review.py [--forge memory|gitea] [--clusters 200] [--runs 5] [--json]``

Each cluster has a policy, a full node and three pods that wait. ``gitea`` starts the Gitea that ``tests/real`` builds,
on loopback; ``memory`` is a forge in this process over a bare repository. Calls are counted where they are made: HTTP
requests to Gitea, questions to the forge in memory. What Git itself sends is no call. CPU is that of this process and
of the programs that it starts; the server's own is not in it.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from benchmarks import made
from gitops.clock import SystemClock
from gitops.fleet import at_cluster, cluster_names, open_source, read_fleet
from gitops.forges.base import RequestText
from gitops.forges.memory import MemoryForge
from gitops.forges.memory_server import MemoryServer
from gitops.gather import Sources, Surroundings, gather
from gitops.git.base import Author, BranchName, CommitId, Draft
from gitops.loop.opening import trees_of
from gitops.loop.proposing import propose
from gitops.loop.world import World
from gitops.process import run
from planner.decide import decide
from renderer.files import FileSet
from tests.real.parts import find_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gitops.forges.base import Forge
    from gitops.git.base import Repository
    from gitops.loop.steps import Step
    from tests.real.giteaserver import Gitea

MAIN, BOT, PERSON = BranchName("main"), "poolplan", "ada"
TOKEN = "BENCHMARK_FORGE_TOKEN"  # noqa: S105 - a name
_SETTINGS = """\
apiVersion: poolplan.dev/v1alpha1
kind: Cluster
metadata: {{name: {name}}}
spec:
  provider:
    ovh: {{serviceName: 0123456789abcdef0123456789abcdef, kubeId: {kube}, region: EU-WEST-PAR, endpoint: ovh-eu}}
  engine: terraform
  terraform: {{backend: {{local: {{path: state/{name}.tfstate}}}}}}
  proposals: {{batch: {{idle: 0s}}, labels: [poolplan]}}
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One pass over some clusters. ``requests`` are those that are open after it; ``megabytes`` the peak so far."""

    what: str
    clusters: int
    seconds: float
    cpu_seconds: float
    calls: int
    requests: int
    megabytes: float
    faults: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Town:
    """A fleet repository at ``address``. ``forge`` is its forge, with how many calls were made to it so far.

    ``ask`` lets a person open a request from a branch.
    """

    folder: Path
    address: str
    forge: Callable[[Repository], tuple[Forge, Callable[[], int]]]
    ask: Callable[[BranchName], object]
    variables: dict[str, str] = field(default_factory=dict)
    spec: str = ""

    @property
    def around(self) -> Surroundings:
        return Surroundings(environment=self.variables, clock=SystemClock(), remark=lambda _: None)

    def open(self) -> Repository:
        return open_source(self.address, self.around, cache=self.folder / "git")

    def snapshot(self, cluster: str) -> Path:
        return self.folder / f"{cluster}.json"

    def found(self, clusters: tuple[str, ...]) -> None:
        """The first commit of main, and a snapshot file for each cluster, in which no pod waits yet."""
        policy = policy_of("b3-8", "b3-16", "b3-32")
        files = {}
        for number, name in enumerate(clusters):
            kube = f"11111111-2222-3333-4444-{number:012}"
            files[f"clusters/{name}/cluster.yaml"] = _SETTINGS.format(name=name, kube=kube) + self.spec
            files[f"clusters/{name}/policy/policy.json"] = policy
            self.pods(name, 0)
        (self.folder / "pools.json").write_text("[]\n", "utf-8")
        self.commit(files, branch=MAIN)

    def person_asks(self, cluster: str) -> None:
        """A person's request for another flavor in a cluster's policy."""
        branch = BranchName("more-flavors")
        path = f"clusters/{cluster}/policy/policy.json"
        self.commit({path: policy_of("b3-8", "b3-16", "b3-32", "b3-64")}, branch=branch)
        self.ask(branch)

    def pods(self, cluster: str, count: int) -> None:
        """Let so many pods of the cluster wait."""
        waiting = [made.pod(f"web-{number}", 1500, 2048, owner="web") for number in range(count)]
        items = [made.full_node(), made.daemon_set("agent", "100m", "128Mi"), *waiting]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        self.snapshot(cluster).write_text(text, "utf-8")

    def commit(self, files: dict[str, str], *, branch: BranchName) -> CommitId:
        """A person's commit, pushed."""
        repository = self.open()
        head = repository.head(branch)
        draft = Draft(
            root=PurePosixPath(), message="By hand", author=Author(PERSON, f"{PERSON}@example.test"),
            at=made.NOW, files=FileSet.of({PurePosixPath(path): text for path, text in files.items()}),
        )  # fmt: skip
        commit = repository.commit(draft, parent=head or repository.head(MAIN))
        repository.push(commit, branch, expect=head)
        return commit

    def measure(self, what: str, clusters: tuple[str, ...], step: Step | None = None) -> Measured:
        """One pass over these clusters, as ``propose --all-clusters`` makes it. ``step``: what each must come to."""
        started, cpu = time.perf_counter(), _cpu()
        repository = self.open()
        forge, calls = self.forge(repository)
        before = calls()
        world = World(repository=repository, forge=forge, variables=self.variables, remark=lambda _: None)
        there = cluster_names(repository)
        faults = []
        for name in clusters:
            assert name in there
            steps = self._propose(world, name)
            if step is not None and step not in steps:
                faults.append(f"{name}: {', '.join(one.value for one in steps)}, not {step.value}")
        seconds, spent, made_calls = time.perf_counter() - started, _cpu() - cpu, calls() - before
        return Measured(
            what=what, clusters=len(clusters), seconds=round(seconds, 3), cpu_seconds=round(spent, 3), calls=made_calls,
            requests=len(forge.open_requests(MAIN)), megabytes=round(made.peak_bytes() / 10**6, 1),
            faults=tuple(faults),
        )  # fmt: skip

    def _propose(self, world: World, name: str) -> list[Step]:
        fleet = read_fleet(world.repository, name, self.around)
        around = at_cluster(fleet.settings, self.around)
        sources = Sources(snapshots=(self.snapshot(name),), pools=self.folder / "pools.json", aims=fleet.settings.aims)
        inputs = gather(sources, around, declared=fleet.declared, policy=fleet.policy)
        plan = decide(inputs, now=made.NOW)
        proposed = propose(world, trees_of(fleet, around, inputs.catalog), plan, inputs, now=made.NOW)
        return [one.step for one in proposed.done]


def main() -> None:
    """Measure and print."""
    parser = made.arguments(__doc__)
    parser.add_argument("--forge", choices=["memory", "gitea"], default="memory")
    parser.add_argument("--clusters", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    chosen = parser.parse_args()
    if chosen.forge == "gitea" and find_program("gitea") is None:
        sys.exit("there is no Gitea to measure with: python -m tests.real.parts gitea builds it")
    with tempfile.TemporaryDirectory() as folder:
        places = at_gitea(Path(folder)) if chosen.forge == "gitea" else in_memory(Path(folder))
        with places as found:
            told = [*first_proposals(found("one"), chosen.runs), *many(found("many"), chosen.clusters)]
    results = [asdict(one) for one in told]
    print(json.dumps({**made.machine(), "results": results}, indent=2) if chosen.json else table(told))


def policy_of(*flavors: str) -> str:
    """A policy of these flavors, as a file."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": made.policy(flavors)})


def first_proposals(town: Town, runs: int) -> Iterator[Measured]:
    """Idle passes, the way from pending pods to an open request, and what an open one costs, cluster by cluster."""
    from gitops.loop.steps import Step  # noqa: PLC0415 - beside its use

    names = tuple(f"one-{number:03}" for number in range(2 * runs + 1))
    town.found(names)
    town.measure("to warm up", names[:1], Step.REST)
    yield town.measure("nothing to do", names[:1], Step.REST)
    for name in names[1 : runs + 1]:
        town.pods(name, 3)
        yield town.measure("pending pods to an open request, in process", (name,), Step.PROPOSE)
        if name == names[1]:
            yield town.measure("one proposal stands", (name,), Step.AWAIT)
    town.person_asks(names[0])
    yield town.measure("a person's request is answered", names[:1], Step.REST)
    yield town.measure("a person's request is open", names[:1], Step.REST)
    if town.variables:
        for name in names[runs + 1 :]:
            town.pods(name, 3)
            yield whole_process(town, name)


def whole_process(town: Town, cluster: str) -> Measured:
    """``poolplan propose`` as a user types it, from its start to its end."""
    given = ["propose", "--repo", town.address, "--cluster", cluster, "--snapshot", str(town.snapshot(cluster))]
    given += ["--pools", str(town.folder / "pools.json"), "--now", made.NOW.strftime("%Y-%m-%dT%H:%M:%SZ")]
    environment = {**town.variables, "POOLPLAN_STATE": str(town.folder / "state")}
    cpu = _cpu()
    seconds, peak = made.run(given, environment=environment)
    forge, _ = town.forge(town.open())
    return Measured(
        what="pending pods to an open request, whole process", clusters=1, seconds=round(seconds, 3),
        cpu_seconds=round(_cpu() - cpu, 3), calls=0, requests=len(forge.open_requests(MAIN)),
        megabytes=round(peak / 10**6, 1),
    )  # fmt: skip


def many(town: Town, count: int) -> Iterator[Measured]:
    """All clusters of one repository by one process: every one proposes, then nothing is new, then a person asks."""
    from gitops.loop.steps import Step  # noqa: PLC0415 - beside its use

    names = tuple(f"c-{number:03}" for number in range(count))
    town.found(names)
    yield town.measure("many: nothing to do", names, Step.REST)
    for name in names:
        town.pods(name, 3)
    yield town.measure("many: all propose", names, Step.PROPOSE)
    yield town.measure("many: all stand", names, Step.AWAIT)
    town.person_asks(names[0])
    town.measure("many: a person is answered", names[:1])
    yield town.measure("many: all stand, a person's request is open", names, Step.AWAIT)


@contextmanager
def in_memory(folder: Path) -> Iterator[Callable[[str], Town]]:
    """Forges in this process, each over a bare repository."""

    def town(name: str) -> Town:
        place = folder / name
        place.mkdir()
        run(["git", "init", "--quiet", "--bare", "--initial-branch", MAIN, str(place / "fleet.git")])
        servers: list[MemoryForge] = []

        def forge(repository: Repository) -> tuple[Forge, Callable[[], int]]:
            """The same server for as long as the town stands, whoever opens the repository."""
            if not servers:
                servers.append(MemoryForge(MemoryServer(repository, SystemClock())))
            servers[0].server.repository = repository
            return servers[0], servers[0].count

        def ask(branch: BranchName) -> None:
            words = RequestText(title="More flavors", body="")
            servers[0].server.request(PERSON, words, branch=branch, base=MAIN)

        return Town(folder=place, address=str(place / "fleet.git"), forge=forge, ask=ask)

    yield town


@contextmanager
def at_gitea(folder: Path) -> Iterator[Callable[[str], Town]]:
    """Repositories at a real Gitea on loopback, their main branch protected."""
    from gitops.fleet import GIT_TOKEN  # noqa: PLC0415 - only with a server
    from tests.real.giteaserver import gitea_server  # noqa: PLC0415 - likewise

    program = find_program("gitea")
    assert program is not None
    with gitea_server(program, folder / "server") as gitea:

        def town(name: str) -> Town:
            place, repository = folder / name, gitea.new_repository()
            place.mkdir()
            spec = f"  forge: {{kind: gitea, url: '{gitea.url}', repository: {repository}, token: {{env: {TOKEN}}}}}\n"
            return Town(
                folder=place, address=gitea.clone_url(repository), spec=spec,
                forge=lambda _: _signed_in(gitea, repository),
                ask=lambda branch: gitea.call(
                    PERSON, "POST", f"/repos/{repository}/pulls",
                    {"title": "More flavors", "body": "", "head": branch, "base": MAIN},
                ),
                variables={GIT_TOKEN: gitea.tokens[BOT], TOKEN: gitea.tokens[BOT]},
            )  # fmt: skip

        yield town


def _signed_in(gitea: Gitea, repository: str) -> tuple[Forge, Callable[[], int]]:
    from gitops.forges.gitea import GiteaForge  # noqa: PLC0415 - only with a server
    from tests.real.test_gitea import api_of  # noqa: PLC0415 - likewise

    api = api_of(gitea, repository, who=BOT)
    return GiteaForge(api, repository), lambda: api.calls


def _cpu() -> float:
    """User seconds of this process and of all that it has started and waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(one).ru_utime for one in who)


def table(told: list[Measured]) -> str:
    """For people."""
    columns = ("pass", "clusters", "seconds", "user CPU", "calls", "open requests", "peak memory", "as expected")
    rows = [
        (
            one.what, one.clusters, f"{one.seconds:.2f} s", f"{one.cpu_seconds:.2f} s", one.calls or "–", one.requests,
            f"{one.megabytes:.0f} MB", "; ".join(one.faults) or "yes",
        )
        for one in told
    ]  # fmt: skip
    return f"{made.machine_line()}\n\n{made.table(columns, rows)}"


if __name__ == "__main__":
    main()
