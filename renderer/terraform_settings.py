"""The Terraform files beside the pools: versions, provider and backend, from a cluster's settings.

Credentials never come here: provider and backend read them from the environment, so a setting that looks like one
is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from planner.errors import ValueRefused
from renderer.files import FileSet
from renderer.hcl import Reference, Value, attributes, block, is_identifier, text_of
from renderer.layout import BACKEND, PROVIDER, VERSIONS

#: The provider's own default: written only where it differs.
DEFAULT_ENDPOINT: Final = "ovh-eu"
#: ``import`` blocks need 1.5; OpenTofu counts alike.
TERRAFORM_VERSION: Final = ">= 1.5.0"
#: 2.9.0 is the version these files are tried with.
PROVIDER_VERSION: Final = ">= 2.9.0, < 3.0.0"
BACKENDS: Final = ("http", "kubernetes", "local", "s3")
HEADER: Final = "# poolplan owns this file: it follows from cluster.yaml."

#: A backend's attribute: text, a number, a switch or a map of texts (as sorted pairs).
Setting = str | int | bool | tuple[tuple[str, str], ...]

_SECRET_NAME = re.compile(
    r"(accesskey|secretkey|secretaccesskey|clientkey|customerkey|privatekey|applicationkey|consumerkey)(id)?$"
    r"|(secret|password|token|credentials|authorization|connstr)$"
)
_USER_IN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]*@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Backend:
    """Where Terraform keeps its state. ``attributes`` are the backend's own, by name; none of them is a secret."""

    kind: str = "local"
    attributes: tuple[tuple[str, Setting], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in BACKENDS:
            raise ValueRefused(f"backend {self.kind!r} is unknown; it is one of {', '.join(BACKENDS)}")
        for name, value in self.attributes:
            if not is_identifier(name):
                raise ValueRefused(f"backend {self.kind}: {name!r} is no name of an attribute")
            _refuse_secret(name, value, f"backend {self.kind}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TerraformSettings:
    """Which cluster the pools belong to (project and cluster ids), which OVH API, and where the state is.

    An id that is empty becomes a Terraform variable of its name, to be given when Terraform runs.
    """

    service_name: str = ""
    kube_id: str = ""
    endpoint: str = DEFAULT_ENDPOINT
    backend: Backend = field(default_factory=Backend)

    def __post_init__(self) -> None:
        _refuse_secret("endpoint", self.endpoint, "provider")


def settings_files(settings: TerraformSettings) -> FileSet:
    """``versions.tf``, ``provider.tf`` and ``backend.tf``, relative to the ``pools`` folder."""
    return FileSet.of({VERSIONS: _versions(), PROVIDER: _provider(settings), BACKEND: _backend(settings.backend)})


def _versions() -> str:
    wanted = attributes([("ovh", {"source": "ovh/ovh", "version": PROVIDER_VERSION})])
    body = [*attributes([("required_version", TERRAFORM_VERSION)]), "", *block("required_providers", wanted)]
    return text_of([HEADER, *block("terraform", body)])


def _provider(settings: TerraformSettings) -> str:
    known = settings.endpoint in ("", DEFAULT_ENDPOINT)
    endpoint = [] if known else attributes([("endpoint", settings.endpoint)])
    ids = {"service_name": settings.service_name, "kube_id": settings.kube_id}
    names = attributes([(name, value or Reference(f"var.{name}")) for name, value in ids.items()])
    text = attributes([("type", Reference("string"))])
    asked = [block(f'variable "{name}"', text) for name, value in ids.items() if not value]
    return text_of([HEADER, *block('provider "ovh"', endpoint)], *asked, block("locals", names))


def backend_text(backend: Backend) -> str:
    """The ``backend`` block alone, as it stands inside of ``terraform``."""
    return text_of(_backend_block(backend))


def _backend(backend: Backend) -> str:
    return text_of([HEADER, *block("terraform", _backend_block(backend))])


def _backend_block(backend: Backend) -> list[str]:
    body = attributes([(name, _value(value)) for name, value in sorted(backend.attributes, key=lambda pair: pair[0])])
    return block(f'backend "{backend.kind}"', body)


def _value(setting: Setting) -> Value:
    return dict(setting) if isinstance(setting, tuple) else setting


def _refuse_secret(name: str, value: Setting, where: str) -> None:
    """Judges by the name and by the form of an address; the value itself is never shown."""
    if isinstance(value, tuple):
        for inner, text in value:
            _refuse_secret(inner, text, f"{where} {name}")
        return
    if _SECRET_NAME.search(re.sub(r"[^a-z]", "", name.lower())):
        raise ValueRefused(f"{where}: {name} is a secret and would end up in Git; give it in the environment instead")
    if isinstance(value, str) and _USER_IN_URL.match(value):
        raise ValueRefused(f"{where}: {name} holds a user in its address; give credentials in the environment instead")
