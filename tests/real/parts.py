"""Builds the real programs that tests/real runs, from the Go modules their projects publish, outside the tree.

It decides which versions are tried and how each module is built on its own; which test wants which program, and what
happens where one is missing, is left to conftest.py. Run it as a program: ``python tests/real/parts.py [NAME ...]``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

KUBERNETES = "1.34.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One program: the Go module that holds it, and what its build needs beyond the module's own go.mod.

    ``siblings`` is the version of the modules that live in the same repository and that go.mod replaces by folders;
    ``data`` names folders of the module that the program reads while it runs. ``wanted`` parts are built by default.
    """

    name: str
    module: str
    version: str
    package: str
    siblings: str = ""
    variables: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    cgo: bool = False
    data: tuple[str, ...] = ()
    wanted: bool = True

    @property
    def command(self) -> str:
        """What gets this part, for a person to type."""
        return f"python tests/real/parts.py {self.name}"


def _kubernetes(name: str) -> Part:
    major, minor, patch = KUBERNETES.split(".")
    where = "k8s.io/component-base/version"
    return Part(
        name=name, module="k8s.io/kubernetes", version=f"v{KUBERNETES}", package=f"k8s.io/kubernetes/cmd/{name}",
        siblings=f"v0.{minor}.{patch}",
        variables=(f"{where}.gitVersion=v{KUBERNETES}", f"{where}.gitMajor={major}", f"{where}.gitMinor={minor}"),
    )


PARTS = (
    Part(
        name="tofu", module="github.com/opentofu/opentofu", version="v1.10.10",
        package="github.com/opentofu/opentofu/cmd/tofu", variables=("github.com/opentofu/opentofu/version.dev=no",),
    ),
    Part(name="etcd", module="go.etcd.io/etcd/server/v3", version="v3.6.5", package="go.etcd.io/etcd/server/v3"),
    _kubernetes("kube-apiserver"),
    _kubernetes("kube-scheduler"),
    _kubernetes("kube-controller-manager"),
    Part(
        name="kwok", module="sigs.k8s.io/kwok", version="v0.8.0", package="sigs.k8s.io/kwok/cmd/kwok", wanted=False,
    ),
    Part(
        name="helm", module="helm.sh/helm/v3", version="v3.19.5", package="helm.sh/helm/v3/cmd/helm",
        variables=("helm.sh/helm/v3/internal/version.version=v3.19.5",),
    ),
    Part(
        name="gitea", module="code.gitea.io/gitea", version="v1.26.0", package="code.gitea.io/gitea",
        variables=("main.Version=1.26.0",), tags=("sqlite", "sqlite_unlock_notify"), cgo=True,
        data=("options", "public", "templates"),
    ),
)


def cache_folder() -> Path:
    """Where parts lie: ``bin/`` programs, ``share/NAME/`` what they read, ``mirror/`` Terraform providers."""
    given = os.environ.get("POOLPLAN_REAL_PARTS")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "poolplan" / "real"


def part_named(name: str) -> Part | None:
    """The part of that name, where there is one."""
    return {part.name: part for part in PARTS}.get(name)


def is_built(part: Part, cache: Path) -> bool:
    """Whether the cache holds this very version."""
    stamp = cache / "built" / part.name
    return (cache / "bin" / part.name).exists() and stamp.exists() and stamp.read_text("utf-8") == part.version


def find_program(name: str) -> Path | None:
    """A program to test with: the cache's own, or else the one on PATH."""
    cached = cache_folder() / "bin" / name
    if cached.exists():
        return cached
    on_path = shutil.which(name)
    return Path(on_path) if on_path else None


def find_mirror(program: str) -> Path | None:
    """The Terraform filesystem mirror in the cache, where it holds the real OVH provider for `terraform` or `tofu`."""
    mirror = cache_folder() / "mirror"
    # Each program asks the registry of its own project, and a mirror has a folder for each registry.
    registry = {"terraform": "*terraform*", "tofu": "*opentofu*"}[program]
    return mirror if any(mirror.glob(f"{registry}/ovh/ovh/**/terraform-provider-ovh_*")) else None


def build(part: Part, cache: Path) -> None:
    """Build one part and put it whole into the cache. Raises CalledProcessError after Go has said why."""
    with tempfile.TemporaryDirectory(prefix=f"poolplan-{part.name}-") as folder:
        work = Path(folder)
        module = _go_json(["mod", "download", "-json", f"{part.module}@{part.version}"], work)
        go_mod = _go_json(["mod", "edit", "-json", str(module["GoMod"])], work)
        (work / "go.mod").write_text(_module_text(part, go_mod), "utf-8")
        _go(_build_arguments(part, work / part.name), work, cgo=part.cgo)
        _keep(part, work / part.name, Path(module["Dir"]), cache)


def _module_text(part: Part, go_mod: dict[str, Any]) -> str:
    """A go.mod that requires the part alone, with the replacements, which Go honours only in a main module."""
    lines = ["module poolplan.test/part", f"go {go_mod['Go']}", f"require {part.module} {part.version}"]
    for replace in go_mod.get("Replace") or ():
        old, new = replace["Old"], replace["New"]
        left = " ".join(filter(None, (old["Path"], old.get("Version"))))
        if new.get("Version"):
            lines.append(f"replace {left} => {new['Path']} {new['Version']}")
        elif part.siblings:
            lines.append(f"replace {left} => {old['Path']} {part.siblings}")
    return "\n".join(lines) + "\n"


def _build_arguments(part: Part, target: Path) -> list[str]:
    flags = ["-s", "-w", *(f"-X={variable}" for variable in part.variables)]
    return [
        "build", "-mod=mod", "-trimpath", f"-tags={','.join(part.tags)}", f"-ldflags={' '.join(flags)}",
        "-o", str(target), part.package,
    ]


def _keep(part: Part, program: Path, source: Path, cache: Path) -> None:
    """Move what was built into the cache; the stamp comes last, so that a broken run is done again."""
    for folder in ("bin", "built", "share"):
        (cache / folder).mkdir(parents=True, exist_ok=True)
    for name in part.data:
        _copy_folder(source / name, cache / "share" / part.name / name)
    beside = cache / "bin" / f".{part.name}"
    shutil.copy(program, beside)
    beside.replace(cache / "bin" / part.name)
    (cache / "built" / part.name).write_text(part.version, "utf-8")


def _copy_folder(source: Path, target: Path) -> None:
    """Copy the contents alone: the module cache is read-only, and a copy of that mode could never be replaced."""
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _go(arguments: Sequence[str], work: Path, *, cgo: bool) -> None:
    environment = {**os.environ, "CGO_ENABLED": "1" if cgo else "0", "GOWORK": "off"}
    subprocess.run(["go", *arguments], cwd=work, env=environment, check=True)  # noqa: S603, S607 - go is found on PATH


def _go_json(arguments: Sequence[str], work: Path) -> dict[str, Any]:
    done = subprocess.run(["go", *arguments], cwd=work, check=True, stdout=subprocess.PIPE)  # noqa: S603, S607
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def build_all(parts: Iterable[Part], cache: Path) -> bool:
    """Build what is missing, one part at a time, a line for each. Returns whether all are there now."""
    built = [_build_one(part, cache) for part in parts]
    return all(built)


def _build_one(part: Part, cache: Path) -> bool:
    started = time.monotonic()
    if is_built(part, cache):
        _say(part, "there already")
        return True
    try:
        build(part, cache)
    except subprocess.CalledProcessError as error:
        _say(part, f"failed: {' '.join(error.cmd[:3])} ended with {error.returncode}")
        return False
    size = (cache / "bin" / part.name).stat().st_size / 1_000_000
    _say(part, f"built in {time.monotonic() - started:.0f} s, {size:.0f} MB")
    return True


def _say(part: Part, what: str) -> None:
    sys.stdout.write(f"{part.name:24}{part.version:10}{what}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Build the real programs that tests/real runs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="parts to build; by default what the suite wants")
    parser.add_argument("--list", action="store_true", help="show every part and whether it is there")
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - {part.name for part in PARTS})
    if unknown:
        known = ", ".join(part.name for part in PARTS)
        parser.error(f"there is no part named {', '.join(unknown)}; there are: {known}")
    return asked


def main() -> int:
    """Build the named parts, or those the suite wants; 0 when all of them are there at the end."""
    asked = _arguments()
    cache = cache_folder()
    if asked.list:
        for part in PARTS:
            there = "there" if is_built(part, cache) else "missing"
            _say(part, there if part.wanted else f"{there} (built only when named)")
        return 0
    if shutil.which("go") is None:
        sys.stderr.write("go is not on PATH: install Go, then run this again\n")
        return 1
    os.nice(10)
    chosen = [part for part in PARTS if part.name in asked.names or (part.wanted and not asked.names)]
    return 0 if build_all(chosen, cache) else 1


if __name__ == "__main__":
    sys.exit(main())
