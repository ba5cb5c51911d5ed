"""Which Terraform is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gitops.engines import program
from gitops.engines.program import EMBEDDED, find_terraform
from gitops.errors import Fatal
from gitops.process import run

if TYPE_CHECKING:
    from collections.abc import Callable

REMEDY = "install OpenTofu or Terraform, or `pip install 'poolplan[embedded]'`"


def on_path(*names: str) -> Callable[[str], str | None]:
    return lambda name: f"/opt/bin/{name}" if name in names else None


@pytest.mark.parametrize(
    ("named", "there", "found"),
    [
        ("", ("terraform", "tofu"), "/opt/bin/tofu"),
        ("", ("terraform",), "/opt/bin/terraform"),
        ("terraform", ("terraform", "tofu"), "/opt/bin/terraform"),
        ("terraform-1.9", ("terraform-1.9", "tofu"), "/opt/bin/terraform-1.9"),
    ],
)
def test_the_named_program_wins_and_tofu_comes_first_otherwise(
    named: str, there: tuple[str, ...], found: str, tmp_path: Path
) -> None:
    assert find_terraform(named, launchers=tmp_path, find=on_path(*there)) == found
    assert list(tmp_path.iterdir()) == []


def test_settings_may_prefer_another(tmp_path: Path) -> None:
    found = find_terraform(
        "", launchers=tmp_path, preferred=("terraform", "tofu"), find=on_path("terraform", "tofu")
    )
    assert found == "/opt/bin/terraform"


def test_a_named_program_that_is_missing_is_not_replaced_by_another(tmp_path: Path) -> None:
    with pytest.raises(Fatal) as caught:
        find_terraform("terraform", launchers=tmp_path, find=on_path("tofu"))
    assert str(caught.value) == f"terraform is not installed or not executable: {REMEDY}"


@pytest.mark.parametrize("named", ["", EMBEDDED])
def test_without_any_it_says_what_to_install(named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "has_embedded", lambda: False)
    with pytest.raises(Fatal) as caught:
        find_terraform(named, launchers=tmp_path, find=on_path())
    assert str(caught.value) == f"no tofu or terraform on PATH and no embedded one: {REMEDY}"


@pytest.mark.skipif(not program.has_embedded(), reason="the embedded extra is not installed")
def test_the_embedded_one_behaves_as_a_program(tmp_path: Path) -> None:
    launcher = find_terraform("", launchers=tmp_path / "bin", find=on_path())
    assert Path(launcher).parent == tmp_path / "bin"
    told = run([launcher, "version"], cwd=tmp_path, env={})
    assert (told.code, told.out.startswith("Terraform v1."), told.err) == (0, True, "")
    failed = run([launcher, "plan", "-no-color"], cwd=tmp_path, env={})
    assert failed.code == 1
    assert "Error: No configuration files" in failed.err
