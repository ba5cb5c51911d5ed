"""The Terraform files beside the pools: formatted for every backend, and without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from planner.errors import ValueRefused
from renderer.layout import BACKEND, PROVIDER
from renderer.terraform_settings import BACKENDS, Backend, Setting, TerraformSettings, settings_files
from tests.conftest import CompareText
from tests.renderer.cases import FOLDER
from tests.renderer.programs import refuse_unformatted, terraform

ATTRIBUTES: dict[str, tuple[tuple[str, Setting], ...]] = {
    "local": (("path", "../state/terraform.tfstate"),),
    "s3": (
        ("bucket", "states"), ("endpoints", (("s3", "https://s3.gra.io.cloud.ovh.net"),)), ("key", "demo.tfstate"),
        ("region", "gra"), ("skip_credentials_validation", True), ("skip_region_validation", True), ("max_retries", 3),
    ),
    "kubernetes": (("in_cluster_config", True), ("namespace", "poolplan"), ("secret_suffix", "demo")),
    "http": (("address", "https://state.example/demo"), ("lock_method", "POST"), ("username", "poolplan")),
}  # fmt: skip


def _settings(kind: str) -> TerraformSettings:
    endpoint = "http://127.0.0.1:8000/1.0" if kind == "local" else "ovh-eu"
    return TerraformSettings(
        service_name="0123456789abcdef0123456789abcdef", kube_id="1111-2222", endpoint=endpoint,
        backend=Backend(kind, ATTRIBUTES[kind]),
    )  # fmt: skip


@pytest.mark.parametrize("kind", BACKENDS)
def test_the_files_are_the_expected_ones(kind: str, golden: CompareText) -> None:
    for path, text in settings_files(_settings(kind)):
        golden(FOLDER / "settings" / kind / path.name, text)


@pytest.mark.parametrize("kind", BACKENDS)
def test_terraform_would_not_format_them(kind: str, tmp_path: Path) -> None:
    refuse_unformatted({path.name: text for path, text in settings_files(_settings(kind))}, tmp_path)


def test_terraform_takes_every_backend_as_it_is_written(tmp_path: Path) -> None:
    for kind in BACKENDS:
        folder = tmp_path / kind
        folder.mkdir()
        (folder / "backend.tf").write_text(settings_files(_settings(kind)).as_map()[BACKEND], "utf-8")
        done = terraform("validate", "-no-color", folder=folder)
        assert (done.code, done.err) == (0, "")


def test_an_id_that_nobody_gave_is_asked_for_by_terraform(tmp_path: Path) -> None:
    files = {path.name: text for path, text in settings_files(TerraformSettings(kube_id="1111-2222"))}

    refuse_unformatted(files, tmp_path)
    assert 'variable "service_name" {' in files["provider.tf"]
    assert 'variable "kube_id"' not in files["provider.tf"]


def test_the_endpoint_is_written_only_where_it_is_another_one() -> None:
    written, left_out = (settings_files(_settings(kind)).as_map()[PROVIDER] for kind in ("local", "s3"))

    assert 'endpoint = "http://127.0.0.1:8000/1.0"' in written
    assert "endpoint" not in left_out


@pytest.mark.parametrize("name", [
    "access_key", "secret_key", "secretKey", "SECRET-KEY", "token", "session_token", "password", "sse_customer_key",
    "client_key", "conn_str", "application_secret", "access_key_id", "credentials",
])  # fmt: skip
def test_a_secret_is_refused_and_not_shown(name: str) -> None:
    with pytest.raises(ValueRefused, match="give it in the environment") as refused:
        Backend("s3", ((name, "hunter2"),))
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(("attribute", "says"), [
    (("headers", (("Authorization", "hunter2"),)), "backend http headers: Authorization is a secret"),
    (("address", "https://me:hunter2@state.example"), "backend http: address holds a user in its address"),
    (("a b", "hunter2"), "backend http: 'a b' is no name of an attribute"),
])  # fmt: skip
def test_other_ways_to_leave_a_secret_are_refused(attribute: tuple[str, Setting], says: str) -> None:
    with pytest.raises(ValueRefused, match=says) as refused:
        Backend("http", (attribute,))
    assert "hunter2" not in str(refused.value)


def test_an_endpoint_with_a_user_is_refused() -> None:
    with pytest.raises(ValueRefused, match="provider: endpoint holds a user"):
        TerraformSettings(service_name="s", kube_id="k", endpoint="https://me:hunter2@api.example")


def test_an_unknown_backend_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueRefused, match="one of http, kubernetes, local, s3"):
        Backend("consul")
