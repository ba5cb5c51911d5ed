"""Sites at rest, one for each engine: the pools of BEFORE are in effect, and an approved change waits on main."""

from __future__ import annotations

import atexit
import json
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from gitops.catalogs.bundle import bundled
from gitops.clock import SystemClock
from gitops.delivery import work_of
from gitops.engines import delegating
from gitops.engines.base import Goal
from gitops.engines.making import Ground, make_engine
from gitops.engines.ovh_api import OvhApiEngine
from gitops.engines.program import has_embedded
from gitops.git.base import Draft
from gitops.loop.claims import conclude
from gitops.loop.drafting import draft_of
from gitops.loop.records import Event, Record
from gitops.process import find_program
from gitops.sandbox.cluster.store import Key
from gitops.sandbox.model import SandboxModel
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions
from gitops.settings import Engine, OvhSettings, Settings
from planner.aims import Aims, policy_digest
from planner.pending import rfc3339
from planner.plan import Plan
from planner.policy import Policy
from planner.pools import Pool, PoolSet
from planner.portion import Kind
from renderer.delegated import Delegate
from renderer.files import FileSet
from renderer.tree import render_files
from tests.gitops.plans import plan_of
from tests.reliability.happenings import a_pod
from tests.reliability.scene import ADA, ADDRESS, AFTER, BEFORE, FOREIGN, KEYS, MAIN, NOON, OWNER, Kept, Site
from tests.reliability.served import Served
from tests.reliability.wire import Clock


def settings_of(engine: str, address: str) -> Settings:
    """The settings of a cluster with this engine: terraform, ovh-api, or a delegate's name."""
    ovh = OvhSettings(service_name=PROJECT, kube_id=CLUSTER, endpoint=address)
    if engine in {"terraform", "ovh-api"}:
        return Settings(name="prod", ovh=ovh, engine=Engine(engine))
    return Settings(name="prod", ovh=ovh, engine=Engine.DELEGATED, delegate=Delegate(engine))


def prepare(engine: str, folder: Path) -> Kept:
    """A site with the pools of BEFORE in effect, and an approved change to those of AFTER on main."""
    clock = Clock(NOON)
    served = _served(clock) if engine == "terraform" else None
    settings = settings_of(engine, served.url if served else ADDRESS)
    site = Site(folder=served.folder if served else folder, clock=clock, kept=Kept(
        settings=settings, world=SandboxModel(SandboxOptions(), bundled(), clock=SystemClock())._world, cluster=None,
        objects={}, heads={}, plan=plan_of(), nodes=frozenset(),
        served=served,
    ))  # fmt: skip
    client = site.client()
    for one in (FOREIGN, *BEFORE):
        client.create_pool(one)
    for _ in range(10):
        site.clock.sleep(timedelta(minutes=1))
    _fill(site)
    _declare(site, BEFORE)
    conclude(site._world(), settings, _begun(site))
    if site.delegate is not None:
        _promoted(site)
    if served is not None:
        _adopted(site, served)
    plan = _change(site)
    tree = site._tree()
    draft = draft_of(plan, Kind.POLICY, tree, settings)
    commit = site.repository.commit(draft, parent=site._main())
    site.repository.push(commit, MAIN, expect=site._main())
    site.clock.sleep(timedelta(minutes=1))
    return Kept(
        settings=settings, world=site.model._world, cluster=json.loads(json.dumps(site.cluster.dump())),
        objects=site.repository._objects, heads=site.repository._heads, plan=plan, nodes=site.nodes(),
        served=served, state=served.state_file.read_bytes() if served else b"",
    )  # fmt: skip


def _begun(site: Site) -> Record:
    """What is on main was applied before."""
    at = rfc3339(site.clock.now())
    return Record(event=Event.APPLIED, at=at, kind="policy", digest="", commit=site._main(), holder="machine")


def _served(clock: Clock) -> Served:
    """A sandbox and a folder that last as long as this process."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    return Served(folder, clock, stack, program_of_terraform() or "embedded")


def program_of_terraform() -> str:
    """The program to run; empty where there is none."""
    return find_program("terraform") or find_program("tofu") or ("embedded" if has_embedded() else "")


def _adopted(site: Site, served: Served) -> None:
    """Terraform's state has the pools that are in effect."""
    work = work_of(served.folder, site.settings)
    environment = {**KEYS, "OVH_ENDPOINT": served.url}
    engine = make_engine(Ground(
        settings=site.settings, work=work, environment=environment, client=site.client(), clock=site.clock,
        owns=lambda _: False, program=served.program, cli_config=served.cli_config,
    ))  # fmt: skip
    pools = PoolSet.of(one for one in site.pools() if one.name != FOREIGN.name)
    engine.plan(Goal(pools=pools, files=site._tree().files.inside(PurePosixPath("pools"))))
    engine.adopt(pools, OWNER)
    served.state_file = work / "terraform/terraform.tfstate"


def _promoted(site: Site) -> None:
    """The live branch says what is in effect, and the delegate has seen it."""
    client = site.client()
    promotion = delegating.Promotion(repository=site.repository, api=lambda: site.delegate)  # type: ignore[arg-type,return-value]
    engine = delegating.delegated_engine(
        site.settings,
        promotion,
        OvhApiEngine(client, site.clock, owner=OWNER, owns=lambda _: False),
        client,
        site.clock,
    )
    goal = Goal(pools=PoolSet.of(BEFORE), files=site._tree().files.inside(PurePosixPath("pools")))
    engine.apply(engine.plan(goal), lambda _: None)


def _declare(site: Site, pools: tuple[Pool, ...]) -> None:
    rendered = render_files(PoolSet.of(pools), site.settings.terraform, delegate=site.settings.delegate)
    files = {f"pools/{path}": text for path, text in rendered} | {"cluster.yaml": "kind: Cluster\n"}
    draft = Draft(root=site.settings.folder, message="Begin", author=ADA, at=site.clock.now(),
                  files=_files(files))  # fmt: skip
    commit = site.repository.commit(draft, parent=None)
    site.repository.push(commit, MAIN, expect=None)


def _files(texts: dict[str, str]) -> FileSet:
    return FileSet.of({PurePosixPath(path): text for path, text in texts.items()})


def _change(site: Site) -> Plan:
    declared = tuple(one for one in site.pools() if one.name != FOREIGN.name)
    names = {str(one.name): _names(site, one) for one in declared}
    victims = {"shrinks": (names["shrinks"][0],), "goes": tuple(names["goes"])}
    made = plan_of(declared, AFTER, victims=victims)
    changes = tuple(replace(one, drains=one.pool == "shrinks") for one in made.changes)
    evidence = replace(made.evidence, policy=policy_digest(Policy(), Aims()), now=rfc3339(site.clock.now()))
    return replace(made, changes=changes, evidence=evidence)


def _names(site: Site, one: Pool) -> list[str]:
    assert one.state is not None
    return sorted(node.name for node in site.client().nodes(one.state.id))


def _fill(site: Site) -> None:
    """Two pods on the node that is to leave, one elsewhere."""
    there = {str(one.name): one for one in site.pools()}
    victim, stays, _ = _names(site, there["shrinks"])
    owner: Any = site.cluster.read(Key("namespaces", "", "default"))
    site.cluster.seed(a_pod(name, on, owner["metadata"]["uid"]) for name, on in (
        ("web-1", victim), ("web-2", victim), ("web-3", stays)
    ))  # fmt: skip
