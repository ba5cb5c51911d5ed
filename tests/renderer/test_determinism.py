"""The same plan is the same bytes in every process, and a view costs no more to import than it uses."""

from __future__ import annotations

import sys
from pathlib import Path

from gitops.process import run

ROOT = Path(__file__).parent.parent.parent
TEXTS = """
import hashlib
from tests.renderer.cases import CASES, load_case
from tests.renderer.test_views import texts_of
for case in CASES:
    for name, text in sorted(texts_of(load_case(case)).items()):
        print(case, name, hashlib.sha256(text.encode()).hexdigest())
"""
HEAVY = ("ruamel.yaml", "jsonpatch", "msgspec", "rich", "subprocess")


def _python(code: str, seed: str = "0") -> str:
    environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    done = run([sys.executable, "-c", code], cwd=ROOT, env=environment, timeout=60)
    assert (done.code, done.err) == (0, "")
    return done.out


def test_no_text_depends_on_the_hash_seed() -> None:
    first, second = _python(TEXTS, "1"), _python(TEXTS, "31337")

    assert first == second
    assert len(first.splitlines()) > 50


def test_a_view_imports_nothing_heavy() -> None:
    loaded = _python("import sys, renderer.terminal, renderer.markdown; print(*sys.modules)").split()

    assert [name for name in HEAVY if name in loaded] == []
