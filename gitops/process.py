"""The one module that starts programs: arguments are a list, never a shell line, and output is captured as text."""

from __future__ import annotations

import shutil
import signal
import subprocess
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from gitops.errors import Fatal, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended, with what it printed; ``raw`` is its output as bytes, for programs that print files."""

    code: int
    out: str
    err: str
    raw: bytes = b""


def find_program(name: str) -> str | None:
    """The full path of a program on PATH, or None."""
    return shutil.which(name)


def run(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    timeout: float | None = None,
) -> Finished:
    """Run a program to its end. Raises Fatal when it cannot be started, Waiting when ``timeout`` seconds pass."""
    try:
        done = subprocess.run(  # noqa: S603 - a list of arguments, no shell
            list(command), cwd=cwd, env=dict(env) if env is not None else None, input=stdin, capture_output=True,
            timeout=timeout, check=False,
        )
    except FileNotFoundError as error:
        raise Fatal(f"{command[0]} is not installed or not on PATH") from error
    except subprocess.TimeoutExpired as error:
        raise Waiting(f"{command[0]} did not finish within {timeout:g} s") from error
    out, err = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    return Finished(done.returncode, out, err, done.stdout)


class Conversation:
    """A program that is kept running, asked by lines and answered in bytes. It ends with this object, or by ``end``."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str]) -> None:
        """Start it. Raises Fatal when it cannot be started."""
        try:
            self._program = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                list(command), env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            raise Fatal(f"{command[0]} cannot be started: {error.strerror or error}") from error
        self.end = weakref.finalize(self, _end, self._program)

    def ask(self, *lines: str) -> None:
        """Send these lines. What a program that has ended is asked gets no answer."""
        if self._program.stdin is not None:
            with suppress(BrokenPipeError):
                self._program.stdin.write("".join(f"{line}\n" for line in lines).encode())
                self._program.stdin.flush()

    def line(self) -> bytes:
        """The next line of its answer without its end; empty where the program has ended."""
        return self._program.stdout.readline().rstrip(b"\n") if self._program.stdout else b""

    def read(self, size: int) -> bytes:
        """So many bytes of its answer; fewer where the program has ended."""
        return self._program.stdout.read(size) if self._program.stdout else b""


def _end(program: subprocess.Popen[bytes]) -> None:
    """It reads the end of its input and goes; one that does not is made to."""
    for pipe in (program.stdin, program.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    try:
        program.wait(1)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def stream(
    command: Sequence[str],
    on_line: Callable[[str], None],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Finished:
    """Run a program to its end and hand over each line as it comes. Raises Fatal when it cannot be started.

    The program is in a session of its own, so that an interruption of ours reaches it once, as one SIGINT, and it is
    given the time it wants to end in order: a second signal would make Terraform drop its state.
    """
    try:
        program = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
            list(command), cwd=cwd, env=dict(env) if env is not None else None, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise Fatal(f"{command[0]} cannot be started: {error.strerror or error}") from error
    with program, ThreadPoolExecutor(max_workers=1) as reader:
        complaints = reader.submit(_read_all, program.stderr)
        lines = _lines(program, on_line)
        return Finished(program.wait(), "".join(lines), complaints.result())


def _lines(program: subprocess.Popen[str], on_line: Callable[[str], None]) -> list[str]:
    lines = []
    try:
        for line in program.stdout or ():
            lines.append(line)
            on_line(line.rstrip("\n"))
    except BaseException:
        program.send_signal(signal.SIGINT)
        _read_all(program.stdout)
        program.wait()
        raise
    return lines


def _read_all(output: IO[str] | None) -> str:
    return output.read() if output else ""
