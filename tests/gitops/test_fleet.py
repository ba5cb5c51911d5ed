"""Whose cluster it is: what cluster.yaml says counts, whatever was exported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gitops.clock import SystemClock
from gitops.errors import InputError
from gitops.fleet import at_cluster, open_source
from gitops.gather import Surroundings
from gitops.settings import Settings
from tests.gitops.plans import SETTINGS


def around(**environment: str) -> Surroundings:
    return Surroundings(environment=environment, clock=SystemClock(), remark=lambda _text: None)


def settings(**changed: str) -> Settings:
    return replace(SETTINGS, ovh=replace(SETTINGS.ovh, **changed))


def test_project_cluster_and_region_are_those_of_the_file() -> None:
    exported = around(OVH_SERVICE_NAME="f" * 32, OVH_KUBE_ID="other", OVH_REGION="MARS", OVH_CONSUMER_KEY="k")
    assert at_cluster(settings(region="GRA11"), exported).environment == {
        "OVH_SERVICE_NAME": SETTINGS.ovh.service_name, "OVH_KUBE_ID": SETTINGS.ovh.kube_id, "OVH_REGION": "GRA11",
        "OVH_ENDPOINT": "ovh-eu", "OVH_CONSUMER_KEY": "k",
    }  # fmt: skip


def test_a_region_the_file_leaves_out_may_be_exported() -> None:
    assert at_cluster(settings(), around(OVH_REGION="GRA11")).environment["OVH_REGION"] == "GRA11"


@pytest.mark.parametrize("exported", ["ovh-eu", "https://eu.api.ovh.com/1.0", "https://eu.api.ovh.com/1.0/", ""])
def test_an_endpoint_may_be_exported_in_any_spelling(exported: str) -> None:
    assert at_cluster(settings(), around(OVH_ENDPOINT=exported)).environment["OVH_ENDPOINT"] == "ovh-eu"


def test_keys_of_another_endpoint_are_refused() -> None:
    with pytest.raises(InputError) as refused:
        at_cluster(settings(), around(OVH_ENDPOINT="ovh-ca"))
    assert str(refused.value) == (
        "OVH_ENDPOINT is ovh-ca, clusters/prod/cluster.yaml says ovh-eu; unset the variable or correct the file"
    )


def test_git_signs_in_as_the_forge_that_a_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own token, wherever cluster.yaml says that it is kept; POOLPLAN_GIT_TOKEN goes before it."""
    given: list[Callable[[], str] | None] = []

    class Remote:
        def refresh(self) -> None:
            pass

    def remember(_source: str, *, cache: Path, token: Callable[[], str] | None) -> Remote:
        given.append(token)
        return Remote()

    monkeypatch.setattr("gitops.git.opening.open_repository", remember)
    login = tmp_path / "cluster.yaml"
    forge = "{kind: gitea, url: 'https://git.example.test', repository: a/b, token: {env: FORGE_TOKEN}}"
    login.write_text(
        "apiVersion: poolplan.dev/v1alpha1\nkind: Cluster\nmetadata: {name: prod}\nspec:\n"
        f"  provider: {{ovh: {{serviceName: {'0a' * 16}, kubeId: some-id}}}}\n  forge: {forge}\n"
    )
    named = {"POOLPLAN_GIT_LOGIN": str(login), "FORGE_TOKEN": "a-token-of-gitea"}
    for variables in ({}, named, {**named, "POOLPLAN_GIT_TOKEN": "another-one"}):
        open_source("https://git.example.test/a/b.git", around(**variables), cache=tmp_path)
    assert [token() if token else None for token in given] == [None, "a-token-of-gitea", "another-one"]
