"""The program as a process of its own: broken pipes, full disks, signals, and files that are far too large."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commands.tools import FOREIGN, base

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = [sys.executable, "-c", "from gitops.commands.main import main; main()"]
SOURCE = Path(__file__).parents[2]
PLAN = ["plan", "--snapshot", "cluster.yaml", "--policy", "policy.yaml"]
MEGABYTE = 1024**2
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"x": "7" * 2 * MEGABYTE}}}
PART = json.dumps(POD).encode() + b","


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cluster.yaml", "policy.yaml"):
        (tmp_path / name).write_text(base(name), "utf-8")
    return tmp_path


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {**kept, "PYTHONPATH": str(SOURCE), "HOME": "/nonexistent", **more}


def run(
    folder: Path, *arguments: str, stdout: int | object = subprocess.PIPE, before: Callable[[], None] | None = None,
    **more: str,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    return subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, *arguments], cwd=folder, env=environment(**more), stdout=stdout, stderr=subprocess.PIPE,  # type: ignore[call-overload]
        text=True, preexec_fn=before, check=False, timeout=120,
    )  # fmt: skip


def test_a_reader_that_leaves_early_is_no_accident(folder: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    try:
        done = run(folder, *PLAN, "-o", "json", stdout=write)
    finally:
        os.close(write)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr
    assert "defect" not in done.stderr


def test_a_full_disk_is_told(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(folder, *PLAN, stdout=full)
    assert done.returncode == 1
    assert "poolplan: output cannot be written: No space left on device\n" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_document_may_go_to_standard_output_as_a_file(folder: Path) -> None:
    done = run(folder, *PLAN, "--out", "/dev/stdout", "--output", "patch")
    assert done.returncode == 0
    assert '"kind": "Plan"' in done.stdout


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_ends_in_order_when_it_is_told_to(folder: Path, sent: signal.Signals) -> None:
    sandbox = subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, "sandbox", "--port", "0"], cwd=folder, env=environment(), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
        # A shell lets what it runs in the background ignore SIGINT, and all that this starts would too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - no thread is started before
    )  # fmt: skip
    assert sandbox.stdout is not None
    assert sandbox.stdout.readline().startswith("http://127.0.0.1:")
    assert sandbox.stderr is not None
    while "export OVH_ENDPOINT" not in sandbox.stderr.readline():
        pass
    sandbox.send_signal(sent)
    _, err = sandbox.communicate(timeout=60)
    assert sandbox.returncode == 0
    assert "Traceback" not in err


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of 200 MB each: of zeros, and JSON on one line that ends too early or holds garbage at its end."""
    folder = tmp_path_factory.mktemp("large")
    for name in ("zeros.json", "zeros.yaml"):
        with (folder / name).open("wb") as stream:
            stream.truncate(200 * MEGABYTE)
    for name, end in (("cut.json", b"{"), ("garbage.json", b"7]}")):
        with (folder / name).open("wb") as stream:
            stream.write(b'{"apiVersion":"v1","kind":"List","items":[')
            for _ in range(100):
                stream.write(PART)
            stream.write(end)
    for name in ("cluster.yaml", "policy.yaml"):
        (folder / name).write_text(base(name), "utf-8")
    return folder


def narrow() -> None:
    """As much memory as a small pod has: the file itself is mapped."""
    resource.setrlimit(resource.RLIMIT_DATA, (400 * MEGABYTE, 400 * MEGABYTE))


CUT = len('{"apiVersion":"v1","kind":"List","items":[') + 100 * len(PART)


YAML = "is YAML of more than 32 MiB, which takes too long to read; export it with -o json"
GARBAGE = "is not a Kubernetes object, which is a map with apiVersion and kind"


@pytest.mark.parametrize(("option", "name", "said"), [
    ("--snapshot", "zeros.json", "zeros.json:1:1: is not JSON: invalid character"),
    ("--snapshot", "zeros.yaml", f"zeros.yaml: {YAML}"),
    ("--snapshot", "cut.json", f"cut.json:1:{CUT + 2}: is not JSON: it ends too early"),
    ("--snapshot", "garbage.json", f"garbage.json:1:{CUT + 1}: {GARBAGE}"),
    ("--policy", "zeros.yaml", f"zeros.yaml: {YAML}"),
    ("--catalog", "zeros.yaml", "zeros.yaml: a catalog is at most 5 MB; this file has 209 MB"),
    ("--pools", "zeros.json", "zeros.json: a list of pools is at most 20 MB; this file has 209 MB"),
])  # fmt: skip
def test_a_file_of_200_mb_is_answered_at_once_in_little_memory(large: Path, option: str, name: str, said: str) -> None:
    given = {"--snapshot": "cluster.yaml", "--policy": "policy.yaml", option: name}
    done = run(large, "plan", *(word for pair in given.items() for word in pair), before=narrow)
    assert (done.returncode, done.stdout, done.stderr.splitlines()[-1]) == (1, "", f"poolplan: {said}")
