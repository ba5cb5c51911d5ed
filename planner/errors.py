"""The one error of the planner: a value that cannot be what it claims to be.

Callers that know the file and line wrap it; the planner itself never reads files.
"""

from __future__ import annotations


class ValueRefused(ValueError):
    """A quantity, amount, label, operator or name that Kubernetes or OVH would refuse; the text says why."""
