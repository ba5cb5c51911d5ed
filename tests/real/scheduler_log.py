"""What the real scheduler did, read from its own words at ``-v=10``: which pod it tried, how it scored each node that
passed its filters, and where the pod went.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Step = dict[str, Any]

VERBOSITY = "-v=10"
_TRIED = re.compile(r'"Attempting to schedule pod" pod="(?P<pod>[^"]+)"')
_SCORED = re.compile(
    r'"Plugin scored node for pod" pod="(?P<pod>[^"]+)" plugin="(?P<plugin>\w+)" node="(?P<node>[^"]+)" '
    r"score=(?P<score>-?\d+)"
)
_BOUND = re.compile(r'"Attempting to bind pod to node" pod="(?P<pod>[^"]+)" node="(?P<node>[^"]+)"')


def steps_of(lines: Iterable[str]) -> list[Step]:
    """One step for each attempt, in order: the pod, its node ("" where none took it), the scores by node and plugin.

    A single node that passes is taken without a score.
    """
    steps: list[Step] = []
    latest: dict[str, Step] = {}
    for name, found in _events(lines):
        if name == "tried":
            latest[found["pod"]] = {"pod": found["pod"], "node": "", "scores": {}}
            steps.append(latest[found["pod"]])
        elif name == "scored":
            by_plugin = latest[found["pod"]]["scores"].setdefault(found["node"], {})
            by_plugin[found["plugin"]] = int(found["score"])
        else:
            latest[found["pod"]]["node"] = found["node"]
    return steps


def _events(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, str]]]:
    for line in lines:
        for name, pattern in (("scored", _SCORED), ("tried", _TRIED), ("bound", _BOUND)):
            if match := pattern.search(line):
                yield name, match.groupdict()
                break
