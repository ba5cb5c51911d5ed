"""Creates, reads, changes and removes node pools through the API, and waits as the real provider does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tf.types import Unknown

from gitops.clock import monotonic
from gitops.sandbox.provider.api import ApiError
from gitops.sandbox.provider.values import State, creation_body, state_after, state_of, update_body

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from gitops.sandbox.provider.api import Api

POLL_SECONDS = 0.2
APPEARANCE_SECONDS = 120.0  # a pool may answer 404 for a while after its creation
DEFAULT_TIMEOUT = "1h"
BUSY = frozenset({"INSTALLING", "UPDATING", "REDEPLOYING", "RESIZING", "DOWNSCALING", "UPSCALING", "UNKNOWN"})
UNIT_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


class Pools:
    """Node pools of the API, by Terraform's values. ``stopping`` ends every wait."""

    def __init__(self, api: Api, stopping: threading.Event) -> None:
        self._api = api
        self._stopping = stopping

    def create(self, planned: Mapping[str, Any]) -> State:
        """Create and wait for READY or ERROR, as the real provider does."""
        known = _known(planned)
        pool = self._api.call("POST", _path(known), creation_body(known))
        path = f"{_path(known)}/{pool['id']}"
        self._wait(path, ("READY", "ERROR"), BUSY, _timeout(known, "create"), missing_for=APPEARANCE_SECONDS)
        return state_after(self._api.call("GET", path), known)

    def read(self, current: Mapping[str, Any]) -> State | None:
        """The pool as it is, or None when it is gone."""
        try:
            return state_of(self._api.call("GET", f"{_path(current)}/{current['id']}"), current)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def update(self, current: Mapping[str, Any], planned: Mapping[str, Any]) -> State:
        """Send all that may change and wait for READY."""
        known = _known(planned)
        path = f"{_path(current)}/{current['id']}"
        self._api.call("PUT", path, update_body(known))
        self._wait(path, ("READY",), BUSY, _timeout(known, "update"))
        return state_after(self._api.call("GET", path), known)

    def delete(self, current: Mapping[str, Any]) -> None:
        """Remove and wait until the API no longer knows the pool; one that is gone already counts as removed."""
        path = f"{_path(current)}/{current['id']}"
        try:
            self._api.call("DELETE", path)
            self._wait(path, (), frozenset({"DELETING"}), _timeout(current, "delete"))
        except ApiError as error:
            if error.status != 404:
                raise

    def _wait(
        self, path: str, targets: tuple[str, ...], pending: frozenset[str], timeout: float, *, missing_for: float = 0.0
    ) -> None:
        """Poll until the status is a target. Any status that is neither target nor pending is an error."""
        wanted = ", ".join(targets) or "DELETED"
        begun = monotonic()
        while not self._stopping.wait(POLL_SECONDS):
            passed = monotonic() - begun
            status = self._status(path, tolerate_missing=passed < missing_for)
            if status in targets:
                return
            if status not in pending:
                raise ApiError(f"waiting for {path}: unexpected state '{status}', wanted target '{wanted}'")
            if passed > timeout:
                raise ApiError(f"waiting for {path}: still {status} after {timeout:g} s, wanted target '{wanted}'")
        raise ApiError(f"waiting for {path} was interrupted before it was {wanted}")

    def _status(self, path: str, *, tolerate_missing: bool) -> str:
        try:
            return str(self._api.call("GET", path)["status"])
        except ApiError as error:
            if error.status == 404 and tolerate_missing:
                return "UNKNOWN"
            raise


def _known(planned: Mapping[str, Any]) -> State:
    return {name: value for name, value in planned.items() if value is not None and value is not Unknown}


def _path(values: Mapping[str, Any]) -> str:
    return f"/cloud/project/{values['service_name']}/kube/{values['kube_id']}/nodepool"


def _timeout(values: Mapping[str, Any], operation: str) -> float:
    """Seconds from a block like ``timeouts { create = "1h30m" }``."""
    given = values.get("timeouts") or {}
    text = given.get(operation) or given.get("default") or DEFAULT_TIMEOUT
    return sum(float(amount) * UNIT_SECONDS[unit] for amount, unit in re.findall(r"([\d.]+)(ms|h|m|s)", text))
