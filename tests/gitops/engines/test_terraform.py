"""The engine with a real Terraform, the stand-in provider and the sandbox: what it says, does and refuses."""

from __future__ import annotations

import fcntl
import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import ovh
import pytest
from ovh.client import ENDPOINTS

from gitops.agreement import Owner
from gitops.engines import command
from gitops.engines.base import Stage
from gitops.errors import Fatal, Refused, Stalled, Waiting
from gitops.sandbox.settings import CLUSTER, PROJECT
from planner.pools import PoolSet, ProviderState
from tests.gitops.engines.story import DRESSED, MINIMAL, Workspace, change_of
from tests.gitops.plans import pool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gitops.engines.base import EnginePlan
    from gitops.engines.terraform import TerraformEngine
    from gitops.process import Finished
    from tests.gitops.engines.story import Story

POOL_TYPE = "ovh_cloud_project_kube_nodepool"


@pytest.fixture
def workspace(story: Story) -> Workspace:
    """The story's folder as it was left, to be neither edited nor applied."""
    return story.workspace


@contextmanager
def edits(workspace: Workspace) -> Iterator[Workspace]:
    """A block in which the folder may be edited; its files come back as they were."""
    saved = {path: path.read_text("utf-8") for path in workspace.folder.glob("*.tf")}
    yield workspace
    for path in workspace.folder.glob("*.tf"):
        path.unlink()
    for path, text in saved.items():
        path.write_text(text, "utf-8")


def test_a_plan_has_every_pool_with_all_its_values(story: Story) -> None:
    plan = story.created.plan
    assert [(change.pool_name, change.actions) for change in plan.changes] == [
        (DRESSED, ("create",)), ("plain", ("create",)),
    ]
    change = story.created.change(DRESSED)
    assert (change.address, change.resource_type, change.before) == (f"{POOL_TYPE}.{DRESSED}", POOL_TYPE, None)
    assert change.after is not None
    expected = {"desired_nodes": 2, "flavor_name": "b3-8", "availability_zones": ["eu-west-par-a"], "autoscale": False}
    assert {name: change.after[name] for name in expected} == expected
    assert change.after_unknown["status"] is True
    assert (plan.other_changes, plan.drift, plan.warnings, plan.complete) == ((), (), (), True)


def test_progress_tells_each_pool_from_start_to_end(story: Story) -> None:
    told = [(step.pool_name, step.action, step.stage) for step in story.created.progress]
    for name in (DRESSED, "plain"):
        assert [stage for pool, _, stage in told if pool == name] == [Stage.STARTED, Stage.COMPLETE]
    assert {action for _, action, _ in told} == {"create"}


def test_an_apply_does_what_was_planned(story: Story) -> None:
    result = story.created.result
    assert (result.added, result.changed, result.removed) == (2, 0, 0)
    assert sorted(step.pool_name for step in result.completed) == [DRESSED, "plain"]


def test_a_second_plan_finds_nothing_to_do_and_no_drift(story: Story) -> None:
    assert story.again.is_empty
    assert story.again.drift == ()


def test_a_size_is_changed_in_place_and_a_file_that_is_gone_removes_its_pool(story: Story) -> None:
    grown = story.changed.change(DRESSED)
    assert grown.before is not None
    assert grown.after is not None
    differing = {name for name, value in grown.after.items() if grown.before[name] != value}
    assert (grown.actions, differing, grown.after["desired_nodes"]) == (("update",), {"desired_nodes"}, 3)
    assert story.changed.change("plain").actions == ("delete",)
    result = story.changed.result
    assert (result.added, result.changed, result.removed) == (0, 1, 1)
    assert [pool["name"] for pool in story.workspace.sandbox.model.list_pools()] == [DRESSED]


def test_the_state_is_read_with_its_values(story: Story) -> None:
    [pool] = story.workspace.engine().resources()
    assert (pool.pool_name, pool.values["desired_nodes"], pool.values["status"]) == (DRESSED, 3, "READY")


@pytest.fixture(scope="module")
def edited(story: Story) -> EnginePlan:
    """The plan of a folder with a new flavor, a pool made elsewhere and adopted, and things that are no pools."""
    with edits(story.workspace) as workspace:
        workspace.edit(DRESSED, '= "b3-8"', '= "b3-16"')
        text = (MINIMAL / "pool-plain.tf").read_text("utf-8").replace('"plain"', '"adopted"')
        made = make_pool(workspace.sandbox.url, "adopted")
        adoption = f'import {{\n  to = {POOL_TYPE}.adopted\n  id = "{PROJECT}/{CLUSTER}/{made}"\n}}\n'
        (workspace.folder / "pool-adopted.tf").write_text(text + adoption, "utf-8")
        extra = 'resource "terraform_data" "extra" {}\n\noutput "o" {\n  value = 1\n}\n'
        (workspace.folder / "other.tf").write_text(extra, "utf-8")
        return workspace.plan()


def test_a_new_flavor_shows_as_replacement_and_what_forces_it(edited: EnginePlan) -> None:
    change = change_of(edited, DRESSED)
    assert (change.actions, change.replace_paths) == (("delete", "create"), ("flavor_name",))
    assert change.reason == "replace_because_cannot_update"


def test_an_import_block_adopts_a_pool_made_elsewhere_and_changes_nothing(edited: EnginePlan) -> None:
    change = change_of(edited, "adopted")
    assert change.actions == ("no-op",)
    assert change.import_id.startswith(f"{PROJECT}/{CLUSTER}/")
    assert change.before == change.after


def test_what_is_not_a_pool_is_told_apart(edited: EnginePlan) -> None:
    assert [change.address for change in edited.other_changes] == ["output.o", "terraform_data.extra"]


def test_a_pool_that_would_be_changed_by_taking_it_up_is_left_out_of_the_state(story: Story) -> None:
    engine = story.workspace.engine()
    made = make_pool(story.workspace.sandbox.url, "stray")
    larger = pool("stray", 2, zones=("eu-west-par-b",), state=ProviderState(id=made))
    with edits(story.workspace) as workspace:
        names = f'locals {{\n  service_name = "{PROJECT}"\n  kube_id = "{CLUSTER}"\n}}\n'
        (workspace.folder / "locals.tf").write_text(names, "utf-8")
        engine.plan(workspace.goal())
        with pytest.raises(Stalled, match=r"^Terraform's state lacks stray, and Terraform would not take what is there as"):
            engine.adopt(PoolSet.of([larger]), Owner(service_name=PROJECT, kube_id=CLUSTER))
    assert "stray" not in {one.pool_name for one in engine.resources()}


Planned = tuple["TerraformEngine", "EnginePlan"]


@pytest.fixture
def planned(story: Story, planned_once: Planned) -> Iterator[Planned]:
    """An engine and its plan, whose saved file the test may spoil."""
    saved = plan_file(story).read_bytes()
    yield planned_once
    plan_file(story).write_bytes(saved)


@pytest.fixture(scope="module")
def planned_once(story: Story, edited: EnginePlan) -> Planned:
    engine = story.workspace.engine()
    return engine, engine.plan(story.workspace.goal())


def test_a_saved_plan_that_was_changed_is_refused(
    story: Story, planned: Planned
) -> None:
    engine, plan = planned
    plan_file(story).write_bytes(plan_file(story).read_bytes()[:-1])
    with pytest.raises(Refused, match="not the one that was read; nothing was applied"):
        engine.apply(plan, fail_on_progress)


def test_a_plan_of_another_time_is_refused(story: Story, planned: Planned) -> None:
    engine, _ = planned
    with pytest.raises(Refused, match="not the one that was read; nothing was applied"):
        engine.apply(story.created.plan, fail_on_progress)


def test_a_saved_plan_that_is_gone_is_refused(story: Story, planned: Planned) -> None:
    engine, plan = planned
    plan_file(story).unlink()
    with pytest.raises(Refused, match="is gone; nothing was applied"):
        engine.apply(plan, fail_on_progress)


def test_a_held_lock_says_who_holds_it(workspace: Workspace) -> None:
    state = workspace.folder / "terraform.tfstate"
    info = workspace.folder / ".terraform.tfstate.lock.info"
    lock = {"ID": "3f1c", "Operation": "OperationTypeApply", "Who": "ci@runner", "Created": "2026-01-02T10:00:00Z"}
    with state.open("r+") as held:
        fcntl.lockf(held, fcntl.LOCK_EX)
        info.write_text(json.dumps({**lock, "Info": "", "Version": "1.11.4", "Path": state.name}))
        with pytest.raises(Waiting) as caught:
            workspace.plan()
    info.unlink()
    assert str(caught.value) == (
        "the Terraform state is locked by ci@runner for apply since 2026-01-02 10:00:00 +0000 UTC: "
        "wait for its holder to end; when that is dead, `poolplan apply --unlock 3f1c` ends the lock"
    )


def test_a_wrong_key_is_told_in_the_words_of_ovh(workspace: Workspace) -> None:
    with pytest.raises(Stalled, match=r"^OVH answered 403: .*; check OVH_ENDPOINT, OVH_APPLICATION_KEY"):
        workspace.plan(OVH_APPLICATION_KEY="another")


def test_a_provider_that_cannot_be_had_is_fatal(workspace: Workspace, tmp_path: Path) -> None:
    files = shutil.copytree(MINIMAL, tmp_path / "files")
    versions = files / "versions.tf"
    versions.write_text(versions.read_text().replace("< 3.0.0", "< 2.9.1"))
    other = Workspace(
        folder=files, sandbox=workspace.sandbox, program=workspace.program, cli_config=workspace.cli_config
    )
    with pytest.raises(Fatal, match=r"^Terraform cannot install a provider: .*ovh/ovh"):
        other.plan()


def plan_file(story: Story) -> Path:
    return story.workspace.folder.parent / "work" / "poolplan.tfplan"


def make_pool(url: str, name: str) -> str:
    """A pool made by hand through the API; its id."""
    ENDPOINTS[url] = url
    client = ovh.Client(url, "sandbox", "sandbox", "sandbox")
    try:
        made = client.post(
            f"/cloud/project/{PROJECT}/kube/{CLUSTER}/nodepool", flavorName="b3-8", name=name, desiredNodes=1,
            availabilityZones=["eu-west-par-b"],
        )
    finally:
        client._session.close()
        del ENDPOINTS[url]
    return str(made["id"])


def fail_on_progress(progress: object) -> None:
    pytest.fail(f"something was applied: {progress}")


def test_it_is_initialized_anew_only_where_that_is_needed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    stream = command.stream

    def noting(line: list[str], *given: object, **more: object) -> Finished:
        ran.append(line[1])
        return stream(line, *given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(command, "stream", noting)
    workspace.plan()
    assert ran[-2:] == ["plan", "show"]
    ran.clear()
    workspace.plan()
    assert ran == ["plan", "show"], "nothing has changed since"
    ran.clear()
    shutil.rmtree(workspace.folder.parent / "work" / "data" / "providers")
    assert workspace.plan().complete
    assert ran == ["plan", "init", "plan", "show"], "somebody cleared Terraform's cache of providers"
    ran.clear()
    with edits(workspace):
        (workspace.folder / "versions.tf").write_text((workspace.folder / "versions.tf").read_text() + "\n# anew\n")
        workspace.plan()
    assert ran == ["init", "plan", "show"]
