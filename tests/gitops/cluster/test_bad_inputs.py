"""Wrong files, one a case: what is said is in the file of the same name with ``.txt`` after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.cluster import read_inputs
from gitops.errors import InputError

FOLDER = Path(__file__).parents[2] / "data" / "cluster" / "bad"
CASES = sorted(path.name for path in FOLDER.iterdir() if path.suffix != ".txt")
SECRET = "hush-hush-hush"


@pytest.mark.parametrize("case", CASES)
def test_says_what_is_wrong_and_where(case: str) -> None:
    with pytest.raises(InputError) as caught:
        read_inputs([FOLDER / case], environment={"OVH_APPLICATION_SECRET": SECRET})
    said = str(caught.value).replace(f"{FOLDER}/", "")
    assert said + "\n" == (FOLDER / f"{case}.txt").read_text()
    assert SECRET not in said


@pytest.mark.parametrize("case", CASES)
def test_says_it_on_one_line_a_fault_with_the_file_first(case: str) -> None:
    with pytest.raises(InputError) as caught:
        read_inputs([FOLDER / case], environment={})
    for line in str(caught.value).splitlines():
        assert line.startswith(str(FOLDER / case))


def test_there_is_a_text_for_every_case_and_no_other() -> None:
    texts = {path.name.removesuffix(".txt") for path in FOLDER.iterdir() if path.suffix == ".txt"}
    assert texts == set(CASES)
