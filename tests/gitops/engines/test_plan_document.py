"""Nothing that a plan would do is lost when its JSON is read."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.engines.plan_document import NODE_POOL, parse_document, parse_plan, parse_state
from gitops.errors import Fatal


def entry(name: str, actions: list[str], *, kind: str = NODE_POOL, **more: Any) -> dict[str, Any]:
    """A resource change as ``show -json`` has it; ``change_`` keys go into its change."""
    inner = {key.removeprefix("change_"): value for key, value in more.items() if key.startswith("change_")}
    outer = {key: value for key, value in more.items() if not key.startswith("change_")}
    change = {"actions": actions, "before": None, "after": {"name": name}, "after_unknown": {}, **inner}
    return {"address": f"{kind}.{name}", "type": kind, "name": name, "mode": "managed", "change": change, **outer}


def plan(**document: Any) -> Any:
    return parse_plan({"terraform_version": "1.11.4", **document}, sha256="s")


def test_changes_come_by_address_and_what_does_nothing_is_left_out() -> None:
    read = plan(resource_changes=[entry("b", ["update"]), entry("same", ["no-op"]), entry("a", ["delete", "create"])])
    assert [(change.pool_name, change.actions) for change in read.changes] == [
        ("a", ("delete", "create")), ("b", ("update",)),
    ]
    assert (read.plan_sha256, read.terraform_version, read.complete) == ("s", "1.11.4", True)


def test_an_adopted_or_moved_pool_is_a_change_though_nothing_else_changes() -> None:
    adopted = entry("adopted", ["no-op"], change_importing={"id": "s/k/p"})
    moved = entry("moved", ["no-op"], previous_address=f"{NODE_POOL}.old")
    changes = plan(resource_changes=[adopted, moved]).changes
    assert [(change.import_id, change.previous_address) for change in changes] == [
        ("s/k/p", ""), ("", f"{NODE_POOL}.old"),
    ]


def test_the_fields_that_force_a_new_pool_are_named() -> None:
    [change] = plan(
        resource_changes=[
            entry(
                "a", ["delete", "create"], change_replace_paths=[["name"], ["availability_zones", 0]],
                action_reason="replace_because_cannot_update",
            )
        ]
    ).changes
    assert change.replace_paths == ("availability_zones.0", "name")
    assert change.reason == "replace_because_cannot_update"


@pytest.mark.parametrize(
    ("before", "after", "name"),
    [
        (None, {"name": "new"}, "new"),
        ({"name": "old"}, None, "old"),
        (None, {"name": None}, "label"),
        (None, {}, "label"),
    ],
)
def test_a_pool_goes_by_the_name_that_ovh_knows(before: Any, after: Any, name: str) -> None:
    [change] = plan(resource_changes=[entry("label", ["update"], change_before=before, change_after=after)]).changes
    assert change.pool_name == name


def test_everything_else_that_would_happen_is_another_change() -> None:
    read = plan(
        resource_changes=[entry("x", ["create"], kind="aws_instance"), entry("d", ["read"], kind="http", mode="data")],
        output_changes={"o": {"actions": ["create"], "before": None, "after": 1}, "same": {"actions": ["no-op"]}},
        deferred_changes=[{"reason": "provider_config_unknown", "resource_change": entry("later", ["create"])}],
        action_invocations=[{"address": "action.a.b", "type": "a"}],
    )
    assert read.changes == ()
    assert [change.address for change in read.other_changes] == [
        "action.a.b", "aws_instance.x", "http.d", "output.o", f"{NODE_POOL}.later",
    ]
    assert not read.is_empty
    assert not read.complete


def test_a_plan_that_says_it_is_not_complete_is_not() -> None:
    assert plan(complete=False).complete is False
    assert plan(complete=True).complete is True


def test_a_pool_that_is_only_spelled_differently_has_not_drifted() -> None:
    def template(**metadata: Any) -> dict[str, Any]:
        return {"name": "a", "template": [{"metadata": [metadata], "spec": [{"taints": [], "unschedulable": False}]}]}

    blunt, full = template(annotations=None, finalizers=[], labels={"a": "b"}), template(
        annotations={}, finalizers=[], labels={"a": "b"}
    )
    spelled = entry("a", ["update"], change_before=blunt, change_after=full)
    grown = entry("b", ["update"], change_before={"desired_nodes": 1}, change_after={"desired_nodes": 2})
    gone = entry("c", ["delete"], change_before={"desired_nodes": 1}, change_after=None)
    assert [change.address for change in plan(resource_drift=[spelled, grown, gone]).drift] == [
        f"{NODE_POOL}.b", f"{NODE_POOL}.c",
    ]


def test_the_document_is_found_after_warnings() -> None:
    assert parse_document('There are some problems with the CLI configuration:\n{"format_version": "1.2"}\n') == {
        "format_version": "1.2"
    }


@pytest.mark.parametrize("text", ["", "no json here", "{broken"])
def test_output_without_a_document_is_fatal(text: str) -> None:
    with pytest.raises(Fatal, match="printed no JSON"):
        parse_document(text)


def test_a_state_gives_its_managed_resources_and_those_of_modules() -> None:
    def resource(name: str, **more: Any) -> dict[str, Any]:
        return {
            "address": f"{NODE_POOL}.{name}", "mode": "managed", "type": NODE_POOL, "name": name,
            "values": {"name": f"pool-{name}"}, **more,
        }

    document = {
        "values": {
            "root_module": {
                "resources": [resource("b"), resource("data", mode="data")],
                "child_modules": [{"resources": [resource("a", tainted=True)]}],
            }
        }
    }
    found = [(resource.pool_name, resource.tainted) for resource in parse_state(document)]
    assert found == [("pool-a", True), ("pool-b", False)]
    assert parse_state({"format_version": "1.0"}) == ()
