"""The fields of ``spec.forge`` in cluster.yaml as written. ``gitops.settings_forge`` judges them."""

from __future__ import annotations

from gitops.cluster.wire import Wire


class SecretKey(Wire):
    namespace: str
    name: str
    key: str


class Source(Wire):
    env: str | None = None
    file: str | None = None
    secret: SecretKey | None = None


class App(Wire):
    id: int | str
    installation: int
    private_key: Source


class Forge(Wire):
    kind: str | None = None
    url: str | None = None
    repository: str | None = None
    token: Source | None = None
    app: App | None = None
    ca_file: str | None = None
