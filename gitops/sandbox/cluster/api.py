"""The cluster over HTTP, as kubectl and Kubernetes' client libraries speak it.

Whoever shows a bearer token must show ``sandbox``. Bodies are JSON. Lists come in pages where a client asks for that,
and as tables. The OpenAPI documents say no more than that the server checks what it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gitops.sandbox.answers import VERSION
from gitops.sandbox.cluster import resources
from gitops.sandbox.cluster.cluster import scale_of
from gitops.sandbox.cluster.jsonvalues import Json, Object, as_object, changed, number_at, object_at, text_at
from gitops.sandbox.cluster.paging import Pages
from gitops.sandbox.cluster.patches import apply_patch
from gitops.sandbox.cluster.paths import parse_target
from gitops.sandbox.cluster.refusals import Refusal, bad_request, no_such_path
from gitops.sandbox.cluster.reviews import reviewed
from gitops.sandbox.cluster.tables import table
from gitops.sandbox.cluster.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from gitops.sandbox.cluster.cluster import SandboxCluster
    from gitops.sandbox.cluster.paths import Target

TOKEN = "sandbox"  # noqa: S105 - opens nothing but a sandbox
DELETE_OPTIONS = ("dryRun", "propagationPolicy")
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
PATHS = ("/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for objects."""

    method: str
    target: Target
    query: Mapping[str, str]
    body: Json
    content_type: str
    as_table: bool

    @property
    def dry(self) -> bool:
        return self.query.get("dryRun") == "All"

    @property
    def selectors(self) -> dict[str, str]:
        return {"labels": self.query.get("labelSelector", ""), "fields": self.query.get("fieldSelector", "")}


def cluster_routes(cluster: SandboxCluster) -> list[Route]:
    """The routes of the cluster's API server, for the root of an application."""
    front = _Front(cluster)
    return [Route(path + below, front.handle, methods=METHODS) for path in PATHS for below in ("", "/{rest:path}")]


def kubeconfig(url: str) -> str:
    """A kubeconfig for the cluster served at ``url``, as OVH's API words it: one cluster and one user."""
    return "\n".join((
        "apiVersion: v1", "kind: Config", "preferences: {}", "current-context: kubernetes-admin@sandbox",
        "clusters:", "- name: sandbox", "  cluster:", f"    server: {url}",
        "contexts:", "- name: kubernetes-admin@sandbox",
        "  context: {cluster: sandbox, user: kubernetes-admin-sandbox}",
        "users:", "- name: kubernetes-admin-sandbox", f"  user: {{token: {TOKEN}}}", "",
    ))


class _Front:
    """Turns requests into answers."""

    def __init__(self, cluster: SandboxCluster) -> None:
        self._cluster = cluster
        self._pages = Pages()

    async def handle(self, request: Request) -> Response:
        body = await request.body()
        path = request.scope["path"]
        if path in {"/healthz", "/livez", "/readyz"}:
            return Response("ok", media_type="text/plain")
        try:
            _authenticate(request)
            return self._answer(request, path.rstrip("/"), body)
        except Refusal as refusal:
            return _json(refusal.status, refusal.code)

    def _answer(self, request: Request, path: str, body: bytes) -> Response:
        document = _document(path)
        if document is not None:
            return _json(document)
        if request.method == "POST" and (review := reviewed(path, body)) is not None:
            return _json(review, 201)
        asked = _asked(request, path, body)
        if asked.method == "GET" and asked.query.get("watch", "") in {"1", "true"}:
            return StreamingResponse(self._watch(asked).lines(), media_type="application/json")
        answer = _HANDLERS[asked.method](self._cluster, asked)
        if asked.method == "GET" and not asked.target.name:
            limit, token = _whole(asked.query, "limit"), asked.query.get("continue", "")
            answer = self._pages.page(answer, limit=limit, token=token)
        if asked.as_table and asked.method == "GET" and not asked.target.part:
            answer = self._as_table(asked, answer)
        return _json(answer, 201 if asked.method == "POST" else 200)

    def _watch(self, asked: Asked) -> Watch:
        if "sendInitialEvents" in asked.query:
            raise Refusal(422, "Invalid", "sendInitialEvents is forbidden: list first, then watch from there")
        target = asked.target
        fields = [asked.query.get("fieldSelector", ""), f"metadata.name={target.name}" if target.name else ""]
        return Watch(
            cluster=self._cluster, resource=target.resource.name, namespace=target.namespace,
            labels=asked.query.get("labelSelector", ""), fields=",".join(filter(None, fields)),
            since=_whole(asked.query, "resourceVersion"), seconds=_whole(asked.query, "timeoutSeconds"),
            bookmarks=asked.query.get("allowWatchBookmarks", "") in {"1", "true"},
            shape=lambda item: self._as_table(asked, item) if asked.as_table else item,
        )

    def _as_table(self, asked: Asked, answer: Object) -> Object:
        items = answer.get("items")
        listed = [as_object(item) for item in items] if isinstance(items, list) else [answer]
        return table(asked.target.resource.kind, listed, _of_list(answer), self._cluster.now())


def _of_list(answer: Object) -> Object:
    """What the metadata of a list, or of one object, says of lists."""
    metadata = object_at(answer, "metadata")
    return {name: metadata[name] for name in ("resourceVersion", "continue", "remainingItemCount") if name in metadata}


def _authenticate(request: Request) -> None:
    """On plain HTTP kubectl shows no token at all (client-go: ``IsConfigTransportTLS``), so that is let in."""
    if request.headers.get("authorization", "") not in {"", f"Bearer {TOKEN}"}:
        raise Refusal(401, "Unauthorized", "Unauthorized")


def _asked(request: Request, path: str, body: bytes) -> Asked:
    if "protobuf" in request.headers.get("content-type", ""):
        message = "the body is protobuf and must be JSON; with kubectl, apply -f a file instead of create"
        raise Refusal(415, "UnsupportedMediaType", message)
    try:
        decoded: Json = msgspec.json.decode(body) if body else None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_request(f"the body is not JSON: {error}") from error
    return Asked(
        method=request.method, target=parse_target(path), query=dict(request.query_params), body=decoded,
        content_type=request.headers.get("content-type", "").partition(";")[0],
        as_table="as=Table" in request.headers.get("accept", ""),
    )


def _whole(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "") or "0"
    if not text.isdecimal():
        raise bad_request(f"{name} is {text!r}; it must be a whole number")
    return int(text)


def _json(value: Json, code: int = 200) -> Response:
    return Response(msgspec.json.encode(value), code, media_type="application/json")


def _document(path: str) -> Object | None:
    """What the server says of itself, or None where the path names objects. Raises a 404."""
    match path.strip("/").split("/"):
        case ["version"]:
            major, minor, _ = VERSION.split(".")
            return {"major": major, "minor": minor, "gitVersion": f"v{VERSION}", "platform": "linux/amd64"}
        case ["api"]:
            return resources.core_versions()
        case ["apis"]:
            return resources.group_list()
        case ["openapi", "v3", *rest]:
            found = resources.openapi_document(rest) if rest else resources.openapi_index()
        case ["api", version]:
            found = resources.resource_list("", version)
        case ["apis", group]:
            found = resources.group_of(group)
        case ["apis", group, version]:
            found = resources.resource_list(group, version)
        case ["api" | "apis", *_]:
            return None
        case _:
            found = None
    if found is None:
        raise no_such_path()
    return found


def _get(cluster: SandboxCluster, asked: Asked) -> Object:
    target = asked.target
    if target.name:
        item = cluster.read(target.key)
        return scale_of(item) if target.part == "scale" else item
    with cluster.locked() as store:
        items: list[Json] = [*cluster.listing(target.resource.name, target.namespace, **asked.selectors)]
        return {
            "kind": f"{target.resource.kind}List", "apiVersion": target.resource.api_version,
            "metadata": {"resourceVersion": str(store.serial)}, "items": items,
        }


def _post(cluster: SandboxCluster, asked: Asked) -> Object:
    target, body = asked.target, as_object(asked.body)
    match target.part:
        case "eviction":
            cluster.evict(target.key, body)
        case "binding":
            cluster.bind(target.key, body)
        case "" if not target.name:
            return cluster.create(target.resource.name, target.namespace, body, dry=asked.dry)
        case _:
            raise _not_allowed(asked)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _put(cluster: SandboxCluster, asked: Asked) -> Object:
    if asked.target.part == "scale":
        return _write_scale(cluster, asked, as_object(asked.body))
    _need_name(asked)
    return cluster.replace(asked.target.key, as_object(asked.body), part=asked.target.part, dry=asked.dry)


def _patch(cluster: SandboxCluster, asked: Asked) -> Object:
    target = asked.target
    if target.part == "scale":
        with cluster.locked():
            patched = apply_patch(scale_of(cluster.read(target.key)), asked.body, asked.content_type)
            return _write_scale(cluster, asked, patched)
    _need_name(asked)
    return cluster.patch(target.key, asked.body, asked.content_type, part=target.part, dry=asked.dry)


def _write_scale(cluster: SandboxCluster, asked: Asked, scale: Object) -> Object:
    with cluster.locked():
        item = changed(cluster.read(asked.target.key), "spec", "replicas", to=number_at(scale, "spec", "replicas"))
        version = text_at(scale, "metadata", "resourceVersion")
        if version:
            item = changed(item, "metadata", "resourceVersion", to=version)
        return scale_of(cluster.replace(asked.target.key, item, dry=asked.dry))


def _delete(cluster: SandboxCluster, asked: Asked) -> Object:
    target, options = asked.target, as_object(asked.body)
    options = {**{name: asked.query[name] for name in DELETE_OPTIONS if name in asked.query}, **options}
    if target.part:
        raise _not_allowed(asked)
    if target.name:
        return cluster.delete(target.key, options)
    found = _get(cluster, asked)
    for item in cluster.listing(target.resource.name, target.namespace, **asked.selectors):
        metadata = object_at(item, "metadata")
        cluster.delete(
            target.key._replace(namespace=text_at(metadata, "namespace"), name=text_at(metadata, "name")), options,
        )
    return found


def _need_name(asked: Asked) -> None:
    if not asked.target.name or asked.target.part not in {"", "status"}:
        raise _not_allowed(asked)


def _not_allowed(asked: Asked) -> Refusal:
    return Refusal(405, "MethodNotAllowed", f"{asked.method} is not allowed here")


_HANDLERS: dict[str, Callable[[SandboxCluster, Asked], Object]] = {
    "GET": _get, "HEAD": _get, "POST": _post, "PUT": _put, "PATCH": _patch, "DELETE": _delete,
}
