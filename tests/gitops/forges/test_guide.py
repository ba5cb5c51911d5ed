"""docs/guides/forges.md says of rights what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.forges import gitea_api, github_rights, gitlab_rights
from gitops.forges.rest import Right

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "forges.md").read_text("utf-8")
GITEA = tuple(value for value in vars(gitea_api).values() if isinstance(value, Right))


@pytest.mark.parametrize(
    ("heading", "rights"),
    [("## GitHub", github_rights.RIGHTS), ("## GitLab", gitlab_rights.RIGHTS), ("## Gitea and Forgejo", GITEA)],
)
def test_every_right_stands_in_the_guide_with_what_is_lost_without_it(heading: str, rights: tuple[Right, ...]) -> None:
    section = GUIDE.split(f"\n{heading}\n")[1].split("\n## ")[0].split("\n### ")[0]
    table = [line for line in section.splitlines() if line.startswith("| ") and "without it" not in line]
    assert sorted(table) == sorted(f"| {right.name} | {right.without} |" for right in rights)
