"""Keys from the Secret that an OVHNodeClass names: only where the process has none, and never shown."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from gitops.clock import SystemClock
from gitops.cluster import read_inputs
from gitops.controller.keys import KEYS, Keys
from gitops.controller.logs import Log
from gitops.errors import InputError
from gitops.gather import Surroundings

if TYPE_CHECKING:
    from pathlib import Path

    from gitops.cluster.inputs import Inputs

NODE_CLASS = """
apiVersion: karpenter.ovhcloud.sh/v1alpha1
kind: OVHNodeClass
metadata: {name: NAME}
spec:
  serviceName: 0123456789abcdef0123456789abcdef
  credentialsSecretRef: {name: SECRET, namespace: karpenter}
"""


def policy(folder: Path, *secrets: str) -> Inputs:
    texts = [NODE_CLASS.replace("NAME", f"class-{number}").replace("SECRET", name)
             for number, name in enumerate(secrets)]  # fmt: skip
    (folder / "policy.yaml").write_text("---".join(texts), "utf-8")
    return read_inputs([folder / "policy.yaml"], environment={})


def encoded(**keys: str) -> dict[str, str]:
    return {key: base64.b64encode(value.encode()).decode() for key, value in keys.items()}


WHOLE = encoded(applicationKey="app-key-1", applicationSecret="app-secret-1", consumerKey="consumer-1\n")


def around(**environment: str) -> Surroundings:
    return Surroundings(environment=environment, clock=SystemClock(), remark=lambda _: None)


def test_the_secret_fills_what_the_process_lacks(tmp_path: Path) -> None:
    asked, hidden = [], []

    def read(namespace: str, name: str) -> dict[str, str]:
        asked.append((namespace, name))
        return WHOLE

    keys = Keys(read=read, hide=hidden.extend)
    found = keys.within(around(PATH="/bin"), policy(tmp_path, "ovh-credentials")).environment
    assert [found[name] for name in KEYS.values()] == ["app-key-1", "app-secret-1", "consumer-1"]
    assert (found["PATH"], asked) == ("/bin", [("karpenter", "ovh-credentials")])
    assert hidden == ["app-key-1", "app-secret-1", "consumer-1"]


def test_the_process_s_own_keys_come_first_and_nothing_is_read(tmp_path: Path) -> None:
    own = around(**dict.fromkeys(KEYS.values(), "mine"))
    keys = Keys(read=lambda *_: pytest.fail("nothing is to be read"), hide=lambda _: None)
    assert keys.within(own, policy(tmp_path, "ovh-credentials")) is own


def test_one_name_twice_is_one_secret_and_two_are_a_fault(tmp_path: Path) -> None:
    keys = Keys(read=lambda *_: WHOLE, hide=lambda _: None)
    assert keys.within(around(), policy(tmp_path, "same", "same")).environment["OVH_CONSUMER_KEY"] == "consumer-1"
    with pytest.raises(InputError, match="name several Secrets: karpenter/one, karpenter/two; a cluster has one"):
        keys.within(around(), policy(tmp_path, "one", "two"))


@pytest.mark.parametrize(
    ("data", "missing"),
    [({}, "applicationKey"), ({**WHOLE, "consumerKey": "%%%"}, "consumerKey"), (encoded(applicationKey="a"), "applicationSecret")],
)  # fmt: skip
def test_a_secret_without_a_key_says_which(tmp_path: Path, data: dict[str, str], missing: str) -> None:
    keys = Keys(read=lambda *_: data, hide=lambda _: None)
    with pytest.raises(InputError, match=f"Secret karpenter/ovh-credentials has no {missing}: it holds"):
        keys.within(around(), policy(tmp_path, "ovh-credentials"))


def test_what_is_hidden_stands_in_no_line() -> None:
    lines: list[dict[str, Any]] = []
    log = Log(clock=SystemClock(), write=lambda line: lines.append(json.loads(line)))
    log.hide(["consumer-1"])
    log.say("remark", text="the key is consumer-1")
    assert "consumer-1" not in lines[0]["text"]
