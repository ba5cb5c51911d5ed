"""What a delegate has to be told of each pool's manifest: order, and that a file taken away never deletes machines.

Sources: Argo CD's documentation of sync options, compare options and sync waves; Flux's specification of Kustomization.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Delegate(Enum):
    """Who applies in place of poolplan, where the engine is delegated."""

    ARGO_CD = "argocd"
    FLUX = "flux"
    TOFU_CONTROLLER = "tofu-controller"


#: Annotations of the in-cluster object, by who reads them. Without IgnoreExtraneous, an Application stays OutOfSync
#: as long as a pool is there that its branch no longer lists. The wave lets nodes come before what runs on them.
PROTECTION: Final[Mapping[Delegate, Mapping[str, str]]] = {
    Delegate.ARGO_CD: {
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
        "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
        "argocd.argoproj.io/sync-wave": "-1",
    },
    Delegate.FLUX: {"kustomize.toolkit.fluxcd.io/prune": "disabled"},
    Delegate.TOFU_CONTROLLER: {},
}
_OWNED: Final = frozenset(key for wanted in PROTECTION.values() for key in wanted)
_WAVE: Final = "argocd.argoproj.io/sync-wave"


def protected(annotations: Mapping[str, str], delegate: Delegate) -> dict[str, str]:
    """An object's annotations with those that a delegate must find, and without those of another one.

    People's own stay, and so does another wave than ours.
    """
    wanted = PROTECTION[delegate]
    if not wanted:
        return dict(annotations)
    kept = {key: value for key, value in annotations.items() if key not in _OWNED}
    wave = {key: value for key, value in annotations.items() if key == _WAVE and key in wanted}
    return {**kept, **wanted, **wave}
