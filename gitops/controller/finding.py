"""Which managed cluster of the project this is, where nobody says it: the one whose machines are the nodes here."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from gitops.gather import connect, has_credentials, read_cluster

if TYPE_CHECKING:
    from gitops.controller.keys import Keys
    from gitops.gather import Sources, Surroundings

KUBE_ID: Final = "OVH_KUBE_ID"


def at_found_cluster(sources: Sources, around: Surroundings, keys: Keys) -> Surroundings:
    """The surroundings with the cluster's id, where they have none and the OVH API can be asked.

    Of a project's many clusters, that takes a call for each of their pools, so callers keep what they are given.
    Raises InputError where it cannot be told, Stalled or Waiting where the cluster or the API does not answer.
    """
    if around.environment.get(KUBE_ID):
        return around
    from gitops.ovh.discover import find_cluster  # noqa: PLC0415 - loads the ovh package

    snapshot, found = read_cluster(sources, around)
    able = keys.within(around, found)
    if not has_credentials(able.environment):
        return around
    cluster = find_cluster(connect(able, found.policy), snapshot.nodes)
    return replace(around, environment={**around.environment, KUBE_ID: cluster.id})
