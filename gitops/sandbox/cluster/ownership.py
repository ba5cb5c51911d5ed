"""What controllers share: the pods of an owner, new pods from its template, names that follow from content alone."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from gitops.sandbox.cluster.jsonvalues import at, changed, object_at, objects_at, pairs_at, text_at
from gitops.sandbox.cluster.store import Key, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gitops.sandbox.cluster.jsonvalues import Json, Object
    from gitops.sandbox.cluster.store import Store

ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # as Kubernetes' generated names: no vowels, nothing easily misread
FINISHED = ("Succeeded", "Failed")


def suffix(content: Json, length: int = 5) -> str:
    """A short word that follows from the content."""
    number = int.from_bytes(hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest(), "big")
    letters = []
    for _ in range(length):
        number, letter = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[letter])
    return "".join(letters)


def name_of(item: Object) -> str:
    """metadata.name."""
    return text_at(item, "metadata", "name")


def namespace_of(item: Object) -> str:
    """metadata.namespace."""
    return text_at(item, "metadata", "namespace")


def uid_of(item: Object) -> str:
    """metadata.uid."""
    return text_at(item, "metadata", "uid")


def controller_uid(item: Object) -> str:
    """The uid of the object's controller, or nothing."""
    owners = objects_at(item, "metadata", "ownerReferences")
    return next((text_at(owner, "uid") for owner in owners if owner.get("controller") is True), "")


def owned(store: Store, owner: Object, resource: str) -> list[Object]:
    """The objects of a resource that this one controls, by name."""
    return [one for one in store.items(resource, namespace_of(owner)) if controller_uid(one) == uid_of(owner)]


def active_pods(store: Store, owner: Object) -> list[Object]:
    """The owner's pods that have not ended and are not on their way out, by name."""
    pods = owned(store, owner, "pods")
    return [pod for pod in pods if phase(pod) not in FINISHED and not at(pod, "metadata", "deletionTimestamp")]


def phase(pod: Object) -> str:
    """status.phase."""
    return text_at(pod, "status", "phase")


def is_ready(item: Object) -> bool:
    """Whether the Ready condition of a pod or node is True."""
    conditions = objects_at(item, "status", "conditions")
    return any((text_at(one, "type"), text_at(one, "status")) == ("Ready", "True") for one in conditions)


def make_owned(store: Store, owner: Object, item: Object) -> Object:
    """Keep a new object under the control of ``owner``."""
    reference: Object = {
        "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name_of(owner), "uid": uid_of(owner),
        "controller": True, "blockOwnerDeletion": True,
    }
    item = changed(item, "metadata", "ownerReferences", to=[reference])
    return store.create(key_of(item, namespace_of(owner)), item)


def make_pod(
    store: Store, owner: Object, name: str, *, spec: Object | None = None, labels: Mapping[str, str] | None = None
) -> None:
    """A pending pod from the owner's template, with another ``spec`` or more ``labels`` where they are given."""
    template = object_at(owner, "spec", "template")
    all_labels: Object = {**pairs_at(template, "metadata", "labels"), **(labels or {})}
    metadata: Object = {**object_at(template, "metadata"), "name": name, "labels": all_labels}
    pod: Object = {
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec or object_at(template, "spec"),
        "status": {"phase": "Pending"},
    }
    make_owned(store, owner, pod)


def remove(store: Store, item: Object) -> None:
    """Delete an object."""
    store.delete(key_of(item))


def set_status(store: Store, item: Object, status: Object) -> None:
    """Write these parts of the status."""
    store.replace(key_of(item), changed(item, "status", to={**object_at(item, "status"), **status}))


def count_name(store: Store, owner: Object) -> str:
    """The next name for a child of the owner: never used before, the same in every run."""
    key: Key = key_of(owner)
    return f"{name_of(owner)}-{suffix([*key, store.count('/'.join(key))])}"
