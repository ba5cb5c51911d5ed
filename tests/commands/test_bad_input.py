"""Every bad input ends in a clear line or two, exit code 1, and nothing written. The cases stand in data files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.commands.tools import DATA, Desk, base, load_cases

if TYPE_CHECKING:
    from tests.conftest import CompareText

CASES = load_cases("bad_input.yaml")
PLAN = ["plan", "--snapshot", "cluster.yaml", "--policy", "policy.yaml"]


@pytest.mark.parametrize("name", sorted(CASES))
def test_bad_input_is_answered_in_plain_words(desk: Desk, golden: CompareText, name: str) -> None:
    case = CASES[name]
    lay_out(desk, case)
    before = desk.contents()
    outcome = desk.run(*case.get("args", PLAN), *case.get("more", ()), **case.get("env", {}))
    golden(DATA / "bad_input" / f"{name}.txt", outcome.err)
    assert (outcome.code, outcome.out) == (1, "")
    assert desk.contents() == before
    assert "Traceback" not in outcome.err
    assert "defect" not in outcome.err


def test_there_is_a_text_for_every_case_and_no_other() -> None:
    assert {path.stem for path in (DATA / "bad_input").iterdir()} == set(CASES)


@pytest.mark.parametrize(("arguments", "named"), [
    ([], "Commands:"),
    (["deploy"], "'deploy'; see poolplan --help"),
    (["plan", "--snapshto", "x"], "--snapshot"),
    (["plan", "--output", "xml"], "'xml'"),
    (["plan", "--snapshot"], "'--snapshot'"),
    (["plan", "live.yaml"], "(live.yaml); see poolplan plan --help"),
    (["propose"], "'--repo'; see poolplan propose --help"),
    (["render", "--into", "x"], "name a plan document"),
    (["sandbox", "--port", "70000"], "70000"),
])  # fmt: skip
def test_wrong_usage_is_told_with_where_to_read_on(desk: Desk, arguments: list[str], named: str) -> None:
    outcome = desk.run(*arguments)
    assert (outcome.code, outcome.out) == (1, "")
    assert named in outcome.err
    assert "--help" in outcome.err
    assert not arguments or len(outcome.err.splitlines()) == 1


def lay_out(desk: Desk, case: dict[str, Any]) -> None:
    """The files of a case in the desk's folder."""
    desk.write({name: base(name) for name in ("cluster.yaml", "policy.yaml")} | case.get("files", {}))
    for name, (old, new) in case.get("edit", {}).items():
        text = (desk.folder / name).read_text("utf-8")
        assert old in text
        desk.write({name: text.replace(old, new)})
    for name, numbers in case.get("bytes", {}).items():
        (desk.folder / name).write_bytes(bytes(numbers))
