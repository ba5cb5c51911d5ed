"""Types all of docs/getting-started.md into two terminals and compares what is printed with the page."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import CompareText
from tests.docs.shell import ROOT, run_shell, start_shell

PAGE = ROOT / "docs/getting-started.md"
BLOCK = re.compile(
    r"^```(?P<kind>sh|text)(?P<title> title=\"first terminal\")?\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PORT = "8080"
MARK = "@@ end of block @@"
#: What differs from run to run: ids, random names of pods and nodes, times, and the width of columns made of them.
VARYING = (
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{6,40}\b"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"), "DATE"),
    (re.compile(r"\b(\d+ min )?\d+(s|m| s| min)\b"), "TIME"),
    (re.compile(r"^poolplan: \w+ [\w-]+: (running|RUNNING).*\n", re.MULTILINE), ""),
    (re.compile(r"(git version |/)\S*"), "PLACE"),
    (re.compile(r" {2,}"), "  "),
)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="the page uses kubectl: install it, or its wheel")
def test_prints_what_the_page_says(tmp_path: Path, golden: CompareText) -> None:
    page = PAGE.read_text("utf-8")
    blocks = list(BLOCK.finditer(page))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    first = next(block["body"] for block in blocks if block["title"])
    script = "".join(
        f"{block['body']}echo '{MARK}'\n" for block in blocks if block["kind"] == "sh" and not block["title"]
    )

    with _sandbox(first.replace(PORT, port), tmp_path):
        done = run_shell(script.replace(PORT, port), folder=tmp_path, home=tmp_path)

    assert done.code == 0, done.output
    outputs = done.output.replace(str(tmp_path), "~").replace(port, PORT).split(f"{MARK}\n")
    golden(PAGE, _with_outputs(page, blocks, outputs))


def _with_outputs(page: str, blocks: list[re.Match[str]], outputs: list[str]) -> str:
    """The page with every output that differs in more than what varies put in place of the one it shows."""
    commands = [block for block in blocks if block["kind"] == "sh" and not block["title"]]
    assert len(outputs) == len(commands) + 1
    for command, output in zip(reversed(commands), reversed(outputs[:-1]), strict=True):
        after = next((block for block in blocks if block.start() > command.start()), None)
        if after is None or after["kind"] != "text":
            assert output == "", f"{command['body']} prints something the page does not show"
        elif _steady(after["body"]) != _steady(output):
            page = page[: after.start("body")] + output + page[after.end("body") :]
    return page


def _steady(text: str) -> str:
    for pattern, word in VARYING:
        text = pattern.sub(word, text)
    return text


@contextmanager
def _sandbox(script: str, home: Path) -> Iterator[None]:
    """The first terminal: a shell that becomes the sandbox."""
    *before, last = script.splitlines()
    command = "\n".join((*before, f"exec {last}"))
    with start_shell(command, home=home) as running:
        try:
            if not any("--cli-config" in line for line in running.stdout or ()):
                pytest.fail("the sandbox did not start")
            yield
        finally:
            running.terminate()
