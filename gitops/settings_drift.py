"""The ``drift`` section of cluster.yaml: which way each kind of difference between Git and the provider is settled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.settings_faults import one_of
from planner.drift import CHOICES, USUAL, Treatment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops import settings_wire
    from gitops.settings_faults import Faults
    from planner.drift import DriftKind


def read_drift(written: settings_wire.Drift, faults: Faults) -> Mapping[DriftKind, Treatment]:
    """What is written, with poolplan's defaults for the rest; every fault is noted in ``faults``."""
    return {kind: _treatment(kind, written, faults) for kind in CHOICES}


def _treatment(kind: DriftKind, written: settings_wire.Drift, faults: Faults) -> Treatment:
    """By the field that is named as the kind, in the way of YAML: ``engineState``."""
    first, *more = kind.value.split("-")
    text: str | None = getattr(written, "_".join((first, *more)))
    if text is None:
        return USUAL[kind]
    known = [each.value for each in CHOICES[kind]]
    field = "".join((first, *(one.capitalize() for one in more)))
    return faults.attempt(f"spec.drift.{field}", lambda: Treatment(one_of(text, known)), USUAL[kind])
