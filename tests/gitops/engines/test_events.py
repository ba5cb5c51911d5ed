"""What Terraform prints is read line by line."""

from __future__ import annotations

import json

import pytest

from gitops.engines.base import Progress, Stage
from gitops.engines.events import (
    Diagnostic,
    counts,
    diagnostics,
    parse_event,
    parse_events,
    plain_diagnostics,
    progress_of,
)

ADDRESS = "ovh_cloud_project_kube_nodepool.gpu"
BACKEND_ERROR = """\
Initializing the backend...

Warning: Deprecated Parameter

The parameter "dynamodb_table" is deprecated.

Error: Terraform encountered problems during initialisation, including problems
with the configuration, described below.

Error: Unsupported backend type

  on backend.tf line 2, in terraform:
   2:   backend "nosuch" {

There is no backend type
named "nosuch".

Please choose another.
"""


def event(kind: str, **hook: object) -> dict[str, object]:
    resource = {"addr": ADDRESS, "resource_name": "gpu"}
    return {"type": kind, "hook": {"resource": resource, "action": "create", **hook}}


@pytest.mark.parametrize("line", ["", "There are some problems with the CLI configuration:", "{broken", "[1]", "│ {"])
def test_a_line_that_is_no_event_is_left_out(line: str) -> None:
    assert parse_event(line) is None


def test_events_are_read_between_other_lines() -> None:
    assert parse_events('Warning: x\n{"type": "version"}\n\n{"type": "outputs"}\n') == [
        {"type": "version"}, {"type": "outputs"},
    ]


@pytest.mark.parametrize(
    ("kind", "stage"),
    [("apply_start", Stage.STARTED), ("apply_progress", Stage.RUNNING), ("apply_complete", Stage.COMPLETE),
     ("apply_errored", Stage.FAILED)],
)
def test_progress_names_the_pool_and_how_far_it_is(kind: str, stage: Stage) -> None:
    assert progress_of(event(kind, elapsed_seconds=7), {ADDRESS: "karpenter-gpu"}) == Progress(
        pool_name="karpenter-gpu", address=ADDRESS, action="create", stage=stage, elapsed_seconds=7
    )


def test_an_unknown_address_goes_by_its_label_and_other_events_are_no_progress() -> None:
    told = progress_of(event("apply_start"), {})
    assert told is not None
    assert told.pool_name == "gpu"
    assert progress_of(event("refresh_start"), {}) is None


def test_counts_are_those_of_the_last_summary() -> None:
    planned = {"type": "change_summary", "changes": {"add": 5, "change": 5, "remove": 5, "operation": "plan"}}
    applied = {"type": "change_summary", "changes": {"add": 1, "change": 2, "remove": 3, "operation": "apply"}}
    assert counts([planned, applied]) == (1, 2, 3)
    assert counts([]) == (0, 0, 0)


def test_diagnostics_come_once_and_by_severity() -> None:
    warning = {"type": "diagnostic", "diagnostic": {"severity": "warning", "summary": "old", "detail": "very"}}
    error = {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "bad", "address": ADDRESS}}
    events = json.loads(json.dumps([warning, error, warning]))
    assert diagnostics(events, "warning") == [Diagnostic(severity="warning", summary="old", detail="very")]
    assert diagnostics(events, "error") == [Diagnostic(severity="error", summary="bad", address=ADDRESS)]


def test_text_for_people_is_read_for_its_complaints() -> None:
    assert plain_diagnostics(BACKEND_ERROR, "error") == [
        Diagnostic(
            severity="error", summary="Unsupported backend type", place="backend.tf:2",
            detail='There is no backend type named "nosuch".',
        )
    ]
    assert plain_diagnostics(BACKEND_ERROR, "warning") == [
        Diagnostic(
            severity="warning", summary="Deprecated Parameter", detail='The parameter "dynamodb_table" is deprecated.'
        )
    ]
    assert plain_diagnostics("Terraform has been successfully initialized!\n", "error") == []
