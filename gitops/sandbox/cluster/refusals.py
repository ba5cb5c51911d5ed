"""What the cluster says no with: Kubernetes' Status objects, with the codes and reasons that its clients know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gitops.errors import PoolplanError

if TYPE_CHECKING:
    from gitops.sandbox.cluster.jsonvalues import Object


class Refusal(PoolplanError):
    """A request that the cluster does not carry out; ``status`` is the body that says so."""

    def __init__(self, code: int, reason: str, message: str, *, details: Object | None = None) -> None:
        self.code = code
        self.status: Object = {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
            "reason": reason, "code": code, "details": details or {},
        }
        super().__init__(message)


def not_found(name: str, plural: str, group: str = "") -> Refusal:
    """No such object."""
    what = f"{plural}.{group}" if group else plural
    details: Object = {"name": name, "group": group, "kind": plural}
    return Refusal(404, "NotFound", f'{what} "{name}" not found', details=details)


def no_such_path() -> Refusal:
    """Nothing is served there."""
    return Refusal(404, "NotFound", "the server could not find the requested resource")


def conflict(name: str, why: str) -> Refusal:
    """The object is not any more what the request took it for."""
    return Refusal(409, "Conflict", f'Operation cannot be fulfilled on "{name}": {why}')


def invalid(message: str) -> Refusal:
    """The request's object cannot be what it says."""
    return Refusal(422, "Invalid", message)


def bad_request(message: str) -> Refusal:
    """The request cannot be read."""
    return Refusal(400, "BadRequest", message)
