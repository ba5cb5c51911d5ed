"""The ``drift`` section of cluster.yaml: which way each kind of difference between Git and the provider is settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.settings_faults import one_of
from planner.drift import SETTLED, USUAL, Treatment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops import settings_wire
    from gitops.settings_faults import Faults
    from planner.drift import DriftKind


def read_drift(written: settings_wire.Drift, faults: Faults) -> Mapping[DriftKind, Treatment]:
    """What is written, with poolplan's defaults for the rest; every fault is noted in ``faults``."""
    return {kind: _treatment(kind, getattr(written, kind.value), faults) for kind in SETTLED}


def _treatment(kind: DriftKind, text: str | None, faults: Faults) -> Treatment:
    if text is None:
        return USUAL[kind]
    known = [each.value for each in Treatment]
    return faults.attempt(f"spec.drift.{kind.value}", lambda: Treatment(one_of(text, known)), USUAL[kind])
