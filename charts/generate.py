"""Writes what follows from the chart: its README with every value, its dashboard, the page of metrics and alerts.

``python charts/generate.py`` rewrites them; a test holds that they are current.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from gitops.controller.metrics import metrics
from gitops.tally import Tally

CHART = Path(__file__).parent / "poolplan"
NOTICE = "<!-- Made by charts/generate.py; change that, or values.yaml, instead. -->"
HEAD = f"""\
# poolplan

{NOTICE}

[poolplan](../../README.md) in a cluster, with Helm.
[Installation](../../docs/guides/install.md) tells it step by step; this page lists every value.

```sh
helm install poolplan charts/poolplan --namespace poolplan --create-namespace \\
  --set ovh.serviceName=0123456789abcdef0123456789abcdef
```

What plans, reviews and guardrails are like stands in the fleet repository, in
[cluster.yaml](../../docs/reference/cluster-yaml.md).
The values here are about the process.
`values.schema.json` refuses what is misspelt.

| value | default | means |
|---|---|---|
"""
LEAVES = (
    "resources", "commonLabels", "podLabels", "podAnnotations", "nodeSelector", "affinity", "annotations", "labels",
)
"""Maps that are one value, and not a group of them."""


def readme() -> str:
    """charts/poolplan/README.md."""
    text = (CHART / "values.yaml").read_text("utf-8")
    return HEAD + "".join(f"| `{name}` | {default} | {means} |\n" for name, default, means in _values(text))


def _values(text: str) -> list[tuple[str, str, str]]:
    """Every value: its name, its default, and the comment above it."""
    lines = text.splitlines()
    found: list[tuple[str, str, str]] = []

    def walk(node: CommentedMap, path: tuple[str, ...]) -> None:
        for key, value in node.items():
            here = (*path, str(key))
            if isinstance(value, CommentedMap) and value and key not in LEAVES:
                walk(value, here)
            else:
                found.append((".".join(here), _shown(value), _comment(lines, node.lc.key(key)[0])))

    walk(YAML().load(text), ())
    return found


def _comment(lines: list[str], at: int) -> str:
    """The comment lines just above a line. Raises ValueError where there are none: each value says what it means."""
    above = []
    for line in reversed(lines[:at]):
        if not line.strip().startswith("# "):
            break
        above.append(line.strip().removeprefix("# "))
    if not above:
        raise ValueError(f"values.yaml:{at + 1}: this value has no comment")
    return " ".join(reversed(above)).replace("|", "\\|")


def _shown(value: Any) -> str:
    return "" if value == "" else f"`{json.dumps(value)}`"


# The dashboard

_CLUSTER = 'cluster=~"$cluster"'
ROWS: tuple[tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...], ...] = (
    (
        ("Pods that wait, by how far they are", "timeseries", "short", (
            (f"max by (state) (poolplan_pending_pods{{{_CLUSTER}}})", "{{state}}"),
        )),
        ("The oldest of them has waited", "timeseries", "s", (
            (f"max by (state) (poolplan_pending_pods_oldest_seconds{{{_CLUSTER}}})", "{{state}}"),
        )),
        ("Nodes by pool", "timeseries", "short", (
            (f'max by (pool) (poolplan_pool_nodes{{{_CLUSTER}, what="available"}})', "{{pool}}"),
        )),
    ),
    (
        ("Cost an hour", "timeseries", "short", (
            (f"max by (when, currency) (poolplan_cost_hourly{{{_CLUSTER}}})", "{{when}}, {{currency}}"),
            (f"max by (currency) (poolplan_cost_hourly_lower_bound{{{_CLUSTER}}})", "new nodes at least, {{currency}}"),
        )),
        ("What the plan would do", "timeseries", "short", (
            (f"max by (change) (poolplan_plan_nodes{{{_CLUSTER}}})", "nodes: {{change}}"),
            (f"max by (action) (poolplan_plan_pools{{{_CLUSTER}}})", "pools: {{action}}"),
        )),
        ("Proposals that stand", "timeseries", "short", (
            (f"max by (kind) (poolplan_open_proposals{{{_CLUSTER}}})", "{{kind}}"),
        )),
    ),
    (
        ("Of the last change: the wait for people and for the cloud", "stat", "s", (
            (f"max(poolplan_wait_for_people_seconds{{{_CLUSTER}}})", "people"),
            (f"max(poolplan_wait_for_cloud_seconds{{{_CLUSTER}}})", "cloud"),
        )),
        ("How long a pass takes, by part", "timeseries", "s", (
            (f"max by (part) (poolplan_pass_seconds{{{_CLUSTER}}})", "{{part}}"),
        )),
        ("Since the last good pass", "timeseries", "s", (
            (f"min by (cluster) (poolplan_last_successful_pass_age_seconds{{{_CLUSTER}}})", "{{cluster}}"),
        )),
    ),
    (
        ("Calls a second, by outcome", "timeseries", "reqps", (
            ("sum by (service, code) (rate(poolplan_api_calls_total[5m]))", "{{service}} {{code}}"),
        )),
        ("Passes an hour, by outcome", "timeseries", "short", (
            (f"sum by (outcome) (increase(poolplan_passes_total{{{_CLUSTER}}}[1h]))", "{{outcome}}"),
        )),
        ("In need of somebody", "stat", "short", (
            (f"max(poolplan_apply_failing{{{_CLUSTER}}})", "cannot apply"),
            (f"max(poolplan_emergency_unsettled{{{_CLUSTER}}})", "emergency not settled"),
            (f"sum(poolplan_leader{{{_CLUSTER}}})", "leaders"),
        )),
    ),
    (
        ("How far from the proven least the ordered nodes may be", "timeseries", "percentunit", (
            (f"max by (cluster) (poolplan_plan_gap_ratio{{{_CLUSTER}}})", "{{cluster}}"),
        )),
        ("Differences of the provider from Git", "timeseries", "short", (
            (f"max by (kind) (poolplan_drift{{{_CLUSTER}}}) > 0", "{{kind}}"),
        )),
    ),
)  # fmt: skip
"""Each panel: title, kind, unit, and its queries with their legends."""
WIDTH, HEIGHT = 8, 8


def dashboard() -> str:
    """charts/poolplan/files/dashboard.json, for Grafana 10 and later."""
    panels = [
        _panel(number=row * 3 + column + 1, row=row, column=column, panel=panel)
        for row, line in enumerate(ROWS) for column, panel in enumerate(line)
    ]  # fmt: skip
    made = {
        "title": "poolplan", "uid": "poolplan", "tags": ["poolplan", "kubernetes"], "timezone": "browser",
        "schemaVersion": 39, "version": 1, "refresh": "1m", "time": {"from": "now-24h", "to": "now"}, "panels": panels,
        "templating": {"list": [
            {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
            {
                "name": "cluster", "label": "Cluster", "type": "query", "datasource": {"uid": "$datasource"},
                "query": "label_values(poolplan_leader, cluster)", "refresh": 2, "includeAll": True, "multi": True,
                "current": {"text": "All", "value": "$__all"},
            },
        ]},
    }  # fmt: skip
    return json.dumps(made, indent=1) + "\n"


def _panel(*, number: int, row: int, column: int, panel: tuple[str, str, str, Any]) -> dict[str, Any]:
    title, kind, unit, queries = panel
    source = {"type": "prometheus", "uid": "$datasource"}
    return {
        "id": number, "title": title, "type": kind, "datasource": source,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": expression, "legendFormat": legend, "datasource": source}
            for place, (expression, legend) in enumerate(queries)
        ],
    }  # fmt: skip


# The page of metrics


def metrics_page() -> str:
    """docs/reference/metrics.md: every metric, and every alert."""
    lines = [
        "# Metrics and alerts", "", NOTICE.replace(", or values.yaml,", ""), "",
        "`poolplan run --listen` serves these at `/metrics`.",
        "Only the replica that leads knows plans and proposals; take the maximum over replicas.", "",
        "| metric | type | labels | means |", "|---|---|---|---|",
    ]  # fmt: skip
    for one in metrics([], Tally(), datetime(2026, 1, 1, tzinfo=UTC)):
        name = f"{one.name}_total" if one.type == "counter" else one.name
        labels = ", ".join(f"`{label}`" for label in one._labelnames)  # type: ignore[attr-defined]  # noqa: SLF001
        lines.append(f"| `{name}` | {one.type} | {labels} | {one.documentation} |")
    lines += [
        "", "## Alerts", "",
        "The chart brings these rules with `prometheusRule.enabled` (`charts/poolplan/files/alerts.yaml`).", "",
        "| alert | severity | after | means, and what to do |", "|---|---|---|---|",
    ]  # fmt: skip
    for rule in YAML(typ="safe").load((CHART / "files" / "alerts.yaml").read_text("utf-8"))["groups"][0]["rules"]:
        told = re.sub(r"\{\{[^}]*\}\}", "…", rule["annotations"]["summary"])
        means = f"{told}. {rule['annotations']['description']}"
        lines.append(f"| `{rule['alert']}` | {rule['labels']['severity']} | {rule['for']} | {means} |")
    return "\n".join([*lines, ""])


FILES = {
    CHART / "README.md": readme, CHART / "files" / "dashboard.json": dashboard,
    CHART.parents[1] / "docs" / "reference" / "metrics.md": metrics_page,
}  # fmt: skip


def main() -> None:
    """Write every file."""
    for path, text in FILES.items():
        path.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
