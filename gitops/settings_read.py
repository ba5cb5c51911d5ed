"""cluster.yaml → settings: which provider and engine a cluster has, its branches, its limits, where its state is kept.

Faults are found all at once, each with file:line:column and the field; a field that is not known is a warning. What
the settings lead to is decided elsewhere.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from gitops import settings_review_wire as review_wire
from gitops import settings_wire as wire
from gitops.cluster.placeholders import filled
from gitops.cluster.policy_wire import unknown_fields
from gitops.decoding import Misfit, convert, path_text, read_input
from gitops.errors import InputError, Place
from gitops.settings import Engine, GitSettings, OvhSettings, Program, Settings
from gitops.settings_draining import read_draining
from gitops.settings_drift import read_drift
from gitops.settings_emergency import read_emergency
from gitops.settings_faults import Faults, one_of
from gitops.settings_forge import read_forge
from gitops.settings_guardrails import read_guardrails
from gitops.settings_planning import read_aims
from gitops.settings_proposals import read_proposals
from gitops.settings_review import idle_rules, read_freeze, read_review
from gitops.settings_signing import read_signing
from gitops.yamlfile import YamlDocument, parse_yaml
from planner.pools import NODES_PER_CLUSTER
from planner.quantity import parse_duration
from renderer.delegated import Delegate
from renderer.layout import cluster_folder
from renderer.terraform_settings import DEFAULT_ENDPOINT, Backend, Setting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gitops.decoding import Step
    from gitops.review.rules import ReviewRules

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
LARGEST_MB = 1
"""Megabytes; cluster.yaml has some dozen lines."""
LONGEST_LOCK = timedelta(hours=1)
_PROJECT = re.compile(r"[0-9a-f]{32}")
_KUBE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_REGION = re.compile(r"[A-Z0-9-]{1,40}")
_ENDPOINT = re.compile(r"ovh-(eu|ca|us)|https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._/-]*)?")
#: What ``git check-ref-format`` takes, less what shells and forges make trouble of.
_BRANCH = re.compile(r"(?!.*(\.\.|//|/\.|\.lock(/|$)))[A-Za-z0-9][A-Za-z0-9._/-]*(?<![/.])")
_NAME = re.compile(r"[^<>\x00-\x1f\x7f]{1,100}")


def load_settings(path: Path, variables: Mapping[str, str]) -> Settings:
    """The settings in a file. Raises InputError when it cannot be read, and as ``read_settings``."""
    return read_settings(read_input(path, "cluster.yaml", megabytes=LARGEST_MB), str(path), variables)


def read_settings(text: str, file: str, variables: Mapping[str, str]) -> Settings:
    """The settings in a text; ``file`` is what to call it, ``variables`` fill ``${NAME}`` in values.

    Raises InputError for the first fault of form, InputErrors for every value that cannot be.
    """
    document = _only_document(text, file)
    try:
        plain = filled(document.value, variables)
        _refuse_other_kinds(plain)
        cluster = convert(plain, wire.Cluster)
    except Misfit as misfit:
        raise document.error(misfit.message, misfit.path) from None
    faults = Faults(document)
    settings = _settings(cluster, faults)
    unknown = [path for path in unknown_fields(plain, wire.Cluster) if path[0] != "metadata"]
    for path in filter(_limits, unknown):
        meant = "a kind of drift" if path[1] == "drift" else "a limit"
        faults.note(path, f"is not a field poolplan knows, and here it may be {meant} that was meant")
    faults.raise_all()
    return replace(settings, warnings=_warnings(document, unknown, settings.review))


def _only_document(text: str, file: str) -> YamlDocument:
    documents = parse_yaml(text, file)
    if not documents:
        raise InputError("is empty: write the cluster's settings into it", place=Place(file))
    if len(documents) > 1:
        raise documents[1].error("a second document: cluster.yaml holds one")
    return documents[0]


def _refuse_other_kinds(plain: object) -> None:
    if not isinstance(plain, dict):
        raise Misfit("must be a map with apiVersion, kind, metadata and spec")
    for name, wanted in (("apiVersion", wire.API_VERSION), ("kind", wire.KIND)):
        if plain.get(name) != wanted:
            raise Misfit(f"must be {wanted}", (name,))


def _settings(cluster: wire.Cluster, faults: Faults) -> Settings:
    spec = cluster.spec
    engine = faults.choice("spec.engine", spec.engine or "terraform", Engine) or Engine.TERRAFORM
    faults.attempt("metadata.name", lambda: cluster_folder(cluster.metadata.name), None)
    terraform = spec.terraform or wire.Terraform()
    return Settings(
        name=cluster.metadata.name,
        ovh=_ovh(spec.provider.ovh, faults),
        engine=engine,
        delegate=_delegate(spec.delegated, engine, faults),
        git=_git(spec.git or wire.Git(), faults),
        forge=read_forge(spec.forge, faults),
        program=faults.choice("spec.terraform.program", terraform.program, Program) if terraform.program else None,
        backend=faults.attempt("spec.terraform.backend", lambda: _backend(terraform.backend), Backend()),
        lock_timeout=faults.attempt(
            "spec.terraform.lockTimeout", lambda: _lock_timeout(terraform.lock_timeout), timedelta()
        ),
        aims=read_aims(spec.planning or wire.Planning(), faults),
        guardrails=read_guardrails(spec.guardrails or review_wire.Guardrails(), faults),
        proposals=read_proposals(spec.proposals or wire.Proposals(), faults),
        drift=read_drift(spec.drift or wire.Drift(), faults),
        review=read_review(spec.review or review_wire.Review(), spec.windows or (), faults),
        emergency=read_emergency(spec.emergency, faults),
        draining=read_draining(spec.draining, faults),
        freeze=read_freeze(spec.freeze, faults),
    )


def _ovh(ovh: wire.Ovh, faults: Faults) -> OvhSettings:
    at = "spec.provider.ovh"
    plan, region = ovh.plan or "standard", ovh.region or ""
    what = "ovh-eu, ovh-ca, ovh-us or the address of an API, without a login"
    return OvhSettings(
        service_name=faults.text(f"{at}.serviceName", ovh.service_name, _PROJECT, "a project id: 32 of 0-9 and a-f"),
        kube_id=faults.text(f"{at}.kubeId", ovh.kube_id, _KUBE_ID, "the id of an MKS cluster"),
        region=faults.text(f"{at}.region", region, _REGION, "a region like GRA9 or EU-WEST-PAR") if region else "",
        plan=faults.attempt(f"{at}.plan", lambda: one_of(plan, NODES_PER_CLUSTER), plan),
        endpoint=faults.text(f"{at}.endpoint", ovh.endpoint or DEFAULT_ENDPOINT, _ENDPOINT, what),
    )


def _delegate(name: str | None, engine: Engine, faults: Faults) -> Delegate | None:
    def judge() -> Delegate | None:
        if engine is not Engine.DELEGATED:
            if name is not None:
                raise Misfit("has a meaning only beside engine: delegated; remove one of them")
            return None
        if name is None:
            raise Misfit(f"is missing: who applies, {', '.join(each.value for each in Delegate)}?")
        return Delegate(one_of(name, (each.value for each in Delegate)))

    return faults.attempt("spec.delegated", judge, None)


def _git(git: wire.Git, faults: Faults) -> GitSettings:
    default, author = GitSettings(), git.author or wire.Author()
    prefix = git.proposal_prefix or default.proposal_prefix
    faults.text("spec.git.proposalPrefix", prefix.rstrip("/"), _BRANCH, "the beginning of a branch name")
    return GitSettings(
        branch=faults.text("spec.git.branch", git.branch or default.branch, _BRANCH, "the name of a branch"),
        proposal_prefix=prefix if prefix.endswith("/") else f"{prefix}/",
        author_name=faults.text("spec.git.author.name", author.name or default.author_name, _NAME, "a name"),
        author_email=faults.text("spec.git.author.email", author.email or default.author_email, _NAME, "an address"),
        signing=read_signing(git.signing, faults),
    )


def _backend(written: dict[str, dict[str, object] | None] | None) -> Backend:
    if written is None:
        return Backend()
    if len(written) != 1:
        raise Misfit("must name one kind of backend, like local or s3")
    ((kind, attributes),) = written.items()
    settings = {name: _setting(value, (kind, name)) for name, value in (attributes or {}).items()}
    return Backend(kind, tuple(sorted(settings.items(), key=lambda pair: pair[0])))


def _lock_timeout(text: str | None) -> timedelta:
    found = timedelta(seconds=parse_duration(text or "0s"))
    if found > LONGEST_LOCK:
        raise Misfit(f"{text!a} is longer than an hour; a lock that is held so long is stuck")
    return found


def _setting(value: object, path: tuple[Step, ...]) -> Setting:
    if isinstance(value, str | int | bool):
        return value
    if isinstance(value, dict) and all(isinstance(text, str) for text in value.values()):
        return tuple(sorted(value.items()))
    raise Misfit("must be text, a whole number, true or false, or a map of texts", path)


def _limits(path: tuple[Step, ...]) -> bool:
    """Whether the field stands where a slip of the hand would allow more than was meant, or another thing."""
    risky = ("review", "windows", "guardrails", "emergency", "drift")
    return path[:1] == ("spec",) and len(path) > 2 and path[1] in risky


def _warnings(document: YamlDocument, unknown: list[tuple[Step, ...]], review: ReviewRules) -> tuple[str, ...]:
    """Everything that changes nothing: fields that are not known, in the order written, and rules never reached."""
    idle = [(path, "is not a field poolplan knows; it changes nothing") for path in unknown]
    idle += [(("spec", "review", "rules", number), text) for number, text in idle_rules(review)]
    return tuple(f"{document.place(path, of_key=True)}: {path_text(path)} {text}" for path, text in idle)
