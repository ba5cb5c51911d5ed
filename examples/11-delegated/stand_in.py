"""A stand-in for Flux and OVHcloud, for this example alone: no part of poolplan, and neither of the two.

It starts a sandbox of the OVH API, writes its address into ``sandbox.url``, and then does what Flux does with the
in-cluster NodePool objects: whatever the live branch says, the provider's pools become. It never deletes a pool.
"""
# ruff: noqa: INP001 - a script by itself

import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path, PurePosixPath

from gitops.clock import SystemClock
from gitops.engines.ovh_api import calls_between
from gitops.errors import PoolplanError
from gitops.git.opening import open_path
from gitops.ovh.client import OvhClient
from gitops.ovh.credentials import credentials_from
from gitops.sandbox.server import start_sandbox
from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing
from renderer.layout import Live
from renderer.tree import parse_pools

KEYS = dict.fromkeys(("OVH_APPLICATION_KEY", "OVH_APPLICATION_SECRET", "OVH_CONSUMER_KEY"), "sandbox")
AT_ONCE = Timing(join_after=timedelta(0), settle_after=timedelta(0))


def follow(client: OvhClient) -> None:
    """One look at the live branch."""
    repository = open_path(Path())
    head = repository.head("poolplan/paris/live")
    if head is None:
        return
    wanted = parse_pools(repository.read(head, PurePosixPath("clusters/paris/pools")), Live.MANIFESTS)
    there = [pool for pool in client.pools() if wanted.get(pool.name) is not None]
    for call in calls_between(there, wanted):
        if call.before is None:
            client.create_pool(call.after)
        else:
            client.update_pool(call.before, call.after)


clock = SystemClock()
with start_sandbox(SandboxOptions(timing=AT_ONCE), clock) as sandbox:
    api = OvhClient.connect(
        credentials_from({"OVH_ENDPOINT": sandbox.url, **KEYS}), service_name=PROJECT, kube_id=CLUSTER, clock=clock
    )
    Path("sandbox.part").write_text(sandbox.url)
    Path("sandbox.part").rename("sandbox.url")
    while True:
        time.sleep(0.2)
        with suppress(PoolplanError):  # Flux tries again, too
            follow(api)
