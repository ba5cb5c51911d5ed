"""Files to start a delegate with, whole; and what must be true of them whatever else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from renderer.bootstrap import Following, bootstrap_files, terraform_object
from renderer.delegated import Delegate
from renderer.files import FileSet
from renderer.terraform_settings import Backend
from tests.conftest import CompareText

FOLDER = Path(__file__).parent.parent / "data" / "renderer" / "bootstrap"
S3 = Backend("s3", (("bucket", "fleet-state"), ("key", "paris.tfstate")))
PARIS = Following(cluster="paris", url="https://git.example.org/acme/fleet.git", backend=S3)
DELEGATES = sorted(Delegate, key=lambda one: one.value)


def documents(files: FileSet) -> dict[str, dict[str, Any]]:
    return {document["kind"]: document for _, text in files for document in yaml.safe_load_all(text)}


@pytest.mark.parametrize("delegate", DELEGATES, ids=lambda one: one.value)
def test_the_files_are_these(delegate: Delegate, golden: CompareText) -> None:
    for path, text in bootstrap_files(delegate, PARIS):
        golden(FOLDER / delegate.value / path, text)


def test_the_terraform_object_is_this(golden: CompareText) -> None:
    golden(FOLDER / "tofu-controller" / "terraform.yaml", terraform_object(PARIS, "plan-poolplan/paris/live-1c323124f0"))


@pytest.mark.parametrize("delegate", DELEGATES, ids=lambda one: one.value)
def test_nobody_follows_main_and_nobody_prunes(delegate: Delegate) -> None:
    for _, text in bootstrap_files(delegate, PARIS):
        for line in text.splitlines():
            assert not line.strip().startswith(("branch: main", "targetRevision: main", "targetRevision: HEAD"))
            assert line.strip() not in ("prune: true", "selfHeal: true", "force: true")


def test_until_a_plan_was_compared_none_is_approved() -> None:
    spec = yaml.safe_load(terraform_object(PARIS, ""))["spec"]

    assert spec["approvePlan"] == ""
    assert (spec["force"], spec["destroyResourcesOnDeletion"]) == (False, False)
    assert spec["storeReadablePlan"] == "json"


def test_a_local_state_is_kept_in_the_cluster_for_a_runners_disk_does_not_last() -> None:
    local = yaml.safe_load(terraform_object(Following(cluster="paris", url=""), ""))["spec"]
    other = yaml.safe_load(terraform_object(PARIS, ""))["spec"]

    assert local["backendConfig"] == {"inClusterConfig": True, "secretSuffix": "paris"}
    assert other["backendConfig"]["customConfiguration"].startswith('backend "s3" {\n')


def test_two_clusters_have_nothing_in_common() -> None:
    lyon = Following(cluster="lyon", url=PARIS.url)
    for delegate in (Delegate.FLUX, Delegate.TOFU_CONTROLLER):
        ones, others = documents(bootstrap_files(delegate, PARIS)), documents(bootstrap_files(delegate, lyon))
        for kind in sorted(ones):
            assert ones[kind]["metadata"]["name"] != others[kind]["metadata"]["name"]
