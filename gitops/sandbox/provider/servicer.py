"""Answers Terraform's RPCs for the provider: its settings, and plans that follow OVHcloud's provider to the letter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tf.gen import tfplugin_pb2 as messages
from tf.iface import Provider
from tf.provider import ProviderServicer
from tf.types import Unknown
from tf.utils import read_dynamic_value, to_dynamic_value

from gitops.sandbox.provider import SOURCE
from gitops.sandbox.provider.api import Api, ApiError
from gitops.sandbox.provider.planning import plan_creation, plan_update
from gitops.sandbox.provider.pools import Pools
from gitops.sandbox.provider.resource import PROJECT_VARIABLE, NodePoolResource
from gitops.sandbox.provider.schema import provider_schema

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from tf.schema import Schema
    from tf.utils import Diagnostics


class OvhProvider(Provider):  # type: ignore[misc]
    """The provider as the framework wants it. ``stopping`` is set when Terraform wants every wait to end."""

    def __init__(self, environment: Mapping[str, str], stopping: threading.Event) -> None:
        self.environment = environment
        self.stopping = stopping
        self._api: Api | None = None

    def pools(self) -> Pools:
        """The node pools of the configured account."""
        if self._api is None:
            raise ApiError("the provider is not configured")
        return Pools(self._api, self.stopping)

    def full_name(self) -> str:
        return SOURCE

    def get_model_prefix(self) -> str:
        return "ovh_"

    def get_provider_schema(self, diags: Diagnostics) -> Schema:  # noqa: ARG002 - the framework's signature
        return provider_schema()

    def validate_config(self, diags: Diagnostics, config: Mapping[str, Any]) -> None:
        """One way to authenticate at most."""
        ways = [name for name in ("access_token", "application_key", "client_id") if config.get(name)]
        if len(ways) > 1:
            diags.add_error(f"give only one of {', '.join(ways)}")

    def configure_provider(self, diags: Diagnostics, config: Mapping[str, Any]) -> None:
        """Build the client and ask the API who we are, unless ``ignore_init_error`` is set."""
        ignore = config.get("ignore_init_error") or self.environment.get("OVH_IGNORE_INIT_ERROR") in ("1", "true")
        try:
            self._api = Api(config, self.environment)
            if not ignore:
                self._api.check()
        except ApiError as error:
            diags.add_error(str(error))

    def get_data_sources(self) -> list[Any]:
        return []

    def get_resources(self) -> list[Any]:
        return [NodePoolResource]


class Servicer(ProviderServicer):  # type: ignore[misc]
    """The framework's RPCs, with plans of our own.

    Answers are marked ``legacy_type_system``, as those of every provider built on the Terraform SDK are: it lets a
    changed pool come back with counts and dates that the plan showed as they were before.
    """

    def PlanResourceChange(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        prior = read_dynamic_value(request.prior_state)
        proposed = read_dynamic_value(request.proposed_new_state)
        project = self.app.environment.get(PROJECT_VARIABLE)
        replaced: tuple[str, ...] = ()
        if proposed is None:
            planned = None
        elif prior is None:
            planned = plan_creation(proposed, project=project, unknown=Unknown)
        else:
            planned, replaced = plan_update(prior, proposed, project=project)
        return messages.PlanResourceChange.Response(
            planned_state=to_dynamic_value(planned), requires_replace=[_path(name) for name in replaced],
            legacy_type_system=True,
        )

    def ApplyResourceChange(self, request: Any, context: Any) -> Any:  # noqa: N802
        response = super().ApplyResourceChange(request, context)
        response.legacy_type_system = True
        return response

    def StopProvider(self, request: Any, context: Any) -> Any:  # noqa: ARG002, N802
        self.app.stopping.set()
        return messages.StopProvider.Response()


def _path(name: str) -> Any:
    return messages.AttributePath(steps=[messages.AttributePath.Step(attribute_name=name)])
