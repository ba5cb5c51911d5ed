"""Which objects a request or a controller means: label selectors and field selectors, as Kubernetes reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gitops.sandbox.cluster.jsonvalues import at, objects_at, pairs_at, strings_at, text_at
from gitops.sandbox.cluster.refusals import bad_request
from planner.requirements import Requirement, Requirements

if TYPE_CHECKING:
    from collections.abc import Callable

    from gitops.sandbox.cluster.jsonvalues import Json, Object

    Matches = Callable[[Object], bool]

TERM = re.compile(
    r"\s*(?:(?P<absent>!)\s*(?P<no>[^\s,=!()]+)|(?P<key>[^\s,=!()]+)"
    r"(?:\s*(?P<equal>==?|!=)\s*(?P<value>[^\s,=!()]*)|\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?)\s*(?:,|$)"
)


def matching(label_selector: str, field_selector: str) -> Matches:
    """Whether an object is meant by both query parameters; an empty one means all. Raises a 400."""
    labels = parse_labels(label_selector)
    fields = [_parse_field(term) for term in field_selector.split(",") if term]
    return lambda item: labels.allow(pairs_at(item, "metadata", "labels")) and all(meets(item) for meets in fields)


def parse_labels(text: str) -> Requirements:
    """``a=b,c in (d,e),!f`` as requirements. Raises a 400."""
    found: list[Requirement] = []
    end = 0
    while end < len(text):
        match = TERM.match(text, end)
        if match is None:
            raise bad_request(f"unable to parse requirement: {text[end:]!r}")
        found.append(_requirement(match))
        end = match.end()
    return Requirements.of(found)


def _requirement(match: re.Match[str]) -> Requirement:
    if match["absent"]:
        return Requirement.parse(match["no"], "DoesNotExist")
    if match["equal"]:
        return Requirement.parse(match["key"], "NotIn" if match["equal"] == "!=" else "In", [match["value"]])
    if match["set"]:
        values = [value.strip() for value in match["values"].split(",")]
        return Requirement.parse(match["key"], "In" if match["set"] == "in" else "NotIn", values)
    return Requirement.parse(match["key"], "Exists")


def _parse_field(term: str) -> Matches:
    path, operator, value = re.split(r"(!=|==?)", term, maxsplit=1) if "=" in term else (term, "", "")
    if not operator:
        raise bad_request(f"invalid field selector: {term!r}; it is PATH=VALUE or PATH!=VALUE")
    steps = path.strip().split(".")
    return lambda item: (_as_word(at(item, *steps)) == value) is (operator != "!=")


def _as_word(value: Json) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def selector_of(value: Json) -> Requirements | None:
    """A LabelSelector object as requirements; None, which selects nothing, where there is none. Raises a 422."""
    if not isinstance(value, dict):
        return None
    parts = [Requirements.from_labels(pairs_at(value, "matchLabels")), expressions(value, "matchExpressions")]
    return parts[0].intersect(parts[1])


def expressions(value: Json, name: str) -> Requirements:
    """A list of {key, operator, values}, which must all hold. Raises ValueRefused for what no API server would keep."""
    return Requirements.of(
        Requirement.parse(text_at(one, "key"), text_at(one, "operator"), strings_at(one, "values"))
        for one in objects_at(value, name)
    )


