"""What the path of a request names, in Kubernetes' way of building paths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.sandbox.cluster.refusals import no_such_path
from gitops.sandbox.cluster.resources import find_resource
from gitops.sandbox.cluster.store import Key

if TYPE_CHECKING:
    from gitops.sandbox.cluster.resources import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A resource, perhaps of one namespace; one object where ``name`` is given; a ``part`` of it (a subresource)."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    part: str = ""

    @property
    def key(self) -> Key:
        """Where the object is kept."""
        return Key(self.resource.name, self.namespace, self.name)


def parse_target(path: str) -> Target:
    """``/api/v1/namespaces/default/pods/web-0/eviction``. Raises a 404 for what is not served."""
    steps = path.strip("/").split("/")
    group, version, rest = ("", steps[1], steps[2:]) if steps[0] == "api" else (steps[1], steps[2], steps[3:])
    inside = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] != "status":
        inside, rest = rest[1], rest[2:]
    plural, name, part = (*rest, "", "")[:3]
    resource = find_resource(group, version, plural)
    if resource is None or len(rest) > 3 or (part and part not in resource.parts):
        raise no_such_path()
    if (inside and not resource.namespaced) or (name and resource.namespaced and not inside):
        raise no_such_path()
    return Target(resource=resource, namespace=inside, name=name, part=part)
