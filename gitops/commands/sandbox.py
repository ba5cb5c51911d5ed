"""``poolplan sandbox``: an OVH API on this machine, with nodes that join, for trials and tests."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from datetime import timedelta
from pathlib import Path

import click

from gitops.commands.options import remark

_FILE = click.Path(path_type=Path)


@click.command("sandbox")
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0 takes a free one.")
@click.option("--join-after", type=click.FloatRange(0), default=5.0, show_default=True, metavar="SECONDS",
              help="How long a new node takes to join.")  # fmt: skip
@click.option("--state", type=_FILE, metavar="FILE",
              help="Keep the state here (the small cluster's in FILE.cluster), and go on from it.")  # fmt: skip
@click.option("--kubeconfig", type=_FILE, metavar="FILE",
              help="Cluster that joining nodes register in. Default: a small one of the sandbox's own.")  # fmt: skip
@click.option("--write-kubeconfig", type=_FILE, metavar="FILE", help="Write a kubeconfig for that small cluster here.")
@click.option("--write-provider", metavar="DIR", type=_FILE,
              help="Put a stand-in Terraform provider here; apply --cli-config takes DIR/terraform.rc.")  # fmt: skip
@click.option("--region", default="EU-WEST-PAR", show_default=True, help="The cluster's region.")
@click.option("--plan", "cluster_plan", type=click.Choice(["free", "standard"]), default="standard", show_default=True)
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    port: int, join_after: float, state: Path | None, kubeconfig: Path | None, write_kubeconfig: Path | None,
    write_provider: Path | None, region: str, cluster_plan: str,
) -> None:
    """Serve the MKS part of the OVH API on 127.0.0.1 until Ctrl-C.

    Application key, secret and consumer key are all "sandbox".
    """
    from gitops.clock import SystemClock  # noqa: PLC0415 - loaded only when the command runs
    from gitops.sandbox.cluster.api import kubeconfig as kubeconfig_for  # noqa: PLC0415 - likewise
    from gitops.sandbox.cluster.cluster import SandboxCluster  # noqa: PLC0415 - likewise
    from gitops.sandbox.cluster.keeping import kept  # noqa: PLC0415 - likewise
    from gitops.sandbox.provider.mirror import install_mirror  # noqa: PLC0415 - likewise
    from gitops.sandbox.server import start_sandbox  # noqa: PLC0415 - likewise
    from gitops.sandbox.settings import CLUSTER, PROJECT, SandboxOptions, Timing  # noqa: PLC0415 - likewise

    clock = SystemClock()
    options = SandboxOptions(
        port=port, timing=Timing(join_after=timedelta(seconds=join_after)), state_file=state, region=region,
        plan=cluster_plan, kubeconfig=kubeconfig,
    )  # fmt: skip
    own = None if kubeconfig else SandboxCluster(clock)
    beside = state.with_name(state.name + ".cluster") if state else None
    # Ctrl-C is how a sandbox is meant to end.
    keeping = kept(own, beside) if own else nullcontext()
    with suppress(KeyboardInterrupt), keeping, start_sandbox(options, clock, cluster=own) as running:
        click.echo(running.url)
        remark(f"project {PROJECT}, cluster {CLUSTER}, region {region}; keys and secret: sandbox")
        remark("export OVH_ENDPOINT=" + running.url + " OVH_APPLICATION_KEY=sandbox OVH_APPLICATION_SECRET=sandbox"
               f" OVH_CONSUMER_KEY=sandbox OVH_SERVICE_NAME={PROJECT} OVH_KUBE_ID={CLUSTER}")  # fmt: skip
        if write_kubeconfig and own:
            write_kubeconfig.write_text(kubeconfig_for(running.url.removesuffix("/1.0")), encoding="utf-8")
            remark(f"kubectl --kubeconfig {write_kubeconfig} get nodes")
        if write_provider:
            remark(f"poolplan apply --cli-config {install_mirror(write_provider)}")
        running.wait()
