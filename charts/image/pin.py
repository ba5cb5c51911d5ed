"""Writes requirements.txt and build.txt: every Python package of the image, with its version and its file's digest.

``python charts/image/pin.py`` asks pip what it would install on this machine, and installs nothing. Run it with the
Python version of the Dockerfile, on Linux and amd64: a digest is of one file, and so of one platform.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PROJECT: dict[str, Any] = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text("utf-8"))
NOTICE = "# Made by charts/image/pin.py.\n"
FILES = {
    "requirements.txt": PROJECT["project"]["dependencies"],
    "build.txt": [*PROJECT["build-system"]["requires"], "setuptools"],
}
"""What runs, and what makes wheels of it."""


def pinned(wanted: list[str]) -> str:
    """What pip would install for these, a line each."""
    options = ("--quiet", "--dry-run", "--ignore-installed", "--report", "-")
    command = [sys.executable, "-m", "pip", "install", *options, *wanted]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)  # noqa: S603
    lines = [
        f"{one['metadata']['name'].lower()}=={one['metadata']['version']}"
        f" --hash=sha256:{one['download_info']['archive_info']['hashes']['sha256']}\n"
        for one in report["install"]
    ]
    return NOTICE + "".join(sorted(lines))


def main() -> None:
    """Write both files."""
    for name, wanted in FILES.items():
        (HERE / name).write_text(pinned(wanted), "utf-8")


if __name__ == "__main__":
    main()
