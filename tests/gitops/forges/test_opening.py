"""Settings lead to a forge that is signed in, whatever its kind and wherever its secrets are kept."""

from __future__ import annotations

import base64
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from gitops.checks import Check, run_checks
from gitops.environment import inherited
from gitops.errors import InputError, Stalled, Waiting
from gitops.forges.credentials import KEPT
from gitops.forges.opening import git_sign_in, open_forge
from gitops.gather import Sources, Surroundings
from gitops.git.memory import MemoryRepository
from gitops.process import run
from gitops.settings import OvhSettings, Settings
from gitops.settings_forge import AppSettings, ForgeKind, ForgeSettings, SecretFile, SecretKey, Variable
from tests.contracts.forges import MAKERS, Ticking, World
from tests.gitops.forges import githubserver, gitlabserver, worlds
from tests.gitops.forges.serving import serving
from tests.gitops.forges.test_github import PEM, PUBLIC
from tests.gitops.git.tools import MAIN

if TYPE_CHECKING:
    from contextlib import ExitStack

    from starlette.requests import Request

    from gitops.forges.base import Forge

TOKEN = Variable("FORGE_TOKEN")
OPS = SecretKey("ops", "poolplan", "token")
GITHUB = ForgeSettings(kind=ForgeKind.GITHUB, repository=githubserver.REPOSITORY, token=TOKEN)
GITLAB = ForgeSettings(kind=ForgeKind.GITLAB, repository=gitlabserver.PROJECT, token=TOKEN)
TOKENS = {ForgeKind.GITHUB: githubserver.TOKEN, ForgeKind.GITLAB: gitlabserver.TOKEN}


def fake_of(world: World) -> githubserver.GitHubServer | gitlabserver.GitLabServer:
    assert isinstance(world.people, worlds.GitHubPeople | worlds.GitLabPeople)
    return world.people.fake


@pytest.fixture(params=[GITHUB, GITLAB], ids=["github", "gitlab"])
def settings(request: pytest.FixtureRequest) -> ForgeSettings:
    made: ForgeSettings = request.param
    return made


@pytest.fixture
def world(settings: ForgeSettings, tmp_path: Path, stack: ExitStack) -> World:
    return next(one for one in MAKERS if one.name == settings.kind.value).make(tmp_path, stack)


def opened(
    settings: ForgeSettings, world: World, stack: ExitStack, clock: Ticking | None = None, **variables: str
) -> Forge:  # fmt: skip
    at = replace(settings, url=stack.enter_context(serving(fake_of(world).app())) + _below(settings))
    return open_forge(at, MemoryRepository(), variables, clock or Ticking())


def _below(settings: ForgeSettings) -> str:
    """The fakes stand below a number, so GitHub's API must be spelt out."""
    return "/api/v3" if settings.kind is ForgeKind.GITHUB else ""


def test_plain_git_needs_nothing() -> None:
    forge = open_forge(ForgeSettings(), MemoryRepository("fleet"), {}, Ticking())
    assert (forge.name, forge.reviews, forge.me()) == ("fleet", False, "")


def test_a_token_of_the_environment(settings: ForgeSettings, world: World, stack: ExitStack) -> None:
    forge = opened(settings, world, stack, FORGE_TOKEN=TOKENS[settings.kind])
    assert forge.me() == "poolplan"
    assert forge.open_requests(MAIN) == ()
    assert forge.name == f"{forge.name.partition('/')[0]}/{settings.repository}"


def test_opening_makes_no_call_and_reads_no_secret(settings: ForgeSettings, world: World, stack: ExitStack) -> None:
    forge = opened(settings, world, stack)
    assert fake_of(world).calls == []
    with pytest.raises(Stalled, match="set the environment variable FORGE_TOKEN"):
        forge.me()
    assert fake_of(world).calls == []


def test_a_replaced_token_is_used_without_a_restart(settings: ForgeSettings, world: World, stack: ExitStack, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("the-old-one-that-ended")
    file.chmod(0o600)
    clock = Ticking()
    forge = opened(replace(settings, token=SecretFile(str(file))), world, stack, clock)
    with pytest.raises(Stalled, match="refuses the token"):
        forge.open_requests(MAIN)
    file.write_text(TOKENS[settings.kind])
    clock.sleep(KEPT)
    assert forge.me() == "poolplan"


def kubernetes(status: int, token: str) -> Starlette:
    """An API server with one Secret."""

    async def secret(request: Request) -> JSONResponse:
        data = {"token": base64.b64encode(token.encode()).decode()}
        body = {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "poolplan"}, "data": data}
        return JSONResponse(body if status == 200 else {"kind": "Status", "message": token}, status)

    return Starlette(routes=[Route("/api/v1/namespaces/ops/secrets/poolplan", secret)])


def kubeconfig(folder: Path, url: str) -> str:
    path = folder / "kubeconfig"
    path.write_text(f"""apiVersion: v1
kind: Config
clusters: [{{name: here, cluster: {{server: "{url}"}}}}]
users: [{{name: me, user: {{token: abc}}}}]
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
current-context: here
""")
    return str(path)


def test_a_token_of_the_cluster(settings: ForgeSettings, world: World, stack: ExitStack, tmp_path: Path) -> None:
    url = stack.enter_context(serving(kubernetes(200, TOKENS[settings.kind])))
    forge = opened(replace(settings, token=OPS), world, stack, KUBECONFIG=kubeconfig(tmp_path, url))
    assert forge.me() == "poolplan"


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (403, Stalled, "Secret ops/poolplan may not be read: the role needs get on secrets"),
        (404, Stalled, "Secret ops/poolplan is not there"),
        (500, Waiting, "Secret ops/poolplan could not be read"),
    ],
)
def test_a_secret_that_cannot_be_read_is_told(github: World, stack: ExitStack, tmp_path: Path, status: int, kind: type[Exception], told: str) -> None:
    url = stack.enter_context(serving(kubernetes(status, githubserver.TOKEN)))
    forge = opened(replace(GITHUB, token=OPS), github, stack, KUBECONFIG=kubeconfig(tmp_path, url))
    with pytest.raises(kind, match=told) as caught:
        forge.me()
    assert githubserver.TOKEN not in str(caught.value)


def test_a_github_app(github: World, stack: ExitStack) -> None:
    fake = fake_of(github)
    assert isinstance(fake, githubserver.GitHubServer)
    fake.app_made = githubserver.FakeApp("12345", 77, PUBLIC)
    app = AppSettings(id="12345", installation=77, private_key=Variable("APP_KEY"))
    settings = replace(GITHUB, token=None, app=app)
    at = replace(settings, url=stack.enter_context(serving(fake.app())) + "/api/v3")
    forge = open_forge(at, MemoryRepository(), {"APP_KEY": PEM}, fake.model.clock)
    assert forge.me() == "poolplan[bot]"
    assert forge.open_requests(MAIN) == ()


def test_an_app_signs_git_in_with_the_token_that_it_has_now(github: World, stack: ExitStack) -> None:
    fake = fake_of(github)
    assert isinstance(fake, githubserver.GitHubServer)
    fake.app_made = githubserver.FakeApp("12345", 77, PUBLIC)
    app = AppSettings(id="12345", installation=77, private_key=Variable("APP_KEY"))
    at = replace(GITHUB, token=None, app=app, url=stack.enter_context(serving(fake.app())) + "/api/v3")
    token = git_sign_in(at, {"APP_KEY": PEM}, fake.model.clock)
    first = token()
    assert first
    assert token() == first
    fake.model.clock.sleep(timedelta(hours=1))
    assert token() != first


def test_plain_git_has_no_token_to_sign_in_with() -> None:
    with pytest.raises(InputError, match=r"spec\.forge\.kind: is plain"):
        git_sign_in(ForgeSettings(), {}, Ticking())


def test_no_way_to_sign_in_is_refused(settings: ForgeSettings) -> None:
    with pytest.raises(InputError, match=r"spec\.forge\.token"):
        open_forge(replace(settings, token=None), MemoryRepository(), {}, Ticking())


def test_the_public_servers_need_no_address(settings: ForgeSettings) -> None:
    forge = open_forge(settings, MemoryRepository(), {}, Ticking())
    host = "github.com" if settings.kind is ForgeKind.GITHUB else "gitlab.com"
    assert forge.name == f"{host}/{settings.repository}"


def test_gitea_is_opened_too() -> None:
    settings = ForgeSettings(kind=ForgeKind.GITEA, url="http://127.0.0.1:3000", repository="acme/fleet", token=TOKEN)
    assert open_forge(settings, MemoryRepository(), {}, Ticking()).name == "127.0.0.1:3000/acme/fleet"


def test_no_sdk_is_loaded_before_it_is_needed() -> None:
    """Settings, opening and the adapters themselves load neither PyGithub, python-gitlab nor requests."""
    script = (
        "import sys\n"
        "import gitops.forges.opening, gitops.forges.github, gitops.forges.gitlab, gitops.forges.webhooks\n"
        "import gitops.settings_read\n"
        "print([name for name in ('github', 'gitlab', 'requests', 'kubernetes', 'starlette') if name in sys.modules])\n"
    )
    done = run([sys.executable, "-c", script], env=inherited({}), timeout=60)
    assert (done.out.strip(), done.err) == ("[]", "")


# What validate --live says


def checked(settings: ForgeSettings, **variables: str) -> Check:
    cluster = Settings(name="prod", ovh=OvhSettings(service_name="0" * 32, kube_id="abc"), forge=settings)
    around = Surroundings(
        environment={"KUBECONFIG": "/nowhere", **variables}, clock=Ticking(), remark=lambda _: None
    )  # fmt: skip
    found = list(run_checks(Sources(), around, launchers=Path("/nowhere"), clusters=[cluster, cluster]))
    forges = [one for one in found if one.name == "forge"]
    assert len(forges) == 1
    return forges[0]


def test_validate_says_in_one_line_how_the_forge_is_reached(settings: ForgeSettings, world: World, stack: ExitStack) -> None:
    at = replace(settings, url=stack.enter_context(serving(fake_of(world).app())) + _below(settings))
    token = TOKENS[settings.kind]
    bare = checked(at, FORGE_TOKEN=token)
    assert (bare.passed, bare.needed) == (False, False)
    assert str(bare).endswith("as poolplan, 0 open requests, but main is not protected: see docs/guides/forges.md")
    world.people.protect(MAIN, approvals=1, forced=True)
    assert "can be pushed to with force" in checked(at, FORGE_TOKEN=token).detail
    world.people.protect(MAIN, approvals=2)
    good = checked(at, FORGE_TOKEN=token)
    assert good.passed
    assert good.detail.endswith("as poolplan, 0 open requests; main is protected and asks for 2 approvals")
    bad = checked(at, FORGE_TOKEN="x" * 20)
    assert (bad.passed, bad.needed) == (False, True)
    assert "refuses the token" in bad.detail
    assert "\n" not in f"{bare}{good}{bad}"


def test_validate_says_what_plain_git_is() -> None:
    assert checked(ForgeSettings()).detail == "plain Git: who may push to main may approve"
