"""Reading Kubernetes objects and policy: files that kubectl wrote, or a live cluster. Both plan identically."""

from __future__ import annotations

from gitops.cluster.inputs import Inputs, make_inputs, read_inputs, read_policy, require_nodes

__all__ = ["Inputs", "make_inputs", "read_inputs", "read_policy", "require_nodes"]
