"""``poolplan render``: a plan document as the files that would be committed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops.commands.options import remark
from gitops.errors import InputError
from renderer.terraform_settings import TerraformSettings

if TYPE_CHECKING:
    from planner.plan import Plan


@click.command("render")
@click.argument("plan", type=click.Path(path_type=Path), required=False)
@click.option("--into", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Where the files go.")
@click.option("--service-name", metavar="ID", default="", help="OVH project. Default: OVH_SERVICE_NAME.")
@click.option("--kube-id", metavar="ID", default="", help="OVH cluster. Default: OVH_KUBE_ID.")
@click.option("--settings", type=click.Path(path_type=Path), metavar="FILE", help="A cluster.yaml.")
@click.option("--bootstrap", type=click.Choice(["argocd", "flux", "tofu-controller"]),
              help="Write, in place of pools, the files that start a delegate; needs --settings.")
@click.option("--repo-url", metavar="URL", default="",
              help="Where the delegate finds the repository. Default: on the forge of cluster.yaml.")
def command(**options: Any) -> None:
    """Write the pools of a plan document (plan.json) as DIR/terraform/*.tf and DIR/manifests/*.yaml.

    Files that already say the same are left as they are; pool files no longer wanted are removed.
    """
    into, settings = options["into"], options["settings"]
    if options["bootstrap"] is not None:
        _bootstrap(options["bootstrap"], settings, options["repo_url"], into)
    elif options["plan"] is None:
        raise click.UsageError("name a plan document, or what to --bootstrap")
    else:
        given = TerraformSettings(service_name=options["service_name"], kube_id=options["kube_id"])
        _render(options["plan"], into, given, settings)


def _bootstrap(delegate: str, settings: Path | None, url: str, into: Path) -> None:
    from gitops.commands.bootstrap import write_bootstrap  # noqa: PLC0415 - loaded only when asked for
    from gitops.environment import environment  # noqa: PLC0415 - likewise
    from gitops.settings_read import load_settings  # noqa: PLC0415 - likewise

    if settings is None:
        raise click.UsageError("--bootstrap needs --settings: which cluster is it for?")
    write_bootstrap(delegate, load_settings(settings, environment()), url=url, into=into)


def _render(plan: Path, into: Path, given: TerraformSettings, settings: Path | None) -> None:
    from gitops.environment import environment  # noqa: PLC0415 - loaded only when the command runs
    from gitops.files import read_folders, write_folder  # noqa: PLC0415 - likewise
    from gitops.settings_read import load_settings  # noqa: PLC0415 - likewise
    from renderer.layout import MANIFESTS, TERRAFORM  # noqa: PLC0415 - likewise
    from renderer.tree import removed_paths, render_plan  # noqa: PLC0415 - likewise

    found = read_plan(plan)
    variables = environment()
    if settings is not None:
        loaded = load_settings(settings, variables)
        terraform, delegate = loaded.terraform, loaded.delegate
    else:
        service_name = given.service_name or variables.get("OVH_SERVICE_NAME", "")
        kube_id = given.kube_id or variables.get("OVH_KUBE_ID", "")
        if not service_name or not kube_id:
            remark("ids that are not given become Terraform variables: see --service-name, --kube-id and --settings")
        terraform, delegate = replace(given, service_name=service_name, kube_id=kube_id), None
    existing = read_folders(into, (TERRAFORM, MANIFESTS))
    files = render_plan(found, terraform, existing=existing, delegate=delegate)
    written = write_folder(into, files, removed=removed_paths(existing, files))
    remark(f"{len(files)} files in {into}, {written} of them changed")


def read_plan(path: Path) -> Plan:
    """The plan of a plan document, whole and unchanged since it was made. Raises InputError."""
    from gitops.decoding import read_input  # noqa: PLC0415 - loaded only when the command runs
    from renderer.document_read import read_plan_text  # noqa: PLC0415 - likewise
    from renderer.errors import TextRefused  # noqa: PLC0415 - likewise

    try:
        return read_plan_text(read_input(path, "plan document", megabytes=256), file=str(path))
    except TextRefused as error:
        raise InputError(str(error)) from error
