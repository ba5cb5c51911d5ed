"""Reads what Terraform prints with ``-json``, line by line: diagnostics, and the progress of each resource; pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gitops.engines.base import Progress, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Event = dict[str, Any]

STAGES = {
    "apply_start": Stage.STARTED,
    "apply_progress": Stage.RUNNING,
    "apply_complete": Stage.COMPLETE,
    "apply_errored": Stage.FAILED,
}

_HEAD = re.compile(r"^(?P<severity>Error|Warning): ", re.MULTILINE)
_WHERE = re.compile(r"on (?P<file>\S+) line (?P<line>\d+)")
_PREAMBLE = "encountered problems during initiali"  # said before the problems themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One complaint of Terraform's. ``place`` is ``file:line:column`` where it is about the configuration."""

    severity: str
    summary: str
    detail: str = ""
    address: str = ""
    place: str = ""


def parse_event(line: str) -> Event | None:
    """The event of a line, or None for a line that is not one (a settings warning that comes before them)."""
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def parse_events(text: str) -> list[Event]:
    """All events of an output."""
    return [event for line in text.splitlines() if (event := parse_event(line))]


def diagnostics(events: Iterable[Event], severity: str) -> list[Diagnostic]:
    """The diagnostics of one severity, ``error`` or ``warning``, in the order they came and each once."""
    found = (_diagnostic(event["diagnostic"]) for event in events if event.get("type") == "diagnostic")
    return list(dict.fromkeys(diagnostic for diagnostic in found if diagnostic.severity == severity))


def plain_diagnostics(text: str, severity: str) -> list[Diagnostic]:
    """The diagnostics of a command that prints for people: ``Error: summary``, then paragraphs of detail.

    Only the first paragraph that says something is kept, because nothing marks where the last one ends.
    """
    heads = list(_HEAD.finditer(text))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    found = [_plain(head["severity"], text[head.end() : end]) for head, end in zip(heads, ends, strict=False)]
    return [one for one in found if one.severity == severity and _PREAMBLE not in one.summary]


def progress_of(event: Event, pool_names: Mapping[str, str]) -> Progress | None:
    """The progress that an event tells, or None. ``pool_names`` maps addresses to pools."""
    stage = STAGES.get(event.get("type", ""))
    if stage is None:
        return None
    hook = event["hook"]
    resource = hook["resource"]
    address = resource["addr"]
    return Progress(
        pool_name=pool_names.get(address, resource.get("resource_name", "")), address=address,
        action=hook.get("action", ""), stage=stage, elapsed_seconds=int(hook.get("elapsed_seconds", 0)),
    )


def counts(events: Iterable[Event]) -> tuple[int, int, int]:
    """Added, changed and removed, as the last summary says."""
    summaries = [event["changes"] for event in events if event.get("type") == "change_summary"]
    last = summaries[-1] if summaries else {}
    return int(last.get("add", 0)), int(last.get("change", 0)), int(last.get("remove", 0))


def _diagnostic(raw: Mapping[str, Any]) -> Diagnostic:
    where = raw.get("range") or {}
    start = where.get("start") or {}
    place = f"{where['filename']}:{start.get('line', 0)}:{start.get('column', 0)}" if where.get("filename") else ""
    return Diagnostic(
        severity=raw.get("severity", "error"), summary=raw.get("summary", ""), detail=raw.get("detail", ""),
        address=raw.get("address", ""), place=place,
    )


def _plain(severity: str, block: str) -> Diagnostic:
    summary, *paragraphs = (" ".join(paragraph.split()) for paragraph in block.strip().split("\n\n"))
    where = _WHERE.match(paragraphs[0]) if paragraphs else None
    place = f"{where['file']}:{where['line']}" if where else ""
    detail = next(iter(paragraphs[1:] if where else paragraphs), "")
    return Diagnostic(severity=severity.lower(), summary=summary, detail=detail, place=place)
