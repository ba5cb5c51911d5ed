"""The Dockerfile, by its text: what is pinned, who runs, and that the image cannot have a shell."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text("utf-8")
LINES = [
    line for line in re.sub(r"\\\n\s*", " ", "\n".join(one for one in TEXT.splitlines() if not one.startswith("#"))).splitlines()
    if line.strip()
]  # fmt: skip
STAGES: list[list[str]] = []
for _line in LINES:
    if _line.startswith("FROM "):
        STAGES.append([])
    if STAGES:
        STAGES[-1].append(_line)
IMAGE = ROOT / "charts" / "image"


def requirements(name: str) -> dict[str, str]:
    lines = [line for line in (IMAGE / name).read_text("utf-8").splitlines() if not line.startswith("#")]
    found = {}
    for line in lines:
        match = re.fullmatch(r"([\w.-]+)==(\S+) --hash=sha256:[0-9a-f]{64}", line)
        assert match, line
        found[match[1].replace(".", "-").replace("_", "-")] = match[2]
    return found


def test_every_base_is_of_one_version() -> None:
    arguments = dict(line.removeprefix("ARG ").split("=", 1) for line in LINES if line.startswith("ARG "))
    bases = {re.sub(r"\$\{(\w+)\}", lambda one: arguments[one[1]], stage[0].split()[1]) for stage in STAGES}
    for base in sorted(bases - {"scratch"}):
        assert re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+(@sha256:[0-9a-f]{64})?", base), base


def test_sources_are_of_one_commit() -> None:
    fetched = [line for line in LINES if "git fetch" in line]
    assert len(fetched) == 2
    for line in fetched:
        assert re.search(r"git fetch [^&]* [0-9a-f]{40} ", line), line


def test_packages_are_checked_against_digests() -> None:
    installs = [line for line in LINES if re.search(r"pip \w+|pip .* install", line)]
    for line in installs:
        for command in re.findall(r"pip (?:--python \S+ )?(?:install|wheel) [^&]*", line):
            assert "--require-hashes" in command or "--no-index" in command, command
            assert "--no-deps" in command, command


def test_every_dependency_has_a_pin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = {re.split(r"[\[<>=]", one)[0].lower().replace(".", "-") for one in project["project"]["dependencies"]}
    assert wanted <= requirements("requirements.txt").keys(), "python charts/image/pin.py rewrites it"
    assert {"hatchling", "setuptools"} <= requirements("build.txt").keys()


def test_the_image_begins_with_nothing_and_runs_nothing() -> None:
    last = STAGES[-1]
    assert last[0] == "FROM scratch"
    assert not [line for line in last if line.startswith(("RUN", "SHELL", "ADD"))]
    copied = [line for line in last if line.startswith("COPY")]
    assert copied == ["COPY --from=poolplan /rootfs/ /"]


def test_nobody_is_root_and_no_shell_is_asked_for() -> None:
    last = STAGES[-1]
    (user,) = [line for line in last if line.startswith("USER ")]
    number, group = user.removeprefix("USER ").split(":")
    assert int(number) == int(group) >= 1000
    for line in last:
        if line.startswith(("ENTRYPOINT", "CMD")):
            assert json.loads(line.partition(" ")[2]), "a list, and not a line for a shell"


def test_nothing_secret_and_nothing_loose_is_copied() -> None:
    assert "ADD " not in TEXT
    assert not re.search(r"COPY(?! --from=)[^\n]* \.(/)? ", TEXT), "the whole folder"
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    kept = {line[1:] for line in ignored if line.startswith("!")}
    wanted = {
        word for stage in STAGES for line in stage if line.startswith("COPY ") and "--from=" not in line
        for word in line.split()[1:-1]
    }  # fmt: skip
    assert "*" in ignored
    for word in sorted(wanted):
        assert (ROOT / word).exists(), word
        assert any(word == one or word.startswith(f"{one}/") for one in kept), word


def test_user_and_state_are_those_of_the_chart() -> None:
    chart = (ROOT / "charts" / "poolplan" / "templates" / "_helpers.tpl").read_text("utf-8")
    deployment = (ROOT / "charts" / "poolplan" / "templates" / "deployment.yaml").read_text("utf-8")
    assert "USER 65532:65532" in TEXT
    assert "runAsUser: 65532" in chart
    assert "USER = 65532" in (IMAGE / "rootfs.py").read_text("utf-8")
    assert "mountPath: /var/lib/poolplan" in deployment
    assert "POOLPLAN_STATE=/var/lib/poolplan" in TEXT
    assert "/etc/poolplan/ssh" in (IMAGE / "ssh_config").read_text("utf-8")
