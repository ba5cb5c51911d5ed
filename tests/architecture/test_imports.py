"""The layers drawn in the documents are those the code has: import-linter's contracts hold."""

from __future__ import annotations

import sys
from pathlib import Path

from gitops.process import run

ROOT = Path(__file__).parents[2]


def test_every_contract_is_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = run([str(linter), "--no-cache"], cwd=ROOT)
    assert done.code == 0, done.out
    assert " 0 broken." in done.out
