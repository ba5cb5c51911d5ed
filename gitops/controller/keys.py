"""The keys of the OVH API: this process's own, else those in the Secret that the OVHNodeClass names.

The Secret is the one that Karpenter's provider for OVHcloud reads, with the same three keys in it. It is read anew with
each pass, so that keys can be changed without a restart.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from gitops.errors import InputError
from gitops.gather import has_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gitops.cluster.inputs import Inputs as ReadPolicy
    from gitops.gather import Surroundings

KEYS: Final = {
    "applicationKey": "OVH_APPLICATION_KEY", "applicationSecret": "OVH_APPLICATION_SECRET",
    "consumerKey": "OVH_CONSUMER_KEY",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Keys:
    """``read`` gives a Secret's data in base64, by namespace and name; ``hide`` takes what no line may show."""

    read: Callable[[str, str], Mapping[str, str]]
    hide: Callable[[Sequence[str]], None]

    def within(self, around: Surroundings, found: ReadPolicy) -> Surroundings:
        """The surroundings with keys, where they have none and the policy names a Secret.

        Raises InputError where several are named or one lacks a key, Stalled or Waiting where it cannot be read.
        """
        refs = () if has_credentials(around.environment) else secret_refs(found)
        if not refs:
            return around
        if len(refs) > 1:
            listed = ", ".join(f"{namespace}/{name}" for namespace, name in refs)
            raise InputError(f"the OVHNodeClass objects name several Secrets: {listed}; a cluster has one")
        (namespace, name) = refs[0]
        data = self.read(namespace, name)
        keys = {variable: _plain(data, key, f"{namespace}/{name}") for key, variable in KEYS.items()}
        self.hide(tuple(keys.values()))
        return replace(around, environment={**around.environment, **keys})


def secret_refs(found: ReadPolicy) -> tuple[tuple[str, str], ...]:
    """The Secrets that OVHNodeClass objects name, as (namespace, name), each once."""
    refs = set()
    for item in found.policy_items:
        plain = item.body.plain() if item.kind == "OVHNodeClass" else None
        spec = plain.get("spec") if isinstance(plain, dict) else None
        ref = spec.get("credentialsSecretRef") if isinstance(spec, dict) else None
        if isinstance(ref, dict) and isinstance(ref.get("name"), str):
            refs.add((str(ref.get("namespace") or "default"), ref["name"]))
    return tuple(sorted(refs))


def _plain(data: Mapping[str, str], key: str, where: str) -> str:
    try:
        found = base64.b64decode(data.get(key, ""), validate=True).decode().strip()
    except (binascii.Error, UnicodeDecodeError):
        found = ""
    if not found:
        raise InputError(f"Secret {where} has no {key}: it holds {', '.join(KEYS)} (see the OVHNodeClass)")
    return found
