"""``spec.forge`` as settings, and what a person is told of one that cannot be. A token is never repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gitops.errors import InputError
from gitops.settings import Settings
from gitops.settings_forge import AppSettings, ForgeKind, ForgeSettings, SecretFile, SecretKey, Variable
from gitops.settings_read import read_settings

FOLDER = Path(__file__).parent.parent / "data" / "settings"
REFUSED: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(FOLDER / "forge_refused.yaml")
BEFORE = """apiVersion: poolplan.dev/v1alpha1
kind: Cluster
metadata: {name: prod}
spec:
  provider:
    ovh: {serviceName: 0123456789abcdef0123456789abcdef, kubeId: abc}
"""
TOKEN = Variable("FORGE_TOKEN")


def read(forge: str) -> Settings:
    return read_settings(f"{BEFORE}  forge: {forge}\n", "cluster.yaml", {"FORGE_TOKEN": "ghp_secret-never-read"})


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", ForgeSettings()),
        ("{}", ForgeSettings()),
        ("{kind: plain}", ForgeSettings()),
        (
            "{kind: github, repository: acme/fleet, token: {env: FORGE_TOKEN}}",
            ForgeSettings(kind=ForgeKind.GITHUB, repository="acme/fleet", token=TOKEN),
        ),
        (
            """{kind: github, url: 'https://ghe.example.test/', repository: acme/fleet.ops, caFile: /etc/ca.pem,
                app: {id: 12345, installation: 678, privateKey: {file: /run/secrets/key.pem}}}""",
            ForgeSettings(
                kind=ForgeKind.GITHUB, url="https://ghe.example.test", repository="acme/fleet.ops", ca_file="/etc/ca.pem",
                app=AppSettings(id="12345", installation=678, private_key=SecretFile("/run/secrets/key.pem")),
            ),
        ),
        (
            """{kind: github, repository: acme/fleet, app: {id: Iv1.8a61f9b3a7aba766, installation: 1,
                privateKey: {secret: {namespace: ops, name: poolplan, key: key.pem}}}}""",
            ForgeSettings(
                kind=ForgeKind.GITHUB, repository="acme/fleet",
                app=AppSettings(
                    id="Iv1.8a61f9b3a7aba766", installation=1, private_key=SecretKey("ops", "poolplan", "key.pem")
                ),
            ),
        ),
        (
            "{kind: gitlab, repository: acme/infra/clusters/fleet, token: {file: /run/token}}",
            ForgeSettings(
                kind=ForgeKind.GITLAB, repository="acme/infra/clusters/fleet", token=SecretFile("/run/token")
            ),
        ),
        (
            "{kind: gitea, url: 'http://gitea.git.svc:3000', repository: acme/fleet, token: {env: FORGE_TOKEN}}",
            ForgeSettings(kind=ForgeKind.GITEA, url="http://gitea.git.svc:3000", repository="acme/fleet", token=TOKEN),
        ),
        (
            "{kind: gitea, url: 'http://127.0.0.1:3000/git', repository: acme/fleet, token: {env: FORGE_TOKEN}}",
            ForgeSettings(kind=ForgeKind.GITEA, url="http://127.0.0.1:3000/git", repository="acme/fleet", token=TOKEN),
        ),
    ],
)  # fmt: skip
def test_a_forge_is_read(written: str, expected: ForgeSettings) -> None:
    settings = read(written)
    assert settings.forge == expected
    assert settings.warnings == ()


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["forge"][:60])
def test_what_cannot_be_is_refused_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        read(case["forge"])
    assert str(caught.value).splitlines() == [f"cluster.yaml:{told}" for told in case["told"]]
    for secret in ("ghp_0123", "glpat-0123", "a0b1c2d3", "ada:pw"):
        assert secret not in str(caught.value)


def test_a_field_that_is_not_known_is_a_warning() -> None:
    warned = read("{kind: github, repository: a/b, token: {env: T, vault: x}, labels: [a]}").warnings
    assert [line.split(": ", 1)[1] for line in warned] == [
        "spec.forge.token.vault is not a field poolplan knows; it changes nothing",
        "spec.forge.labels is not a field poolplan knows; it changes nothing",
    ]
