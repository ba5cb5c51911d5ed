"""What an apply by poolplan takes beside ``terraform plan -out`` and ``terraform apply`` of the very same files.

``python benchmarks/apply_overhead.py [--pools 1,10,100] [--runs 3] [--json]``

Every pool grows from one node to two, on the sandbox, with the stand-in for OVHcloud's provider; a real OVHcloud takes
minutes where the sandbox takes none, so this is the least favourable case there is. Both folders are initialized
beforehand, as after a first apply. poolplan's part is all of it: it reads the repository, judges the approval, claims
the change in the ledger, lets Terraform plan, compares, applies that plan, looks at the pools and records it. CPU is
that of this process, the sandbox in it, and of the programs it starts, and depends less on what else the machine does.
Calls to the API are counted where they arrive, those of the provider among them.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from benchmarks import made
from gitops.catalogs.bundle import bundled
from gitops.clock import SystemClock
from gitops.delivery import Place, Tell, deliver
from gitops.engines import command
from gitops.environment import inherited
from gitops.fleet import open_source, read_fleet
from gitops.gather import Sources, Surroundings
from gitops.git.base import Author, BranchName, Draft
from gitops.loop.opening import trees_of
from gitops.process import find_program, run
from gitops.sandbox.provider.mirror import install_mirror
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing
from planner.between import Given, plan_between
from planner.pools import Pool, PoolName, PoolSet
from renderer.document import plan_text
from renderer.files import FileSet
from renderer.layout import CLUSTER as SETTINGS
from renderer.layout import PLAN, POOLS, TERRAFORM, cluster_folder
from renderer.terraform_settings import TerraformSettings
from renderer.tree import render_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gitops.fleet import Fleet
    from gitops.git.base import Repository
    from gitops.sandbox.server import RunningSandbox

MAIN, NAME = BranchName("main"), "bench"
KEYS = dict.fromkeys(("OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "OVH_CONSUMER_KEY"), "sandbox")
AT_ONCE = Timing(join_after=made.NOW - made.NOW, settle_after=made.NOW - made.NOW)
_SETTINGS = """\
apiVersion: poolplan.dev/v1alpha1
kind: Cluster
metadata: {{name: bench}}
spec:
  provider:
    ovh: {{serviceName: {project}, kubeId: {kube}, region: EU-WEST-PAR, endpoint: "{url}"}}
  engine: terraform
  proposals: {{batch: {{idle: 0s}}}}
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Medians over the runs. ``terraform_seconds`` is the part of poolplan's seconds that Terraform ran.

    ``idle_calls`` are those of an apply that has nothing to do, ``calls`` those of one that changes every pool.
    """

    pools: int
    runs: int
    bare_seconds: float
    poolplan_seconds: float
    terraform_seconds: float
    overhead_percent: float
    bare_cpu_seconds: float
    cpu_seconds: float
    cpu_overhead_percent: float
    bare_calls: int
    calls: int
    idle_calls: int
    idle_seconds: float
    faults: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Site:
    """One sandbox of its own, with a folder for either way."""

    folder: Path
    sandbox: RunningSandbox
    program: str
    cli_config: Path
    calls: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {"OVH_ENDPOINT": self.sandbox.url, **KEYS, "OVH_SERVICE_NAME": PROJECT, "OVH_KUBE_ID": CLUSTER}

    @property
    def around(self) -> Surroundings:
        return Surroundings(environment=self.environment, clock=SystemClock(), remark=lambda _: None)

    def repository(self) -> Repository:
        return open_source(str(self.folder / "fleet.git"), self.around, cache=self.folder / "git")

    def fleet(self) -> Fleet:
        return read_fleet(self.repository(), NAME, self.around)

    def files(self, pools: PoolSet) -> FileSet:
        """What declares these pools."""
        settings = TerraformSettings(service_name=PROJECT, kube_id=CLUSTER, endpoint=self.sandbox.url)
        return render_files(pools, settings)

    def faults(self, count: int) -> tuple[str, ...]:
        """What is not as it was to be in the end."""
        sizes = [pool["desiredNodes"] for pool in self.sandbox.model.list_pools()]
        return () if sizes == [2] * count else (f"the pools have {sizes} nodes",)


def main() -> None:
    """Measure and print."""
    parser = made.arguments(__doc__)
    parser.add_argument("--pools", default="1,10,100")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--mirror", type=Path, help="a filesystem mirror that holds OVHcloud's own provider")
    chosen = parser.parse_args()
    program = find_program("terraform") or find_program("tofu")
    if program is None:
        sys.exit("neither terraform nor tofu is on PATH")
    told = [measure(int(count), chosen.runs, program, chosen.mirror) for count in chosen.pools.split(",")]
    results = [asdict(one) for one in told]
    print(json.dumps({**made.machine(), "results": results}, indent=2) if chosen.json else table(told))


def measure(count: int, runs: int, program: str, mirror: Path | None) -> Measured:
    """Both ways, one after the other, so that what else the machine does falls on both."""
    bare, ours = [], []
    for _ in range(runs):
        with site(program, mirror) as one:
            bare.append((*by_terraform(one, count), one.faults(count)))
        with site(program, mirror) as one:
            ours.append((*by_poolplan(one, count), one.faults(count)))
    bare_seconds, bare_cpu = median(bare, 0), median(bare, 1)
    seconds, cpu = median(ours, 0), median(ours, 1)
    return Measured(
        pools=count, runs=runs, bare_seconds=round(bare_seconds, 2), poolplan_seconds=round(seconds, 2),
        terraform_seconds=round(median(ours, 2), 2), overhead_percent=more(seconds, bare_seconds),
        bare_cpu_seconds=round(bare_cpu, 2), cpu_seconds=round(cpu, 2), cpu_overhead_percent=more(cpu, bare_cpu),
        bare_calls=bare[-1][2], calls=ours[-1][3], idle_calls=ours[-1][4], idle_seconds=round(median(ours, 5), 2),
        faults=tuple(fault for one in (*bare, *ours) for fault in one[-1]),
    )  # fmt: skip


def _cli_config(folder: Path, mirror: Path | None) -> Path:
    """A Terraform CLI configuration that finds the provider: the stand-in, or OVHcloud's own in a mirror."""
    if mirror is None:
        return install_mirror(folder / "mirror")
    path = folder / "terraform.rc"
    path.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n', "utf-8")
    return path


def median(told: Sequence[tuple[Any, ...]], place: int) -> float:
    return float(statistics.median(one[place] for one in told))


def more(part: float, whole: float) -> float:
    """By how many percent it is more."""
    return round(100 * (part - whole) / whole, 1)


@contextmanager
def site(program: str, mirror: Path | None) -> Iterator[Site]:
    """A sandbox without pools."""
    with tempfile.TemporaryDirectory() as name, start_sandbox(SandboxOptions(timing=AT_ONCE), SystemClock()) as sandbox:
        folder = Path(name)
        one = Site(folder=folder, sandbox=sandbox, program=program, cli_config=_cli_config(folder, mirror))
        failures: Any = sandbox.model.failures
        interfere = failures.interfere

        def counted(method: str, path: str) -> object:
            one.calls.append(f"{method} {path}")
            return interfere(method, path)

        failures.interfere = counted
        yield one


def pools(count: int, size: int) -> PoolSet:
    """So many pools of so many nodes each."""
    return PoolSet.of(
        Pool(name=PoolName(f"karpenter-{number:03}"), flavor="b3-8", zones=("eu-west-par-a",), desired=size,
             labels=(("team", f"team-{number}"),))
        for number in range(count)
    )  # fmt: skip


def by_terraform(one: Site, count: int) -> tuple[float, float, int]:
    """Seconds, CPU and calls of ``plan -out`` and ``apply``."""
    folder = one.folder / "bare"
    variables = {**one.environment, "TF_CLI_CONFIG_FILE": str(one.cli_config), "CHECKPOINT_DISABLE": "1"}

    def terraform(*arguments: str) -> None:
        done = run([one.program, *arguments], cwd=folder, env=inherited(variables))
        if done.code:
            sys.exit(f"terraform {arguments[0]} failed: {done.err}")

    def both(wanted: PoolSet) -> None:
        for path, text in one.files(wanted).inside(TERRAFORM):
            folder.mkdir(exist_ok=True)
            (folder / path).write_text(text, "utf-8")
        if not (folder / ".terraform").exists():
            terraform("init")
        terraform("plan", "-out=plan", "-input=false")
        terraform("apply", "-input=false", "plan")

    both(pools(count, 1))
    before, started, cpu = len(one.calls), time.perf_counter(), cpu_seconds()
    both(pools(count, 2))
    return time.perf_counter() - started, cpu_seconds() - cpu, len(one.calls) - before


def by_poolplan(one: Site, count: int) -> tuple[float, float, float, int, int, float]:
    """Seconds, CPU, the seconds of Terraform, calls; calls and seconds of an apply that has nothing to do."""
    found(one)
    approve(one, pools(count, 1))
    apply(one)
    approve(one, pools(count, 2))
    before, started, cpu = len(one.calls), time.perf_counter(), cpu_seconds()
    with timing_terraform() as spent:
        apply(one)
    seconds, cpu, calls = time.perf_counter() - started, cpu_seconds() - cpu, len(one.calls) - before
    before, started = len(one.calls), time.perf_counter()
    apply(one)
    return seconds, cpu, sum(spent), calls, len(one.calls) - before, time.perf_counter() - started


def cpu_seconds() -> float:
    """Of this process and of the programs it started, so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


@contextmanager
def timing_terraform() -> Iterator[list[float]]:
    """How long each Terraform command takes."""
    spent: list[float] = []
    stream = command.stream

    def timed(*given: Any, **more: Any) -> Any:
        started = time.perf_counter()
        done = stream(*given, **more)
        spent.append(time.perf_counter() - started)
        return done

    command.stream = timed
    try:
        yield spent
    finally:
        command.stream = stream


def found(one: Site) -> None:
    """A fleet repository whose main branch declares no pool."""
    bare = one.folder / "fleet.git"
    run(["git", "init", "--quiet", "--bare", "--initial-branch", MAIN, str(bare)])
    policy = json.dumps({"apiVersion": "v1", "kind": "List", "items": made.policy(["b3-8"])})
    settings = _SETTINGS.format(project=PROJECT, kube=CLUSTER, url=one.sandbox.url)
    files = one.files(PoolSet()).under(POOLS).as_map()
    commit(one, FileSet.of({**files, SETTINGS: settings, PurePosixPath("policy/policy.json"): policy}))


def approve(one: Site, wanted: PoolSet) -> None:
    """Main declares these pools, with the plan that leads there."""
    fleet = one.fleet()
    policy = trees_of(fleet, one.around, bundled()).at(fleet.main).policy
    if policy is None:
        sys.exit("the policy cannot be read")
    plan = plan_between(fleet.declared, wanted, Given(catalog=bundled(), policy=policy, now="2026-03-01T12:00:00Z"))
    commit(one, FileSet.of({**one.files(wanted).under(POOLS).as_map(), PLAN: plan_text(plan)}))


def commit(one: Site, files: FileSet) -> None:
    repository = one.repository()
    head = repository.head(MAIN)
    draft = Draft(
        root=cluster_folder(NAME), message="By hand", author=Author("ada", "ada@example.test"), at=made.NOW, files=files
    )
    repository.push(repository.commit(draft, parent=head), MAIN, expect=head)


def apply(one: Site) -> None:
    """What ``poolplan apply`` does."""
    fleet = one.fleet()
    place = Place(work=one.folder / "work", program=one.program, cli_config=one.cli_config)
    tell = Tell(report=lambda _: None, say=lambda _: None)
    delivery = deliver(fleet, Sources(), one.around, place, tell)
    if delivery.withheld is not None or not delivery.begun:
        sys.exit(f"nothing was applied: {delivery.withheld or delivery.problem}")


def table(told: list[Measured]) -> str:
    """For people."""
    columns = ("pools", "terraform plan and apply", "poolplan apply", "of it Terraform", "overhead", "overhead in CPU",
               "calls of Terraform alone", "calls", "calls with nothing to do", "time with nothing to do")  # fmt: skip
    rows = [
        (one.pools, f"{one.bare_seconds:.2f} s", f"{one.poolplan_seconds:.2f} s", f"{one.terraform_seconds:.2f} s",
         f"{one.overhead_percent:.1f} %", f"{one.cpu_overhead_percent:.1f} %",
         one.bare_calls, one.calls, one.idle_calls, f"{one.idle_seconds:.2f} s")
        for one in told
    ]  # fmt: skip
    return f"{made.table(columns, rows)}\n\n{made.machine_line()}"


if __name__ == "__main__":
    main()
