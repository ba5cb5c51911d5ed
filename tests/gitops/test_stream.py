"""A program is watched while it runs, and ends in order when we are interrupted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from gitops.errors import Fatal
from gitops.process import stream

if TYPE_CHECKING:
    from pathlib import Path

TALKER = "import sys; print('one', flush=True); print('bad', file=sys.stderr); print('two'); sys.exit(3)"
PATIENT = """
import signal, sys
caught = []
signal.signal(signal.SIGINT, lambda *_: caught.append(1))
print("ready", flush=True)
while not caught:
    signal.pause()
open(sys.argv[1], "w").write("ended in order")
"""


def test_lines_come_one_by_one_and_the_rest_at_the_end() -> None:
    lines: list[str] = []
    done = stream([sys.executable, "-c", TALKER], lines.append)
    assert lines == ["one", "two"]
    assert (done.code, done.out, done.err) == (3, "one\ntwo\n", "bad\n")


def test_a_line_that_is_not_text_is_no_trouble() -> None:
    lines: list[str] = []
    stream([sys.executable, "-c", r"import os; os.write(1, b'\xff\n')"], lines.append)
    assert lines == ["�"]


def test_an_interruption_is_passed_on_and_the_program_ends_in_its_own_time(tmp_path: Path) -> None:
    ended = tmp_path / "ended"

    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stream([sys.executable, "-c", PATIENT, str(ended)], interrupt)
    assert ended.read_text() == "ended in order"


def test_a_program_that_is_not_there_is_fatal() -> None:
    with pytest.raises(Fatal, match=r"^no-such-program cannot be started: No such file or directory$"):
        stream(["no-such-program"], print)
