"""Whose a file is, as each forge documents its CODEOWNERS."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from gitops.review.codeowners import PLACES, Dialect, Owned, read_code_owners

DATA = Path(__file__).parents[2] / "data" / "review" / "codeowners.yaml"
FILES: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(DATA)
CASES = [(one, path, owners) for one in FILES for path, owners in one["owned"].items()]
paths = st.lists(st.text("abc*./", min_size=1, max_size=12), max_size=5)


def line_of(one: Owned) -> str:
    parts = [" ".join(sorted(one.owners)) or "-"]
    parts += [f"{one.approvals} approvals"] if one.approvals > 1 else []
    return ", ".join([*parts, one.section] if one.section else parts)


@pytest.mark.parametrize(("one", "path", "owners"), CASES, ids=lambda part: part if isinstance(part, str) else "")
def test_a_file_has_the_owners_that_its_forge_sees(one: dict[str, Any], path: str, owners: str | list[str]) -> None:
    found = read_code_owners(one["text"], Dialect(one["dialect"])).owned([PurePosixPath(path)])
    assert [line_of(each) for each in found] == ([owners] if isinstance(owners, str) else owners)


@pytest.mark.parametrize("one", FILES, ids=lambda one: f"{one['dialect']} {one['text'][:12]!r}")
def test_lines_that_mean_nothing_are_told(one: dict[str, Any]) -> None:
    assert list(read_code_owners(one["text"], Dialect(one["dialect"])).faults) == one.get("faults", [])


def test_files_that_are_owned_alike_stand_together() -> None:
    owners = read_code_owners("*.tf @ada\n*.yaml @ada\nb.* @bob\n", Dialect.GITHUB)
    files = [PurePosixPath(name) for name in ("c.tf", "a.tf", "a.yaml", "b.tf", "a.tf")]
    assert owners.owned(files) == (
        Owned(files=(PurePosixPath("a.tf"), PurePosixPath("a.yaml"), PurePosixPath("c.tf")), owners=frozenset({"ada"})),
        Owned(files=(PurePosixPath("b.tf"),), owners=frozenset({"bob"})),
    )


def test_each_forge_looks_in_its_own_places() -> None:
    assert {dialect.value: places for dialect, places in PLACES.items()} == {
        "github": (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
        "gitlab": ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
        "gitea": ("CODEOWNERS", "docs/CODEOWNERS", ".gitea/CODEOWNERS"),
    }


@given(text=st.text("*?[]!@#^$(){}+|\\/. ab1-\n\t", max_size=80), dialect=st.sampled_from(Dialect), files=paths)
def test_no_text_breaks_the_reading_and_no_file_is_lost(text: str, dialect: Dialect, files: list[str]) -> None:
    asked = [PurePosixPath(file) for file in files]
    found = read_code_owners(text, dialect).owned(asked)
    assert {file for one in found for file in one.files} == set(asked)
    assert all(one.approvals >= 1 for one in found)


@given(lines=st.lists(st.sampled_from(["* @a", "*.tf @b", "/x/ @c", "x/y.tf @d", "/x/*"]), max_size=5))
def test_the_last_line_that_matches_decides(lines: list[str]) -> None:
    """A line that matches everything, put last, is the only one that counts; put first, only for what is left."""
    file = [PurePosixPath("x/y.tf")]
    (one,) = read_code_owners("\n".join([*lines, "* @last"]), Dialect.GITHUB).owned(file)
    assert one.owners == {"last"}
    found = read_code_owners("\n".join(["* @first", *lines]), Dialect.GITHUB).owned(file)
    assert ([set(one.owners) for one in found] == [{"first"}]) is (not lines)
