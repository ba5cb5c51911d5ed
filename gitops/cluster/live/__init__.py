"""A live cluster: read once (``read_cluster``), or followed for as long as a controller runs (``LiveCluster``)."""

from __future__ import annotations

from gitops.cluster.live.api import Answer, Api, Stream
from gitops.cluster.live.cluster import LiveCluster
from gitops.cluster.live.listing import live_items, read_cluster

__all__ = ["Answer", "Api", "LiveCluster", "Stream", "live_items", "read_cluster"]
