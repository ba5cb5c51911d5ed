"""``poolplan render``: a plan document as the files that would be committed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitops.commands.options import remark
from gitops.errors import InputError

if TYPE_CHECKING:
    from planner.plan import Plan


@click.command("render")
@click.argument("plan", type=click.Path(path_type=Path))
@click.option("--into", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Where the files go.")
@click.option("--service-name", metavar="ID", default="", help="OVH project. Default: OVH_SERVICE_NAME.")
@click.option("--kube-id", metavar="ID", default="", help="OVH cluster. Default: OVH_KUBE_ID.")
@click.option("--settings", type=click.Path(path_type=Path), metavar="FILE", help="A cluster.yaml.")
def command(plan: Path, into: Path, service_name: str, kube_id: str, settings: Path | None) -> None:
    """Write the pools of a plan document (plan.json) as DIR/terraform/*.tf and DIR/manifests/*.yaml.

    Files that already say the same are left as they are; pool files no longer wanted are removed.
    """
    from gitops.environment import environment  # noqa: PLC0415 - loaded only when the command runs
    from gitops.files import read_folders, write_folder  # noqa: PLC0415 - likewise
    from gitops.settings_read import load_settings  # noqa: PLC0415 - likewise
    from renderer.layout import MANIFESTS, TERRAFORM  # noqa: PLC0415 - likewise
    from renderer.terraform_settings import TerraformSettings  # noqa: PLC0415 - likewise
    from renderer.tree import removed_paths, render_plan  # noqa: PLC0415 - likewise

    found = read_plan(plan)
    variables = environment()
    if settings is not None:
        loaded = load_settings(settings, variables)
        terraform, delegate = loaded.terraform, loaded.delegate
    else:
        service_name = service_name or variables.get("OVH_SERVICE_NAME", "")
        kube_id = kube_id or variables.get("OVH_KUBE_ID", "")
        if not service_name or not kube_id:
            remark("ids that are not given become Terraform variables: see --service-name, --kube-id and --settings")
        terraform, delegate = TerraformSettings(service_name=service_name, kube_id=kube_id), None
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
