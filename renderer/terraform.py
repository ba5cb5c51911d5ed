"""A pool as a Terraform file of its own: resource ``ovh_cloud_project_kube_nodepool``; and one that lets a pool go.

What the resource does with a value left out decides what is written here: a pool applied, then planned again, shows
no difference. A pool that was there before Terraform knew it has an ``import`` block behind its resource: Terraform
takes no notice of it once the pool is in its state, and takes the pool in again where the state was lost.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from planner.errors import ValueRefused
from planner.pools import Pool
from renderer.hcl import Reference, Value, attributes, block, indented, quote, text_of
from renderer.layout import checked_name

if TYPE_CHECKING:
    from planner.taints import Taint

RESOURCE: Final = "ovh_cloud_project_kube_nodepool"
SERVICE_NAME: Final = Reference("local.service_name")
KUBE_ID: Final = Reference("local.kube_id")
HEADER: Final = "# poolplan owns this file. A size may be changed here by hand; all else follows from the policy."
RELEASED: Final = "# poolplan owns this file. It lets go of the pool and leaves it as it is; delete it after that."
#: ``removed`` blocks; OpenTofu knows ``lifecycle`` in them from 1.10 on, and fails without a change before that.
RELEASE_VERSION: Final = ">= 1.7.0"
_DESIRED = re.compile(r"^(?P<head>[ \t]*desired_nodes[ \t]*=[ \t]*)\d+", re.MULTILINE)


def resource_label(pool: str) -> str:
    """The resource's label: the pool's name; an underscore, which no pool name holds, goes before a digit."""
    return f"_{pool}" if checked_name(pool)[0].isdigit() else pool


def address(pool: str) -> str:
    """The resource's address in plans and in state."""
    return f"{RESOURCE}.{resource_label(pool)}"


def pool_file(pool: Pool, *, imported: str = "") -> str:
    """The whole file of one pool, as ``terraform fmt`` leaves it. Raises ValueRefused for a name that is none.

    ``imported`` is how the provider finds the pool, where it is there already (``import_id``).

    Sizes are always written: the provider fills what is left out from the last state and calls that no change.
    ``autoscale`` is always written, as sizes have one writer.
    """
    body = attributes([
        ("service_name", SERVICE_NAME), ("kube_id", KUBE_ID), ("name", pool.name), ("flavor_name", pool.flavor),
        *_zones(pool), ("monthly_billed", pool.monthly_billed), ("anti_affinity", pool.anti_affinity),
    ])  # fmt: skip
    sizes = attributes([
        ("desired_nodes", pool.desired), ("min_nodes", pool.minimum), ("max_nodes", pool.maximum),
        ("autoscale", pool.autoscale),
    ])  # fmt: skip
    paragraphs = [body, sizes, _template(pool)]
    if pool.autoscale:  # the autoscaler changes the size; Terraform must not change it back
        paragraphs.append(block("lifecycle", attributes([("ignore_changes", [Reference("desired_nodes")])])))
    joined = [line for paragraph in paragraphs if paragraph for line in ("", *paragraph)][1:]
    resource = [HEADER, *block(f"resource {quote(RESOURCE)} {quote(resource_label(pool.name))}", joined)]
    return text_of(resource, _import_block(pool.name, imported) if imported else [])


def import_id(pool: Pool, service_name: str, kube_id: str) -> str:
    """How terraform-provider-ovh finds an existing pool. Raises ValueRefused where one of the ids is not known."""
    ids = (service_name, kube_id, pool.state.id if pool.state is not None else "")
    if not all(ids):
        raise ValueRefused("a pool is imported by the ids of project, cluster and pool, and one of them is not given")
    return "/".join(ids)


def _import_block(pool: str, imported: str) -> list[str]:
    """Takes an existing pool into Terraform's state (Terraform 1.5, OpenTofu 1.6)."""
    return block("import", attributes([("to", Reference(address(pool))), ("id", imported)]))


def released_text(pool: str) -> str:
    """The file that takes a pool out of Terraform's state and leaves the pool alone (Terraform 1.7, OpenTofu 1.10).

    It says itself which versions know the block: older ones then fail before they plan.
    """
    versions = block("terraform", attributes([("required_version", RELEASE_VERSION)]))
    kept = block("lifecycle", attributes([("destroy", False)]))
    forgotten = block("removed", [*attributes([("from", Reference(address(pool)))]), "", *kept])
    return text_of([RELEASED, *versions], forgotten)


def resized_text(text: str, desired: int) -> str | None:
    """The text with one number changed, everything else as a person left it; None where that is not clear."""
    found = list(_DESIRED.finditer(text))
    if len(found) != 1:
        return None
    match = found[0]
    return f"{text[: match.start()]}{match['head']}{desired}{text[match.end() :]}"


def _zones(pool: Pool) -> list[tuple[str, Value]]:
    """The attribute is ForceNew and not computed: left out where the API has a zone, it would replace the pool."""
    return [("availability_zones", list(pool.zones))] if pool.zones else []


def _template(pool: Pool) -> list[str]:
    """Nothing where every part is empty, for the provider reads such a block back as none; else all six leaves."""
    if not any(pool.template):
        return []
    metadata = attributes([
        ("annotations", dict(pool.annotations)), ("finalizers", list(pool.finalizers)), ("labels", dict(pool.labels)),
    ])  # fmt: skip
    spec = attributes([("taints", [_taint(taint) for taint in pool.taints]), ("unschedulable", pool.unschedulable)])
    return ["template {", *indented([*block("metadata", metadata), "", *block("spec", spec)]), "}"]


def _taint(taint: Taint) -> Value:
    """With its value, even an empty one: the API answers ``""``, and a value left out would differ for ever."""
    return {"key": taint.key, "value": taint.value, "effect": taint.effect}
