"""The questions a client asks about itself: who it is, and what it may. The sandbox has one user, who may all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gitops.sandbox.cluster.jsonvalues import as_object
from gitops.sandbox.cluster.refusals import bad_request

if TYPE_CHECKING:
    from gitops.sandbox.cluster.jsonvalues import Object

USER = "kubernetes-admin-sandbox"
_STATUS: dict[str, Object] = {
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews": {"allowed": True, "reason": "the sandbox has one user"},
    "/apis/authentication.k8s.io/v1/selfsubjectreviews": {
        "userInfo": {"username": USER, "groups": ["system:masters", "system:authenticated"]},
    },
}  # fmt: skip


def reviewed(path: str, body: bytes) -> Object | None:
    """The object with its answer; None for any other path. Raises a 400 for a body that is no object."""
    status = _STATUS.get(path)
    if status is None:
        return None
    try:
        asked = as_object(msgspec.json.decode(body))
    except msgspec.MsgspecError as error:
        raise bad_request(str(error)) from error
    return {**asked, "status": status}
