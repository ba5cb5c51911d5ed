"""The image's file system, put together from this machine's programs: poolplan runs in it, and there is no shell.

There is no container here. The same script as in the Dockerfile copies the same programs and their libraries, and
``chroot`` makes that all there is; who runs in it is nobody special.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import distribution
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement

from tests.commands.tools import DATA, git, new_repository, policy
from tests.real.controlplane import free_ports
from tests.real.parts import find_program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ROOT = Path(__file__).parents[2]
NOBODY = 65532
PYTHON = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
STDLIB = Path(sys.base_prefix) / "lib" / PYTHON.name
PACKAGES = Path("/opt/poolplan")
SHELLS = ("ash", "bash", "busybox", "csh", "dash", "ksh", "perl", "sh", "zsh", "apt", "dpkg", "env")


@dataclass(frozen=True)
class Image:
    folder: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A program in there, as nobody special."""

        def enter() -> None:
            os.chroot(self.folder)
            os.chdir("/tmp")  # noqa: S108 - the image's own
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)

        environment = {
            "PATH": f"{PYTHON.parent}:/usr/bin", "HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONPATH": str(PACKAGES),  # noqa: S108
            "PYTHONDONTWRITEBYTECODE": "1", "POOLPLAN_STATE": "/var/lib/poolplan",
        }  # fmt: skip
        return subprocess.run(  # noqa: S603 - nothing else runs in this process's threads that could hold a lock
            command, preexec_fn=enter, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    def poolplan(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run(str(PYTHON), "-c", "from gitops.commands.main import main; main()", *arguments)


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("image_rootfs", ROOT / "charts" / "image" / "rootfs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["image_rootfs"] = module  # dataclasses look there for their own module
    spec.loader.exec_module(module)
    return module


def _distributions() -> list[str]:
    """poolplan's dependencies and theirs, without its extras."""
    found: list[str] = []
    waiting = list(distribution("poolplan").requires or ())
    while waiting:
        one = Requirement(waiting.pop())
        if one.name.lower() in found or (one.marker is not None and not one.marker.evaluate({"extra": ""})):
            continue
        found.append(one.name.lower())
        waiting += distribution(one.name).requires or ()
    return sorted(found)


def _copy_packages(into: Path) -> None:
    for name in _distributions():
        for file in distribution(name).files or ():
            source, target = Path(str(file.locate())), into / file
            if ".." in file.parts or "aio" in file.parts or not source.is_file():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    told = distribution("poolplan").read_text("METADATA") or ""
    (into / "poolplan-0.dist-info").mkdir()
    (into / "poolplan-0.dist-info" / "METADATA").write_text(told, "utf-8")  # how it knows its version
    for name in ("planner", "renderer", "gitops"):
        shutil.copytree(ROOT / name, into / name, ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root of Linux may change what is all there is (chroot)")
    if shutil.which("ldd") is None or shutil.which("git") is None:
        pytest.skip("ldd and git are needed to put the file system together")
    folder = tmp_path_factory.mktemp("image") / "root"
    # Only what the tests start: the standard library without what others installed into it.
    paths = [PYTHON, *(path for path in sorted(STDLIB.iterdir()) if path.name != "site-packages")]
    core = Path(git("--exec-path"))
    paths += [Path(shutil.which("git") or ""), core / "git-remote-http", *map(Path, _ssh())]
    root = _script()
    packages = folder / PACKAGES.relative_to("/")
    packages.mkdir(parents=True)
    _copy_packages(packages)
    libraries = [path for path in packages.rglob("*.so*") if path.is_file()]
    root.build(folder, [*paths, *_outside(libraries, packages)])
    os.mknod(folder / "dev" / "null", 0o020666, os.makedev(1, 3))
    (folder / "dev" / "null").chmod(0o666)
    yield Image(folder)
    shutil.rmtree(folder)


def _ssh() -> list[str]:
    return [found for name in ("ssh", "ssh-keygen") if (found := shutil.which(name))]


def _outside(libraries: list[Path], packages: Path) -> list[Path]:
    """What Python's packages need of the machine; the Dockerfile's script finds that where they are installed."""
    said = subprocess.run(["ldd", *map(str, libraries)], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
    found = {Path(line.split()[2]) for line in said.splitlines() if " => /" in line}
    return sorted(path for path in found if not path.is_relative_to(packages))


def test_there_is_no_shell_and_nothing_to_install_with(image: Image) -> None:
    names = {path.name for path in image.folder.rglob("*") if path.is_file() and os.access(path, os.X_OK)}
    assert names & set(SHELLS) == set()
    assert {"git", PYTHON.name} <= names


def test_nobody_owns_anything_that_runs(image: Image) -> None:
    loose = [
        path for path in image.folder.rglob("*")
        if not path.is_symlink() and path.is_file() and (path.stat().st_mode & 0o022 or path.stat().st_uid == NOBODY)
        and path.suffix in ("", ".py", ".so")
    ]  # fmt: skip
    assert [path for path in loose if "dev" not in path.parts] == []


def test_it_says_its_version_and_plans(image: Image) -> None:
    assert image.poolplan("--version").stdout.startswith("poolplan, version ")
    example = ROOT / "examples" / "01-plan-from-kubectl"
    for name in ("cluster.yaml", "policy.yaml"):
        shutil.copy(example / name, image.folder / "tmp" / name)
        (image.folder / "tmp" / name).chmod(0o644)
    done = image.poolplan("plan", "--snapshot", "cluster.yaml", "--policy", "policy.yaml")
    assert done.returncode == 0, done.stderr
    assert "karpenter-b3-16-eu-west-par-a" in done.stdout


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """A fleet repository over HTTP."""
    fleet = new_repository(tmp_path / "fleet.git")
    settings = (DATA / "base" / "settings.yaml").read_text("utf-8").replace("ENDPOINT", "ovh-eu").replace("NAME", "demo")
    fleet.commit({"cluster.yaml": settings, "policy/policy.yaml": policy()}, "Describe cluster demo")
    git("--git-dir", fleet.path, "update-server-info")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/fleet.git"
        server.shutdown()
        thread.join()


def test_git_fetches_over_http(image: Image, served: str) -> None:
    done = image.poolplan("history", "--repo", served)
    assert done.returncode == 0, done.stderr
    assert list((image.folder / "var" / "lib" / "poolplan").rglob("HEAD")), "the mirror is in the state folder"


def test_ssh_takes_the_mounted_key_and_asks_nobody(image: Image) -> None:
    if not _ssh():
        pytest.skip("there is no ssh here")
    shutil.copy(ROOT / "charts" / "image" / "ssh_config", image.folder / "tmp" / "ssh_config")
    done = image.run("ssh", "-G", "-F", "ssh_config", "forge.example")
    assert done.returncode == 0, done.stderr
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    assert (told["batchmode"], told["identityfile"]) == ("yes", "/etc/poolplan/ssh/identity")
    assert told["stricthostkeychecking"] in ("true", "yes")


def test_git_starts_ssh_without_a_shell(image: Image) -> None:
    if not _ssh():
        pytest.skip("there is no ssh here")
    (port,) = free_ports(1)
    done = image.run("git", "ls-remote", f"ssh://git@127.0.0.1:{port}/fleet.git")
    assert f"connect to host 127.0.0.1 port {port}: Connection refused" in done.stderr


def test_tofu_runs(image: Image) -> None:
    tofu = find_program("tofu")
    if tofu is None:
        pytest.skip("tofu is not here: `python tests/real/parts.py tofu` builds it")
    shutil.copy(tofu, image.folder / "usr" / "bin" / "tofu")
    (image.folder / "usr" / "bin" / "tofu").chmod(0o755)
    done = image.run("tofu", "version", "-json")
    assert done.returncode == 0, done.stderr
    assert '"terraform_version"' in done.stdout
