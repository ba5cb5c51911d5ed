"""Whether a plan survives kube-scheduler."""
from __future__ import annotations


def certified(problem, found, solution):  # type: ignore[no-untyped-def]
    return solution
