"""The stand-in provider is found, started and described as OVHcloud's is."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gitops.errors import Fatal
from gitops.process import find_program, run
from gitops.sandbox.provider import NODE_POOL, VERSION
from gitops.sandbox.provider.mirror import install_mirror, terraform_platform
from gitops.sandbox.settings import PROJECT

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = Path(__file__).parents[2] / "data"
KINDS = {"string": "string", "bool": "bool", "int": "number", "float": "number"}


@pytest.mark.parametrize(
    ("system", "machine", "platform"),
    [("linux", "x86_64", "linux_amd64"), ("linux", "aarch64", "linux_arm64"), ("darwin", "arm64", "darwin_arm64")],
)
def test_platforms_are_named_as_terraform_does(system: str, machine: str, platform: str) -> None:
    assert terraform_platform(system, machine) == platform


@pytest.mark.parametrize(("system", "machine"), [("win32", "AMD64"), ("linux", "riscv64")])
def test_other_platforms_are_refused(system: str, machine: str) -> None:
    with pytest.raises(Fatal, match=f"not on {system} {machine}"):
        terraform_platform(system, machine)


def test_a_mirror_holds_a_launcher_for_each_registry_and_settings_that_name_it(tmp_path: Path) -> None:
    settings = install_mirror(tmp_path)
    launchers = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("terraform-provider-*"))
    assert [launcher.split("/")[1] for launcher in launchers] == ["registry.opentofu.org", "registry.terraform.io"]
    assert all(launcher.endswith(f"/terraform-provider-ovh_v{VERSION}") for launcher in launchers)
    assert all(os.access(tmp_path / launcher, os.X_OK) for launcher in launchers)
    assert f'path    = "{tmp_path}/providers"' in settings.read_text()


def test_installing_again_changes_nothing(tmp_path: Path) -> None:
    def contents() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    install_mirror(tmp_path)
    first = contents()
    install_mirror(tmp_path)
    assert contents() == first


def test_started_by_hand_it_says_what_it_is(tmp_path: Path) -> None:
    install_mirror(tmp_path)
    launcher = next(tmp_path.rglob("terraform-provider-*"))
    done = run([str(launcher)], env={})
    assert done.code == 1
    assert done.err == "This is a Terraform provider. Terraform starts it; it does nothing by itself.\n"


@pytest.fixture(scope="module", params=["", PROJECT], ids=["plain", "project from environment"])
def block(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """OVH_CLOUD_PROJECT_SERVICE, and what Terraform then says of the node pool's schema."""
    program = find_program("terraform") or find_program("tofu")
    if program is None:
        pytest.skip("neither terraform nor tofu is on PATH")
    place = tmp_path_factory.mktemp("schema")
    files = shutil.copytree(DATA / "terraform" / "minimal", place / "files")
    environment = {"TF_CLI_CONFIG_FILE": str(install_mirror(place)), "HOME": str(place), "CHECKPOINT_DISABLE": "1"}
    environment |= {"OVH_CLOUD_PROJECT_SERVICE": request.param} if request.param else {}
    for arguments in (["init"], ["validate"]):
        done = run([program, *arguments, "-no-color"], cwd=files, env=environment)
        assert done.code == 0, done.err
    shown = run([program, "providers", "schema", "-json"], cwd=files, env=environment)
    [schemas] = json.loads(shown.out)["provider_schemas"].values()
    return request.param, schemas["resource_schemas"][NODE_POOL]["block"]


def test_the_schema_is_that_of_the_real_provider(block: tuple[str, dict[str, Any]]) -> None:
    project, shown = block
    known = json.loads((DATA / "ovh-nodepool-schema.json").read_text())["attributes"]
    expected = described(known)
    if project:
        expected["service_name"] = expected["service_name"] | {"required": False, "optional": True}
    own = {"id": {"type": "string", "required": False, "optional": True, "computed": True}}
    assert flat(shown) == expected | own


def described(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    """The recorded schema, by path."""
    found: dict[str, Any] = {}
    for attribute in attributes:
        if attribute["hcl_syntax"] == "block":
            found[attribute["path"]] = {"block": "set", "most": attribute["max_items"], "needed": attribute["required"]}
            found |= described(attribute["attributes"])
        else:
            flags = {flag: attribute[flag] for flag in ("required", "optional", "computed")}
            found[attribute["path"]] = {"type": recorded_type(attribute), **flags}
    return found


def recorded_type(attribute: Mapping[str, Any]) -> Any:
    if attribute["type"] in KINDS:
        return KINDS[attribute["type"]]
    element = attribute["elem"]
    return [attribute["type"], ["map", "string"] if element.startswith("map") else KINDS[element]]


def flat(block: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Terraform's own words, by path; ``timeouts`` is the Terraform SDK's and not among what was recorded."""
    found: dict[str, Any] = {}
    for name, attribute in block.get("attributes", {}).items():
        flags = {flag: attribute.get(flag, False) for flag in ("required", "optional", "computed")}
        found[f"{above}{name}"] = {"type": attribute["type"], **flags}
    for name, nested in block.get("block_types", {}).items():
        if name != "timeouts":
            needed = nested.get("min_items", 0) == 1
            found[f"{above}{name}"] = {"block": nested["nesting_mode"], "most": nested["max_items"], "needed": needed}
            found |= flat(nested["block"], f"{above}{name}.")
    return found


def test_timeouts_can_be_set_as_with_the_terraform_sdk(block: tuple[str, dict[str, Any]]) -> None:
    timeouts = block[1]["block_types"]["timeouts"]
    assert timeouts["nesting_mode"] == "single"
    assert sorted(timeouts["block"]["attributes"]) == ["create", "default", "delete", "read", "update"]
