"""docs/reliability.md, from the outcomes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.reliability.matrix import (
    ENGINES,
    GOES_ON,
    NEXT,
    NOT_THERE,
    REFUSED_NEXT,
    STEPS,
    STOPS,
    TOLD_NEXT,
    cell,
    faults,
)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/reliability.md"
TITLES = {
    "ovh-api": "ovh-api", "argocd": "delegated, Argo CD", "flux": "delegated, Flux",
    "tofu-controller": "delegated, tofu-controller", "terraform": "terraform",
}  # fmt: skip
ROW = re.compile(r"^\| (?P<name>[^|]+?) \|.*$", re.MULTILINE)
Line = Callable[[str, str], str]


def line(engine: str, name: str) -> str:
    """A line of an engine's table; runs its cells."""
    (fault,) = [one for one in faults(engine) if one.name == name]
    cells = [" or ".join(cell(engine, fault, step)) or NOT_THERE for step in STEPS]
    return f"| {name} | {' | '.join(cells)} |"


def written(page: str) -> Mapping[tuple[str, str], str]:
    """The lines of a page as it stands, by engine and fault."""
    found: dict[tuple[str, str], str] = {}
    for engine, title in TITLES.items():
        section = page.partition(f"\n### {title}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
        found |= {(engine, match["name"]): match[0] for match in ROW.finditer(section)}
    return found


def render(line_of: Line) -> str:
    """The whole page."""
    tables = [_table(engine, line_of) for engine in ENGINES]
    return _INTRODUCTION + "\n".join(tables) + _END


def _table(engine: str, line_of: Line) -> str:
    head = f"| fault | {' | '.join(STEPS)} |\n|---|{'---|' * len(STEPS)}\n"
    lines = "".join(f"{line_of(engine, fault.name)}\n" for fault in faults(engine))
    return f"### {TITLES[engine]}\n\n{_NOTES.get(engine, '')}{head}{lines}"


_INTRODUCTION = f"""\
# Reliability

What becomes of an approved change when something goes wrong on its way, fault by fault and step by step.
The tables are the outcome of tests: each cell is an apply that met this fault once at this step, and the applies after it until there was nothing left to do.

## What is promised

Whatever the cell says, this is true at its end, and the tests fail where it is not:

- The provider has the pools that were approved, or the apply has said why not.
- No pool is made twice, no pool is deleted twice, and no pod is evicted twice.
- No node is gone but the named ones, and those that a person took.
- The ledger says `applied` exactly once where the change is in effect, and not at all where it is not; no claim is left behind.
- Nodes that stay take pods.
- Pools that poolplan does not own are as they were.
- Each line of the journal on this machine can be read.

## How to read it

The change has every step: a pool is made, one grows, one gets a label, a node with pods leaves a pool that stays, and a pool goes.
The steps are those of [how it works](how-it-works.md#9-apply); `{STEPS[0]}` and `{STEPS[-1]}` are the ledger's records around them, `{STEPS[1]}` is all that is looked at before the first step.

| in a cell | means |
|---|---|
| {GOES_ON} | the apply came to its end |
| {NEXT} | the apply ended or was killed; the next one did the rest, with nobody's help |
| {TOLD_NEXT} | the same; the error names what a person should look at, for such a fault need not pass by itself |
| {REFUSED_NEXT} | the apply was refused because the world was not as approved; the next one found nothing against it |
| {STOPS} | each apply is refused: what was done stands, nodes take pods again, and the next plan starts from there |
| {NOT_THERE} | the step makes no such call, or what happens cannot happen there |

Kills of poolplan are tried before and after every call that changes something, at the first that reads, and around every line of the journal; a cell is the outcome of all of them.
Other faults strike the first call of their kind in the step.

```sh
.venv/bin/pytest tests/reliability
.venv/bin/pytest tests/reliability --update-golden
```

The first command repeats all of it, the second writes this page anew.

## The tables

"""
_SAME = "What is not listed is as in the tables above: the code is the same.\n\n"
_NOTES = {
    "argocd": f"The stand-in for Argo CD is that of the tests: it syncs once for each commit.\n{_SAME}",
    "flux": f"The stand-in for Flux puts every difference back each time it looks.\n{_SAME}",
    "tofu-controller": f"The stand-in for tofu-controller plans once for each commit, and applies what is approved.\n{_SAME}",
    "terraform": f"A real Terraform with the sandbox's provider, and its state in a file.\n{_SAME}",
}  # fmt: skip
_END = """
## Not tried

- Several faults in one apply.
- Faults on OVHcloud itself: all of it ran against the sandbox, whose effects are there at once when a call is answered.
- A process that really gets SIGKILL: here it stops at the call and runs nothing more. `tests/commands` and `tests/real` kill real ones.
- Argo CD, Flux and tofu-controller themselves: each is played by a stand-in.
- A remote Terraform state that is cut off or lost; only a local one was.
- A disk that is full for Git, for Terraform or for the state folder as a whole; only the journal's was.
"""
