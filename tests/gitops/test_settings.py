"""cluster.yaml as settings, and what a person is told of one that cannot be."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from gitops.errors import InputError
from gitops.settings import Engine, GitSettings, OvhSettings, Program, Settings
from gitops.settings_proposals import Proposals
from gitops.settings_read import load_settings, read_settings
from gitops.settings_signing import SignatureFormat, Signing
from planner.aims import Aims, Headroom, MinValues, Objective, Preferences
from planner.drift import CHOICES, USUAL, DriftKind, Treatment
from planner.guardrails import Guardrails
from planner.pods import Needs, Spread
from planner.requirements import Requirements
from planner.resources import Resources
from planner.snapshot import PodTemplate
from planner.taints import Toleration
from renderer.delegated import Delegate
from renderer.layout import Live
from renderer.terraform_settings import Backend, TerraformSettings

FOLDER = Path(__file__).parent.parent / "data" / "settings"
WHOLE = (FOLDER / "cluster.yaml").read_text()
REFUSED: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(FOLDER / "refused.yaml")
VARIABLES = {"OVH_SERVICE_NAME": "0123456789abcdef" * 2, "OVH_APPLICATION_SECRET": "s3cr3t"}
DRIFT_REFUSED: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(FOLDER / "drift_refused.yaml")
PROPOSALS_REFUSED: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(FOLDER / "proposals_refused.yaml")
#: All fields of spec.drift.
FIELDS = ("size", "bounds", "template", "autoscale", "recreated", "gone", "undeclared", "engineState")
LEAST = """
apiVersion: poolplan.dev/v1alpha1
kind: Cluster
metadata: {name: prod}
spec: {provider: {ovh: {serviceName: 0123456789abcdef0123456789abcdef, kubeId: abc}}}
"""

ZONE = "topology.kubernetes.io/zone"
WEB = Requirements.from_labels({"app": "web"})
AIMS = Aims(
    objective=Objective.FEWEST_NODES, preferences=Preferences.IGNORE, min_values=MinValues.BEST_EFFORT,
    headroom=(Headroom(
        name="web", namespace="shop", replicas=3,
        template=PodTemplate(labels=(("app", "web"),), needs=Needs(
            requests=Resources.of({"cpu": 500, "memory": 1024**3, "pods": 1}),
            alternatives=(Requirements.from_labels({"tier": "front"}),),
            tolerations=(Toleration("team", "Exists"),), spreads=(Spread(topology_key=ZONE, selector=WEB),),
        )),
    ),),
    default_spreads=(Spread(topology_key=ZONE, max_skew=5, required=False),), expendable_below=-100, budget=1500,
)  # fmt: skip


def read(text: str) -> Settings:
    return read_settings(text, "cluster.yaml", VARIABLES)


def test_how_commits_are_signed_is_read() -> None:
    text = LEAST.replace("kubeId: abc}}}", "kubeId: abc}}, git: {signing: {format: gpg, key: {env: BOT_KEY}}}}")
    assert read(text).git.signing == Signing(format=SignatureFormat.GPG, env="BOT_KEY")
    text = text.replace("gpg, key: {env: BOT_KEY}", "ssh, key: {file: /run/secrets/bot}")
    assert read(text).git.signing == Signing(format=SignatureFormat.SSH, file="/run/secrets/bot")


def test_every_setting_is_read() -> None:
    endpoints = (("s3", "https://s3.example.test"),)
    assert read(WHOLE) == Settings(
        name="prod",
        ovh=OvhSettings(
            service_name=VARIABLES["OVH_SERVICE_NAME"], kube_id="11111111-2222-3333-4444-555555555555",
            region="EU-WEST-PAR",
        ),
        git=GitSettings(branch="live", proposal_prefix="bot/", author_name="Bot", author_email="bot@example.test"),
        program=Program.TOFU,
        backend=Backend("s3", (
            ("bucket", "state"), ("endpoints", endpoints), ("key", "prod.tfstate"), ("skip_region_validation", True),
        )),
        aims=AIMS,
        guardrails=Guardrails(
            max_nodes_added=10, max_nodes_removed=5, max_pools=20, max_nodes=100, max_hourly=12_500_000
        ),
        proposals=Proposals(
            batch_idle=timedelta(seconds=5), batch_max=timedelta(minutes=1), min_pending_age=timedelta(seconds=90),
            min_pending_pods=3, max_open=2, per_hour=6, margin=50, labels=("capacity", "team: platform"),
            reviewers=("ada", "acme/platform"), assignees=("grace",), draft=True,
        ),
    )  # fmt: skip
    assert read(WHOLE).warnings == ()


def test_the_least_there_can_be_has_defaults() -> None:
    ovh = OvhSettings(service_name="0123456789abcdef" * 2, kube_id="abc", plan="standard", endpoint="ovh-eu")
    assert read(LEAST) == Settings(name="prod", ovh=ovh)
    assert read(LEAST.replace("}}}", "}}, git: null, terraform: null, guardrails: , planning: }")) == read(LEAST)
    assert read(LEAST).aims == Aims()
    nothing_soft = read(LEAST.replace("}}}", "}}, planning: {defaultSpread: []}}"))
    assert nothing_soft.aims == Aims(default_spreads=())


def test_settings_lead_to_the_terraform_files() -> None:
    settings = read(WHOLE.replace("ovh-eu", "http://127.0.0.1:8080/1.0"))
    assert str(settings.folder) == "clusters/prod"
    assert settings.terraform == TerraformSettings(
        service_name=settings.ovh.service_name, kube_id=settings.ovh.kube_id, endpoint="http://127.0.0.1:8080/1.0",
        backend=settings.backend,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "engine", "delegate", "live"),
    [
        ("engine: terraform", Engine.TERRAFORM, None, Live.TERRAFORM),
        ("engine: ovh-api", Engine.OVH_API, None, Live.MANIFESTS),
        ("engine: delegated\n  delegated: argocd", Engine.DELEGATED, Delegate.ARGO_CD, Live.MANIFESTS),
        ("engine: delegated\n  delegated: flux", Engine.DELEGATED, Delegate.FLUX, Live.MANIFESTS),
        ("engine: delegated\n  delegated: tofu-controller", Engine.DELEGATED, Delegate.TOFU_CONTROLLER, Live.TERRAFORM),
    ],
)
def test_the_engine_says_which_files_are_live(text: str, engine: Engine, delegate: Delegate | None, live: Live) -> None:
    settings = read(WHOLE.replace("engine: terraform", text))
    assert (settings.engine, settings.delegate, settings.live) == (engine, delegate, live)


def test_a_prefix_ends_in_a_slash() -> None:
    assert read(WHOLE.replace("bot/", "bot")).git.proposal_prefix == "bot/"


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["is"][:30])
def test_what_cannot_be_is_refused_with_its_place(case: dict[str, Any]) -> None:
    assert case["was"] in WHOLE
    with pytest.raises(InputError) as caught:
        read(WHOLE.replace(case["was"], case["is"], 1))
    assert str(caught.value).splitlines() == [f"cluster.yaml:{told}" for told in case["told"]]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", Proposals()),
        ("{}", Proposals()),
        ("{batch: , labels: , draft: }", Proposals()),
        ("{batch: {idle: 0s}}", Proposals(batch_idle=timedelta(0))),
        ("{batch: {max: 1m30s}}", Proposals(batch_max=timedelta(seconds=90))),
        ("{minPendingAge: 500ms}", Proposals(min_pending_age=timedelta(seconds=1))),
        ("{minPendingAge: 168h}", Proposals(min_pending_age=timedelta(days=7))),
        ("{againAfterPercent: 0}", Proposals(margin=0)),
        ("{labels: [a, b, a]}", Proposals(labels=("a", "b"))),
        ("{reviewers: ['dependabot[bot]', acme/infra/fleet]}", Proposals(reviewers=("dependabot[bot]", "acme/infra/fleet"))),
        ("{draft: false}", Proposals()),
    ],
)  # fmt: skip
def test_how_proposals_are_made_is_read(written: str, expected: Proposals) -> None:
    assert read(LEAST.replace("}}}", f"}}}}, proposals: {written}}}")).proposals == expected


@pytest.mark.parametrize("case", PROPOSALS_REFUSED, ids=lambda case: case["proposals"][:30])
def test_proposals_that_cannot_be_are_refused_with_their_place(case: dict[str, Any]) -> None:
    text = LEAST.strip().replace("spec: {provider:", "spec:\n  provider:").replace("}}}", "}}")
    with pytest.raises(InputError) as caught:
        read(f"{text}\n\n  proposals: {case['proposals']}\n")
    assert str(caught.value).splitlines() == [f"cluster.yaml:{told}" for told in case["told"]]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", USUAL),
        ("{}", USUAL),
        ("{size: adopt}", {**USUAL, DriftKind.SIZE: Treatment.ADOPT}),
        ("{autoscale: ask, gone: restore, bounds: }", {
            **USUAL, DriftKind.AUTOSCALE: Treatment.ASK, DriftKind.GONE: Treatment.RESTORE,
        }),
        (f"{{{', '.join(f'{field}: adopt' for field in FIELDS)}}}",
         dict.fromkeys(CHOICES, Treatment.ADOPT)),
    ],
)  # fmt: skip
def test_what_becomes_of_drift_is_read(written: str, expected: dict[DriftKind, Treatment]) -> None:
    assert read(LEAST.replace("}}}", f"}}}}, drift: {written}}}")).drift == expected


@pytest.mark.parametrize("case", DRIFT_REFUSED, ids=lambda case: case["drift"][:30])
def test_what_cannot_become_of_drift_is_refused_with_its_place(case: dict[str, Any]) -> None:
    text = LEAST.strip().replace("spec: {provider:", "spec:\n  provider:").replace("}}}", "}}")
    with pytest.raises(InputError) as caught:
        read(f"{text}\n\n  drift: {case['drift']}\n")
    assert str(caught.value).splitlines() == [f"cluster.yaml:{told}" for told in case["told"]]


def test_fields_that_change_nothing_are_warned_of() -> None:
    more = "    merge: approval\n  extra: {a: 1}"
    text = WHOLE.replace("      plan: standard", "      plan: standard\n      flavour: x")
    text = text.replace("    merge: approval", more)
    assert read(text).warnings == (
        "cluster.yaml:13:7: spec.provider.ovh.flavour is not a field poolplan knows; it changes nothing",
        "cluster.yaml:54:3: spec.extra is not a field poolplan knows; it changes nothing",
    )


def test_an_empty_file_is_refused() -> None:
    for text in ("", "# nothing\n", "---\n---\n"):
        with pytest.raises(InputError, match=r"^cluster\.yaml: is empty: write"):
            read(text)


def test_a_file_of_another_shape_is_refused() -> None:
    for text in ("[]", "text", "12"):
        with pytest.raises(InputError, match=r"^cluster\.yaml:1:1: must be a map with apiVersion"):
            read(text)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_text("#" * 2_000_001)
    unreadable = "cannot be read"
    for name, words in (("bytes", "UTF-8"), ("large", "at most 1 MB"), ("gone", unreadable), (".", unreadable)):
        with pytest.raises(InputError, match=words):
            load_settings(tmp_path / name, VARIABLES)


def test_a_file_is_named_in_messages(tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text(LEAST)
    assert load_settings(tmp_path / "cluster.yaml", {}).name == "prod"
    (tmp_path / "cluster.yaml").write_text(LEAST.replace("prod", "Prod"))
    with pytest.raises(InputError, match=f"^{tmp_path}/cluster.yaml:4:18: metadata.name"):
        load_settings(tmp_path / "cluster.yaml", {})


def test_how_long_a_lock_is_waited_for_is_read() -> None:
    patient = read(WHOLE.replace("program: tofu", "program: tofu\n    lockTimeout: 2m"))
    assert patient.lock_timeout == timedelta(minutes=2)
    with pytest.raises(InputError, match=r"spec\.terraform\.lockTimeout: '2h' is longer than an hour"):
        read(WHOLE.replace("program: tofu", "program: tofu\n    lockTimeout: 2h"))
