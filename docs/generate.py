"""Writes the pages of docs/ that follow from the program: commands, the plan document and rights.

``python docs/generate.py`` rewrites them; a test holds that they are current. The words around the tables stand here.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops.cluster.kinds import CLUSTER_KINDS, POLICY_LISTS
from gitops.cluster.rights import DRAINING, SHOWING
from gitops.commands.main import COMMANDS, cli
from gitops.ovh.rights import OPEN, RIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from gitops.cluster.kinds import Kind
    from gitops.cluster.rights import ClusterRight

DOCS = Path(__file__).parent
WIDTH = 100
NOTICE = "<!-- Made by docs/generate.py; change that instead. -->"


def cli_page() -> str:
    """docs/reference/cli.md: the help of every command."""
    lines = [
        "# Commands", "", NOTICE, "",
        "stdout is data, stderr is talk, and [exit codes](exit-codes.md) mean the same everywhere.", "",
    ]  # fmt: skip
    group = click.Context(
        cli, info_name="poolplan", terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=["-h", "--help"]
    )
    lines += ["## poolplan", "", *_help(group)]
    for name in COMMANDS:
        command = cli.get_command(group, name)
        assert command is not None
        inner = click.Context(command, parent=group, info_name=name)
        lines += [f"## poolplan {name}", "", *_help(inner)]
    return "\n".join(lines)


def plan_page() -> str:
    """docs/reference/plan.md: the plan document, field by field."""
    lines = [
        "# The plan document", "", NOTICE, "",
        "`poolplan plan --output json` prints it, `--out FILE` writes it, `plan.json` in the fleet repository is one.",
        "Its JSON Schema is `renderer/data/plan.schema.json` in the source tree and in the installed package.",
        "A field may be added within a version; one that goes or changes its meaning makes a new version.",
        "Amounts of money are decimal strings in the catalog's currency.",
        "Maps and lists are sorted, so equal plans are equal bytes.",
        "`poolplan render` reads the document back, and refuses one whose digest is not that of its content.", "",
    ]  # fmt: skip
    return "\n".join([*lines, *_fields("plan")])


def drift_page() -> str:
    """docs/reference/drift.md: the drift document, field by field."""
    lines = [
        "# The drift document", "", NOTICE, "",
        "`poolplan drift --output json` prints it; [Drift](../guides/drift.md) tells what it means.",
        "Its JSON Schema is `renderer/data/drift.schema.json` in the source tree and in the installed package.",
        "A field may be added within a version; one that goes or changes its meaning makes a new version.",
        "Equal differences are equal bytes.", "",
    ]  # fmt: skip
    return "\n".join([*lines, *_fields("drift")])


def rights_page() -> str:
    """docs/guides/rights.md: every call to the OVH API and every kind read from a cluster."""
    needed, wanted = ([one for one in RIGHTS if one.needed is yes] for yes in (True, False))
    lines = [
        "# Rights", "", NOTICE, "",
        "Everything that poolplan asks of the OVH API and of the cluster, and what is lost without it.", "",
        "## At OVHcloud", "",
        "All calls but two are below one project; the needed ones are below one cluster.",
        "`poolplan validate --live` tries the reading ones.", "",
        "### Needed", "", *_rights(needed), "",
        "`plan`, `propose` and `drift` only read: without POST, PUT and DELETE they work in full.",
        "Terraform makes its calls with the same keys, so `apply` needs them.", "",
        "### Wanted", "", "poolplan goes on without these.", "", *_rights(wanted), "",
        "Anybody may call " + " and ".join(f"`{method} {path}`" for method, path in OPEN) + ".", "",
        "### A consumer key with exactly these rights", "",
        "Ask for it with this list as `accessRules`; put your ids in place of `{serviceName}` and `{kubeId}`.", "",
        "`GET /auth/details` is what OVHcloud's Terraform provider asks for when it starts.", "",
        "```json", "[", ",\n".join(f"  {json.dumps(rule)}" for rule in _rules()), "]", "```", "",
        "## In the cluster", "",
        "A ClusterRole with `list` on these kinds is enough to plan; a controller needs `watch` too.",
        "[The chart](install.md#what-it-may-do) gives all that a controller needs, and no more.", "",
        "| kind | API | without it |", "|---|---|---|",
        *(_kind(one) for one in (*CLUSTER_KINDS, *POLICY_LISTS)), "",
        "Replicas choose a leader by a Lease.",
        "That takes `get`, `create` and `update` on `coordination.k8s.io/v1` `leases` in its namespace.", "",
        "What a controller shows in the cluster takes these; nothing depends on them.", "",
        *_cluster_rights(SHOWING), "",
        "Where nodes leave, `apply` needs more to [drain](../how-it-works.md#draining) them.", "",
        *_cluster_rights(DRAINING), "",
        "Where a [delegate](delegates.md#what-poolplan-needs) applies, `get` on its objects too, in its cluster;",
        "without it no node and no pool goes.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _cluster_rights(rights: Sequence[ClusterRight]) -> list[str]:
    rows = []
    for one in rights:
        group, part = f"`{one.group}` " if one.group else "", f"/{one.part}" if one.part else ""
        rows.append(f"| `{one.verb}` | {group}`{one.resource}{part}` | {one.without} |")
    return ["| verb | API | without it |", "|---|---|---|", *rows]


PAGES: dict[str, Callable[[], str]] = {
    "reference/cli.md": cli_page, "reference/plan.md": plan_page, "reference/drift.md": drift_page,
    "guides/rights.md": rights_page,
}  # fmt: skip

#: What a field means, where its name and its type do not say it.
MEANINGS = {
    "Plan.digest": "the action digest: what an approval binds to",
    "Plan.changes": "what happens, by pool; empty where nothing is to be done",
    "Plan.pools": "the desired pools, all of them, changed or not",
    "Plan.placements": "which of the waiting pods go on which node",
    "Plan.expectedNodes": "the nodes that are going to join; `--nodes-out` writes them as Node objects",
    "Plan.unplaced": "the pods that go nowhere",
    "Plan.warnings": "what a reader should know before approving",
    "Evidence.snapshot": "digest",
    "Evidence.policy": "digest; it is in the action digest too",
    "Evidence.catalog": "digest",
    "Evidence.pools": "digest of declared and observed pools",
    "Evidence.prices": "the catalog's source and date, as it says them",
    "Evidence.now": "the time that the plan was made for, RFC 3339",
    "Change.action": "`import` and `release` leave the pool as it is: Git begins, or ceases, to declare it, and "
    "`before` and `after` are the same",
    "Change.before": "null: the pool is created",
    "Change.after": "null: the pool is deleted",
    "Change.forcesReplace": "the fields that OVHcloud cannot change in place",
    "Change.pods": "the workloads that the new nodes are for",
    "Change.victims": "names of the nodes that leave",
    "Change.priority": "the highest priority of those pods; absent: 0",
    "Change.drains": "true: the victims may hold pods, which are evicted first; absent: they have to be empty",
    "Pool.zones": "empty in regions with one zone",
    "Pool.desiredNodes": "the size",
    "Pool.autoscale": "always false for pools that poolplan owns: a size has one writer",
    "Pool.id": "the provider's id, where a change depends on it",
    "Reason.code": "see [Reasons](reasons.md)",
    "Reason.text": "one sentence for people",
    "Placement.pool": "empty for an existing node outside of any pool",
    "Placement.pods": "`namespace/name`",
    "Expected.nodes": "names, as expected; OVHcloud chooses the real ones",
    "Expected.source": "`formula`, or the live node whose figures were taken",
    "Unplaced.pods": "`namespace/name`",
    "Refusal.filter": "see [Reasons](reasons.md)",
    "Refusal.nodePool": "empty: no NodePool in particular",
    "Cost.lowerBoundHourly": "no choice of new nodes costs less",
    "Cost.gapPercent": "how much more the new nodes cost than is proven to be needed for their pods, at most; "
    "absent where nothing is ordered, or where nothing is proven to be needed",
    "Plan.adopts": "true: Git takes over what the provider has, and applying it changes nothing; absent: false",
    "Drift.commit": "the commit of the main branch whose pools were compared",
    "Drift.drifted": "whether anything differs; foreign pools alone are no difference",
    "Drift.differences": "foreign pools too",
    "Difference.kind": "see [Drift](../guides/drift.md#kinds)",
    "Difference.text": "one sentence for people",
    "Difference.field": "as in the [plan document](plan.md); of `engine-state` also `id`",
    "Difference.declared": "what Git says, or for `engine-state` what the engine's state says",
    "Difference.observed": "what the provider says",
    "Difference.status": "of `state`: the provider's word, like `ERROR`",
    "Difference.policy": "what becomes of the pool; absent: nothing does",
    "Plan.certificate": "absent where no node is ordered",
    "Plan.pending": "absent where no pod waits",
    "Pending.pods": "those that go nowhere included",
    "Pending.since": "when the first of them was found unschedulable (its `PodScheduled` condition), or else made, "
    "RFC 3339; absent: not known",
    "Pending.newest": "the same of the last one",
    "Certificate.orders": "how many orders of arrival were tried; 0: the search's budget left no time to try any",
    "Certificate.survived": "in how many of them every placed pod finds a node",
    "Certificate.stopped": "whether the budget (`--solve-budget`) ended the search for cheaper nodes",
    "Certificate.premiumHourly": "what the new nodes cost beyond the cheapest found on which the same pods fit if each "
    "is put by hand: the price of kube-scheduler's own ways; absent: nothing",
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")


def _fields(document: str) -> Iterator[str]:
    """A table for each structure of a document's schema."""
    schema = json.loads(files("renderer").joinpath(f"data/{document}.schema.json").read_text("utf-8"))
    for name, definition in schema["$defs"].items():
        description = " ".join(definition.get("description", "").split()).replace("``", "`")
        yield from (f"## {_title(name)}", "", description, "", "| field | type | means |", "|---|---|---|")
        for field, value in definition["properties"].items():
            yield f"| `{field}` | {_type(value)} | {_meaning(name, field)} |"
        yield ""


def _help(context: click.Context) -> list[str]:
    text = context.command.get_help(context)
    return ["```text", *(line.rstrip() for line in text.splitlines()), "```", ""]


def _title(name: str) -> str:
    return name.removesuffix("Entry")


def _meaning(definition: str, field: str) -> str:
    return MEANINGS.get(f"{_title(definition)}.{field}", "")


def _type(value: dict[str, Any]) -> str:
    """A JSON Schema's type, in words."""
    if not value.keys() - {"default"}:
        return "any"
    if "$ref" in value:
        title = _title(value["$ref"].rpartition("/")[2])
        return f"[{title}](#{title.lower()})"
    if "anyOf" in value:
        return " or ".join(_type(one) for one in value["anyOf"])
    if "enum" in value:
        return ", ".join(f"`{one}`" for one in value["enum"])
    if value.get("type") == "array":
        return f"list of {_type(value['items'])}"
    if value.get("type") == "object":
        return "map of text"
    if "\\." in value.get("pattern", ""):
        return "amount" if "{2,6}" in value["pattern"] else "percent"
    return {"string": "text", "integer": "number", "boolean": "true or false", "null": "null"}[value["type"]]


def _rights(rights: Iterable[Any]) -> list[str]:
    rows = [f"| {one.method} | `{one.path}` | {one.without} |" for one in rights]
    return ["| method | path | without it |", "|---|---|---|", *rows]


def _rules() -> Iterator[dict[str, str]]:
    for one in RIGHTS:
        path = one.path.replace("{nodePoolId}", "*").replace("{regionName}", "*")
        yield {"method": one.method, "path": path}
    yield {"method": "GET", "path": "/auth/details"}


def _kind(one: Kind) -> str:
    return f"| {one.kind} | `{one.api_version}` `{one.plural}` | {one.lost or 'there is no plan'} |"


if __name__ == "__main__":
    main()
