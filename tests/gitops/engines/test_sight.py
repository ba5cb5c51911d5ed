"""How a delegate's objects are looked at: whoever cannot be read is unseen, with the reason, and nothing leaks."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field

import pytest

from gitops.cluster.live.api import Answer
from gitops.engines.delegate_status import Stage
from gitops.engines.sight import Sight
from gitops.errors import Refused, Stalled, Waiting
from gitops.git.base import CommitId
from renderer.bootstrap import Following
from renderer.delegated import Delegate

COMMIT = CommitId("1c323124f0f2cd5c19185e974cc4196df3108a52")
PARIS = Following(cluster="paris", url="")
PLAN = "plan-poolplan/paris/live-1c323124f0"


@dataclass
class Server:
    """An API server that answers one thing to everything, and remembers what it was asked for."""

    answer: Answer
    asked: list[str] = field(default_factory=list)

    def read_object(self, api_version: str, namespace: str, plural: str, name: str) -> Answer:
        self.asked.append(f"{plural}.{api_version} {namespace}/{name}")
        return self.answer

    def read_secret(self, namespace: str, name: str) -> Answer:
        self.asked.append(f"secret {namespace}/{name}")
        return self.answer


def sight(delegate: Delegate, server: Server) -> Sight:
    return Sight(delegate=delegate, following=PARIS, api=lambda: server)


@pytest.mark.parametrize(("delegate", "asked"), [
    (Delegate.ARGO_CD, ["applications.argoproj.io/v1alpha1 argocd/poolplan-paris"]),
    (Delegate.FLUX, [
        "gitrepositories.source.toolkit.fluxcd.io/v1 flux-system/poolplan-paris",
        "kustomizations.kustomize.toolkit.fluxcd.io/v1 flux-system/poolplan-paris",
    ]),
    (Delegate.TOFU_CONTROLLER, [
        "gitrepositories.source.toolkit.fluxcd.io/v1 flux-system/poolplan-paris",
        "terraforms.infra.contrib.fluxcd.io/v1alpha2 flux-system/poolplan-paris",
    ]),
])  # fmt: skip
def test_the_objects_of_the_bootstrap_files_are_looked_at(delegate: Delegate, asked: list[str]) -> None:
    server = Server(Answer(200, b"{}"))
    assert sight(delegate, server).look(COMMIT).stage is Stage.BEHIND
    assert server.asked == asked


@pytest.mark.parametrize(("status", "text"), [
    (404, "there is no Application argocd/poolplan-paris; make it from what `poolplan render --bootstrap argocd` writes"),
    (403, "no right to get Application argocd/poolplan-paris"),
    (401, "no right to get Application argocd/poolplan-paris"),
    (500, "Application argocd/poolplan-paris cannot be read: the cluster answered 500"),
])
def test_what_cannot_be_read_is_unseen_and_says_why(status: int, text: str) -> None:
    seen = sight(Delegate.ARGO_CD, Server(Answer(status, b"{}"))).look(COMMIT)
    assert (seen.stage, seen.text) == (Stage.UNSEEN, text)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"null"])
def test_an_answer_that_is_no_object_is_unseen(body: bytes) -> None:
    assert sight(Delegate.ARGO_CD, Server(Answer(200, body))).look(COMMIT).stage is Stage.UNSEEN


@pytest.mark.parametrize("error", [Stalled("no cluster to read"), Waiting("https://k8s does not answer")])
def test_without_a_cluster_it_is_unseen(error: Exception) -> None:
    def nowhere() -> Server:
        raise error

    seen = Sight(delegate=Delegate.FLUX, following=PARIS, api=nowhere).look(COMMIT)
    assert (seen.stage, seen.text) == (Stage.UNSEEN, str(error))


def test_logins_in_what_a_delegate_says_are_not_repeated() -> None:
    said = "failed to fetch https://bot:ghp_sEcReT0123456789@git.example.org/fleet.git: authentication required"
    conditions = [{"type": "ComparisonError", "message": said}]
    server = Server(Answer(200, json.dumps({"status": {"conditions": conditions}}).encode()))
    seen = sight(Delegate.ARGO_CD, server).look(COMMIT)
    assert seen.stage is Stage.FAILING
    assert "authentication required" in seen.text
    assert "ghp_" not in seen.text


def secret(data: str, *, saved: str = PLAN) -> Answer:
    return Answer(200, json.dumps({"metadata": {"annotations": {"savedPlan": saved}}, "data": {"tfplan": data}}).encode())


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode())).decode()


def test_the_plan_that_waits_is_unpacked() -> None:
    server = Server(secret(packed('{"resource_changes": []}')))
    assert sight(Delegate.TOFU_CONTROLLER, server).pending_plan(PLAN) == '{"resource_changes": []}'
    assert server.asked == ["secret flux-system/tfplan-default-poolplan-paris.json"]


@pytest.mark.parametrize(("answer", "text"), [
    (secret(packed("{}"), saved="plan-poolplan/paris/live-7552214"), "holds another plan than"),
    (secret(packed("{}"), saved=""), "holds another plan than"),
    (secret("!!!"), "holds no plan that can be read"),
    (secret(base64.b64encode(b"plain").decode()), "holds no plan that can be read"),
    (secret(packed("{}")[:-8]), "holds no plan that can be read"),
    (Answer(404, b"{}"), "cannot be compared: there is no Secret"),
    (Answer(403, b"{}"), "cannot be compared: no right to get Secret"),
])
def test_a_plan_that_cannot_be_read_whole_is_refused(answer: Answer, text: str) -> None:
    with pytest.raises(Refused, match=text):
        sight(Delegate.TOFU_CONTROLLER, Server(answer)).pending_plan(PLAN)
