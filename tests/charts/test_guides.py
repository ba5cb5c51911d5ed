"""What the guides say of values: each block of them is taken by the schema, and each value that is named is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.charts.test_values import DEFAULTS, ROOT, faults, merged

GUIDES = [ROOT / "docs" / "guides" / f"{name}.md" for name in ("image", "install", "many-clusters")]
BLOCK = re.compile(r"^```yaml\n# values\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def known(values: dict[str, Any], path: list[str]) -> bool:
    if not path:
        return True
    return isinstance(values, dict) and path[0] in values and known(values[path[0]], path[1:])


def test_blocks_of_values_are_taken() -> None:
    blocks = [block for guide in GUIDES for block in BLOCK.findall(guide.read_text("utf-8"))]
    assert len(blocks) == 3
    for block in blocks:
        assert faults(merged(DEFAULTS, YAML(typ="safe").load(block))) == [], block


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_values_that_are_named_are_there(guide: Path) -> None:
    text = guide.read_text("utf-8")
    named = set(re.findall(r"--set ([\w.]+)=", text))
    tops = "|".join(sorted(DEFAULTS))
    named |= {one for one in re.findall(rf"`((?:{tops})(?:\.[A-Za-z]+)+)(?::[^`]*)?`", text) if not one.endswith((".yaml", ".md"))}
    for name in sorted(named):
        assert known(DEFAULTS, name.split(".")), name
