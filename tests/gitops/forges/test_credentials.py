"""Where a forge's secrets come from, when they are read again, and that nothing ever shows one."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gitops.errors import Stalled, Waiting
from gitops.forges.credentials import KEPT, REMEMBERED, Around, Secret
from gitops.settings_forge import SecretFile, SecretKey, Source, Variable
from tests.contracts.forges import Ticking

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY = SecretKey("ops", "poolplan", "token")
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nabcd\n-----END RSA PRIVATE KEY-----"


@dataclass
class Cluster:
    """Secrets of a cluster; ``asked`` counts how often."""

    data: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    failure: Exception | None = None

    def secret(self, namespace: str, name: str) -> Mapping[str, str]:
        self.asked += 1
        if self.failure:
            raise self.failure
        assert (namespace, name) == ("ops", "poolplan")
        return {key: base64.b64encode(value.encode()).decode() for key, value in self.data.items()}


@dataclass
class Place:
    """What secrets are read from in these tests."""

    environment: dict[str, str] = field(default_factory=dict)
    cluster: Cluster = field(default_factory=Cluster)
    clock: Ticking = field(default_factory=Ticking)
    remarks: list[str] = field(default_factory=list)

    def read(self, source: Source) -> Secret:
        return Secret(source, Around(
            environment=self.environment, clock=self.clock, cluster=lambda: self.cluster, remark=self.remarks.append,
        ))  # fmt: skip


@pytest.fixture
def place() -> Place:
    return Place()


def test_a_variable(place: Place) -> None:
    place.environment["FORGE_TOKEN"] = "  value-of-it\n"
    assert place.read(Variable("FORGE_TOKEN")).current() == "value-of-it"


def test_a_file(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("value-of-it\n")
    file.chmod(0o600)
    assert place.read(SecretFile(str(file))).current() == "value-of-it"
    assert place.remarks == []


def test_a_private_key_keeps_its_lines(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(f"{PEM}\n")
    file.chmod(0o400)
    assert place.read(SecretFile(str(file))).current() == PEM


def test_a_secret_of_the_cluster(place: Place) -> None:
    place.cluster.data["token"] = "value-of-it"
    assert place.read(KEY).current() == "value-of-it"


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o440, False), (0o640, False), (0o644, True), (0o602, True)])
def test_a_file_that_everybody_can_read_is_warned_of_once(place: Place, tmp_path: Path, mode: int, warned: bool) -> None:
    file = tmp_path / "token"
    file.write_text("value-of-it")
    file.chmod(mode)
    secret = place.read(SecretFile(str(file)))
    secret.current()
    place.clock.sleep(KEPT)
    secret.current()
    assert place.remarks == ([f"{file} holds a secret and can be read by everybody here: chmod 600 {file}"] if warned else [])


def test_a_replaced_secret_is_taken_up_after_some_minutes(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("value-one")
    file.chmod(0o600)
    secret = place.read(SecretFile(str(file)))
    assert secret.current() == "value-one"
    file.write_text("value-two")
    assert secret.current() == "value-one"
    place.clock.sleep(KEPT)
    assert secret.current() == "value-two"
    assert secret.secrets() == ("value-one", "value-two")
    file.write_text("value-one")
    place.clock.sleep(KEPT)
    assert secret.current() == "value-one"


def test_the_cluster_is_not_asked_at_every_call(place: Place) -> None:
    place.cluster.data["token"] = "value-of-it"
    secret = place.read(KEY)
    for _ in range(5):
        secret.current()
    assert place.cluster.asked == 1


def test_what_was_replaced_long_ago_is_forgotten(place: Place) -> None:
    secret = place.read(Variable("T"))
    for number in range(REMEMBERED + 5):
        place.environment["T"] = f"value-{number}"
        place.clock.sleep(KEPT)
        assert secret.current() == f"value-{number}"
    assert len(secret.secrets()) == REMEMBERED + 1


def test_a_failing_cluster_is_no_empty_secret(place: Place) -> None:
    place.cluster.data["token"] = "value-of-it"
    secret = place.read(KEY)
    secret.current()
    place.clock.sleep(KEPT)
    place.cluster.failure = Waiting("the API server does not answer")
    with pytest.raises(Waiting):
        secret.current()
    place.cluster.failure = None
    assert secret.current() == "value-of-it"


@pytest.mark.parametrize(
    ("source", "prepare", "told"),
    [
        (Variable("T"), {}, "the forge's token is missing: set the environment variable T"),
        (Variable("T"), {"T": " \n"}, "the forge's token is empty: put it into the environment variable T"),
        (Variable("T"), {"T": "one two\nthree"}, "from the environment variable T has line ends or odd signs within; it must be one"),
        (Variable("T"), {"T": "clé-du-royaume"}, "has line ends or odd signs within"),
        (SecretFile("/nowhere/token"), {}, r"cannot be read from /nowhere/token \(No such file or directory\)"),
        (SecretFile("/etc"), {}, r"cannot be read from /etc \(Is a directory\)"),
        (KEY, {}, "the Secret ops/poolplan has no key token, but other"),
    ],
)
def test_what_is_missing_is_told(place: Place, source: Source, prepare: dict[str, str], told: str) -> None:
    place.environment.update(prepare)
    place.cluster.data["other"] = "x"
    with pytest.raises(Stalled, match=told):
        place.read(source).current()


@pytest.mark.parametrize(("content", "told"), [(b"\xff\xfe\x00", "no plain text"), (b"a" * 70_000, "has more than 64 KiB")])
def test_a_file_that_is_no_secret_is_told(place: Place, tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(Stalled, match=told):
        place.read(SecretFile(str(file))).current()


def test_a_secret_that_is_no_text_is_told(place: Place) -> None:
    place.cluster.data["token"] = "ü"
    with pytest.raises(Stalled, match="is no plain text"):
        place.read(KEY).current()


def test_nothing_shows_a_secret(place: Place) -> None:
    place.environment["T"] = "value-of-it"
    secret = place.read(Variable("T"))
    secret.current()
    place.clock.sleep(timedelta(days=1))
    place.environment["T"] = "value-of-it\nvalue-of-it"
    with pytest.raises(Stalled) as caught:
        secret.current()
    for shown in (repr(secret), str(secret), f"{secret}", repr(caught.value), str(caught.value)):
        assert "value-of-it" not in shown
