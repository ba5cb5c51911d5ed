"""What is written down is checked: links lead somewhere, generated pages are current, nothing is left undescribed."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import click
import msgspec
import pytest

from gitops import settings_wire
from gitops.apply.shortages import Lack
from gitops.cluster import policy_wire, wire
from gitops.commands.main import COMMANDS, cli
from gitops.errors import ExitCode
from gitops.ovh.rights import RIGHTS
from planner import between, coming, filters, why, whyzones
from renderer.history import Outcome
from tests.docs.shell import ROOT

DOCS = ROOT / "docs"
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def _pages() -> list[Path]:
    below = (page for folder in ("docs", "examples") for page in (ROOT / folder).rglob("*.md"))
    return sorted((*below, *ROOT.glob("*.md")))


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", _pages(), ids=_name)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    for match in LINK.finditer(text):
        file, _, anchor = match["target"].partition("#")
        assert "://" not in match["target"], f"{match['target']} is outside of the project"
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), f"{match['target']} leads nowhere"
        assert not anchor or anchor in _anchors(target), f"{match['target']}: there is no such heading"


def _anchors(page: Path) -> set[str]:
    titles = HEADING.findall(FENCE.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", ["reference/cli.md", "reference/plan.md", "reference/drift.md", "guides/rights.md"])
def test_generated_pages_are_current(name: str) -> None:
    made = _generator().PAGES[name]()

    assert (DOCS / name).read_text("utf-8") == made, "`make docs` writes it anew"


def test_every_page_is_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    ahead = [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        targets = (match["target"].partition("#")[0] for match in LINK.finditer(page.read_text("utf-8")))
        ahead += [(page.parent / target).resolve() for target in targets if target]
    documented = {page for page in _pages() if page.is_relative_to(DOCS) or page.is_relative_to(ROOT / "examples")}

    assert documented - reached == set()


def test_the_readme_is_short_and_honest() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    shown = re.findall(r"^```text\n(poolplan: .*?)^```$", readme, re.MULTILINE | re.DOTALL)

    assert len(readme.splitlines()) < 120
    assert len(shown) == 1
    assert shown[0] in (ROOT / "examples/01-plan-from-kubectl/expected.txt").read_text("utf-8")


def test_every_command_and_option_is_documented() -> None:
    page = (DOCS / "reference/cli.md").read_text("utf-8")
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        section = page.partition(f"\n## poolplan {name}\n")[2].partition("\n## ")[0]
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert all(option in section for option in parameter.opts), f"{name} {parameter.opts}"
                assert parameter.help or parameter.show_default, f"{name} {parameter.opts} has no help"


@pytest.mark.parametrize("page", _pages(), ids=_name)
def test_no_page_speaks_of_commands_that_are_not_there(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"^(?:\$ )?poolplan ([a-z]+)\b", "\n".join(FENCE.findall(text)), re.MULTILINE))

    assert named - set(COMMANDS) - {"catalog"} == set()


def test_every_filter_and_reason_is_documented() -> None:
    page = (DOCS / "reference/reasons.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE))

    assert documented == _codes()


def _codes() -> set[str]:
    """The literal ``filter=`` of every Refusal, the codes of every Reason and Hint, and those that have a name."""
    found = {value for name, value in vars(filters).items() if name.isupper() and isinstance(value, str)}
    found |= {between.BY_HAND, between.DRIFTED, between.EMERGENCY, coming.NEVER_CAME, *why.CHOOSY, whyzones.ZONE}
    found |= {one.value for one in Lack if one not in (Lack.POOL_ERROR, Lack.NODE_ERROR)}  # these two share a line
    for module in sorted((ROOT / "planner").glob("*.py")):
        tree = ast.parse(module.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                given = {word.arg: word.value for word in node.keywords}
                value = given.get("filter") if node.func.id == "Refusal" else None
                if node.func.id in ("Reason", "Hint") and node.args:
                    value = node.args[("Reason", "Hint").index(node.func.id)]
                if isinstance(value, ast.Constant):
                    found.add(str(value.value))
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                names = {target.id for target in node.targets if isinstance(target, ast.Name)}
                found |= {str(node.value.value)} if "FILTER" in names else set()
    return found


#: Parts of a pod's spec: Kubernetes documents them.
OF_PODS = (wire.Affinity, wire.SpreadConstraint, wire.Toleration)


@pytest.mark.parametrize(
    ("page", "kinds"),
    [
        ("reference/cluster-yaml.md", [settings_wire.Cluster]),
        ("reference/policy.md", [policy_wire.NodePool, policy_wire.NodeClass]),
    ],
)
def test_every_field_is_documented(page: str, kinds: list[Any]) -> None:
    words = set(re.findall(r"\w+", (DOCS / page).read_text("utf-8")))
    fields = {name for kind in kinds for name in _fields(kind)}

    assert fields - words == set()


def _fields(kind: Any) -> set[str]:
    if kind in OF_PODS:
        return set()
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return {name for inner in get_args(kind) for name in _fields(inner)}
    own = {field.encode_name for field in msgspec.structs.fields(kind)}
    inner = {name for field in msgspec.structs.fields(kind) for name in _fields(field.type)}
    return own | inner if kind is not wire.Metadata else {"name"}


def test_the_messages_that_are_looked_up_are_the_programs_own() -> None:
    page = (DOCS / "guides/troubleshooting.md").read_text("utf-8")
    looked_up = re.findall(r"^\| `([^`]+)`", page, re.MULTILINE)
    texts = "\n".join(_texts())

    assert len(looked_up) > 15
    assert not [part for quote in looked_up for part in quote.split("…") if part.strip(" :") not in texts]


def _texts() -> Iterator[str]:
    """Every text of the program's source; what is filled in later is left out."""
    for package in ("planner", "renderer", "gitops"):
        for module in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(module.read_text("utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_every_field_and_outcome_of_a_history_is_documented() -> None:
    page = (DOCS / "reference/history.md").read_text("utf-8")
    case = ROOT / "tests/data/renderer/history/everything/expected.json"
    words = set(re.findall(r"\w+", page))
    assert _names_in(json.loads(case.read_text("utf-8"))) - words == set()
    assert {one.value for one in Outcome} <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))


def _names_in(value: Any) -> set[str]:
    if isinstance(value, list):
        return {name for one in value for name in _names_in(one)}
    return set(value) | _names_in(list(value.values())) if isinstance(value, dict) else set()


def test_every_right_is_documented() -> None:
    page = (DOCS / "guides/rights.md").read_text("utf-8")

    assert all(f"| {right.method} | `{right.path}` |" in page for right in RIGHTS)


def test_every_exit_code_is_documented() -> None:
    page = (DOCS / "reference/exit-codes.md").read_text("utf-8")

    assert re.findall(r"^\| (\d) \|", page, re.MULTILINE) == [str(code.value) for code in ExitCode]
