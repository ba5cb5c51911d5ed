"""State in a Kubernetes Secret of a real API server, and in S3 as moto has it: kept, locked, and unlocked."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from gitops.clock import SystemClock
from gitops.errors import PoolplanError
from gitops.sandbox.provider.mirror import install_mirror
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import SandboxOptions
from renderer.terraform_settings import Backend
from tests.commands.waiting import until
from tests.gitops.engines.backends import Remote
from tests.gitops.engines.story import AT_ONCE
from tests.real.controlplane import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.real.conftest import FindPart
    from tests.real.controlplane import ControlPlane

BUCKET, SECRET = "terraform", "not-the-secret-key"
LOCK = {"ID": "6a1f", "Operation": "OperationTypeApply", "Who": "ci@runner", "Version": "1.10.0", "Info": "",
        "Path": "", "Created": "2026-01-02T10:00:00Z"}  # fmt: skip
SIGNED = "AWS4-HMAC-SHA256 Credential=an-id/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
"""Moto looks at no signature, only whether there is one."""
SECRETS, LEASES = "/api/v1/namespaces/default/secrets", "/apis/coordination.k8s.io/v1/namespaces/default/leases"


@pytest.fixture(params=["tofu", "terraform"])
def program(request: pytest.FixtureRequest, find_part: FindPart) -> str:
    return str(find_part(request.param))


@pytest.fixture
def url() -> Iterator[str]:
    with start_sandbox(SandboxOptions(timing=AT_ONCE), SystemClock()) as sandbox:
        yield sandbox.url


def test_a_secret_holds_the_state_and_a_lease_its_lock(
    plane: ControlPlane, program: str, url: str, tmp_path: Path
) -> None:
    suffix = f"prod-{program.rpartition('/')[2]}"
    backend = Backend("kubernetes", (("namespace", "default"), ("secret_suffix", suffix)))
    remote = Remote(
        backend, {"KUBE_CONFIG_PATH": str(plane.kubeconfig)}, url, program, install_mirror(tmp_path / "mirror"),
        tmp_path / "machines", secrets=keys_of(plane),
    )  # fmt: skip
    remote.must_keep_the_state()
    assert f"tfstate-default-{suffix}" in names(plane, SECRETS)
    lease = plane.call("GET", f"{LEASES}/lock-tfstate-default-{suffix}")
    assert not lease["spec"].get("holderIdentity"), "nobody holds the lock any more"
    lease["spec"]["holderIdentity"] = LOCK["ID"]
    lease["metadata"].setdefault("annotations", {})["app.terraform.io/lock-info"] = json.dumps(LOCK)
    plane.call("PUT", f"{LEASES}/lock-tfstate-default-{suffix}", lease)
    remote.must_lock(LOCK["ID"])


def keys_of(plane: ControlPlane) -> tuple[str, ...]:
    """What must not be written anywhere: the administrator's private key."""
    user = json.loads(plane.kubeconfig.read_text("utf-8"))["users"][0]["user"]
    key = user.get("client-key-data")
    found = b64decode(key).decode() if key else ""
    return tuple(line for line in found.splitlines()[1:2]) or tuple(filter(None, (user.get("token"),)))


def names(plane: ControlPlane, path: str) -> list[str]:
    return [item["metadata"]["name"] for item in plane.call("GET", path)["items"]]


@pytest.fixture
def s3(find_part: FindPart, tmp_path: Path) -> Iterator[str]:
    """The address of an S3 with one bucket: moto's, for which ``pip install 'moto[s3,server]'`` in a venv of its own."""
    (port,) = free_ports(1)
    command = [str(find_part("moto_server")), "-H", "127.0.0.1", "-p", str(port)]
    with (
        (tmp_path / "moto.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as server,  # noqa: S603 - a list of arguments
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            until("S3 answers", lambda: asked("PUT", f"{address}/{BUCKET}") == 200)
            yield address
        finally:
            server.terminate()


def asked(method: str, url: str, body: bytes = b"") -> int:
    """The status that S3 answers; 0 where nothing does."""
    try:
        headers = {"Authorization": SIGNED, "Content-Type": "application/json"}
        request = Request(url, data=body, method=method, headers=headers)  # noqa: S310 - loopback
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
            return int(answer.status)
    except URLError:
        return 0


def test_an_object_holds_the_state_and_another_its_lock(s3: str, program: str, url: str, tmp_path: Path) -> None:
    backend = Backend("s3", (
        ("bucket", BUCKET), ("endpoints", (("s3", s3),)), ("key", "prod.tfstate"), ("region", "eu-west-par"),
        ("skip_credentials_validation", True), ("skip_metadata_api_check", True), ("skip_region_validation", True),
        ("skip_requesting_account_id", True), ("skip_s3_checksum", True), ("use_lockfile", True),
        ("use_path_style", True),
    ))  # fmt: skip
    variables = {"AWS_ACCESS_KEY_ID": "an-id", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true"}
    remote = Remote(
        backend, variables, url, program, install_mirror(tmp_path / "mirror"), tmp_path / "machines", secrets=(SECRET,)
    )
    remote.must_keep_the_state()
    assert asked("GET", f"{s3}/{BUCKET}/prod.tfstate") == 200
    assert asked("PUT", f"{s3}/{BUCKET}/prod.tfstate.tflock", json.dumps(LOCK).encode()) == 200
    remote.must_lock(LOCK["ID"])
    assert isinstance(remote.must_refuse_without("AWS_SECRET_ACCESS_KEY"), PoolplanError)
