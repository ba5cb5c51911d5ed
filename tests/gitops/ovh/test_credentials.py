"""Where the keys come from: the environment, the package's ini files, or both; and that they are never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ovh.config
import pytest

from gitops.errors import InputError
from gitops.ovh.credentials import Credentials, credentials_from

if TYPE_CHECKING:
    from pathlib import Path

FULL = {
    "OVH_ENDPOINT": "ovh-ca", "OVH_APPLICATION_KEY": "key", "OVH_APPLICATION_SECRET": "hush",
    "OVH_CONSUMER_KEY": "whisper",
}  # fmt: skip


@pytest.fixture(autouse=True)
def ini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "ovh.conf"
    monkeypatch.setattr(ovh.config, "CONFIG_PATH", [str(path)])
    return path


def test_the_environment_is_enough() -> None:
    found = credentials_from(FULL)
    assert (found.endpoint, found.url, found.secrets) == (
        "ovh-ca",
        "https://ca.api.ovh.com/1.0",
        ("key", "hush", "whisper"),
    )


def test_europe_is_the_default() -> None:
    assert credentials_from({**FULL, "OVH_ENDPOINT": ""}).endpoint == "ovh-eu"


def test_ini_files_fill_what_the_environment_lacks(ini: Path) -> None:
    ini.write_text(
        "[default]\nendpoint=ovh-us\n[ovh-us]\napplication_key=k\napplication_secret=s\nconsumer_key=c\n[ovh-eu]\nconsumer_key=x\n"
    )
    assert credentials_from({"OVH_CONSUMER_KEY": "mine"}) == Credentials(
        endpoint="ovh-us", application_key="k", application_secret="s", consumer_key="mine"
    )


def test_the_environment_names_the_section_of_the_ini_file(ini: Path) -> None:
    ini.write_text("[default]\nendpoint=ovh-us\n[ovh-eu]\napplication_key=k\napplication_secret=s\nconsumer_key=c\n")
    assert credentials_from({"OVH_ENDPOINT": "ovh-eu"}).application_key == "k"


def test_a_broken_ini_file_is_named(ini: Path) -> None:
    ini.write_text("application_key=k\n")
    with pytest.raises(InputError, match=r"ovh\.conf is not an ini file \(MissingSectionHeaderError\); mend it or set"):
        credentials_from({})


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InputError) as caught:
        credentials_from({"OVH_APPLICATION_KEY": "key"})
    assert str(caught.value) == (
        "no credentials for the OVH API (ovh-eu): set OVH_APPLICATION_SECRET, OVH_CONSUMER_KEY, "
        "or write them to ovh.conf"
    )


@pytest.mark.parametrize(
    ("endpoint", "complaint"),
    [
        (
            "ovh-fr",
            "OVH_ENDPOINT 'ovh-fr' is unknown; it is ovh-eu, ovh-ca, ovh-us or a URL like http://127.0.0.1:8080/1.0",
        ),
        ("ftp://host/1.0", "OVH_ENDPOINT 'ftp://host/1.0' is unknown; it is ovh-eu, ovh-ca, ovh-us or a URL"),
        ("http://", "OVH_ENDPOINT 'http://' is unknown"),
        ("https://me:pass@host/1.0", "OVH_ENDPOINT on host must be a plain URL, without user, query or fragment"),
        ("https://host/1.0?a=b", "OVH_ENDPOINT on host must be a plain URL"),
    ],
)
def test_an_endpoint_is_a_name_or_a_plain_url(endpoint: str, complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        credentials_from({**FULL, "OVH_ENDPOINT": endpoint})
    assert str(caught.value).startswith(complaint)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [("http://127.0.0.1:8080/1.0/", True), ("http://localhost:1/1.0", True), ("http://[::1]:1/1.0", True),
     ("http://sandbox.example.com/1.0", False), ("ovh-eu", False)],
)  # fmt: skip
def test_a_sandbox_is_known_by_its_address(endpoint: str, local: bool) -> None:
    found = credentials_from({**FULL, "OVH_ENDPOINT": endpoint})
    assert (found.local, found.url.endswith("/1.0")) == (local, True)


def test_keys_are_never_shown() -> None:
    found = credentials_from(
        {**FULL, "OVH_APPLICATION_KEY": "kkkk", "OVH_APPLICATION_SECRET": "ssss", "OVH_CONSUMER_KEY": "cccc"}
    )
    shown = f"{found} {found!r} {[found]}"
    assert not any(secret in shown for secret in found.secrets)
