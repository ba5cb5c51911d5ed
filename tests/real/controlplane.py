"""A real Kubernetes control plane on loopback: etcd and kube-apiserver, and the scheduler and controllers when asked.

It decides how the programs are started, found ready and stopped. There are no kubelets: a Node is an object that a test
writes and a pod never runs, so what the real scheduler decides can be seen, and nothing else. What to load and what to
expect of it is left to the tests.
"""

from __future__ import annotations

import csv
import json
import re
import secrets
import socket
import ssl
import subprocess
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any

from gitops.clock import monotonic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

Object = dict[str, Any]

PATIENCE = 90.0  # seconds until a program that should be ready counts as broken; a loaded machine needs many of them
ADMIN, SCHEDULER, CONTROLLERS = "admin", "kube-scheduler", "kube-controller-manager"
IDENTITIES = {  # name -> (user, group), as the bootstrap RBAC policy knows them
    ADMIN: ("poolplan-test", "system:masters"),
    SCHEDULER: ("system:kube-scheduler", ""),
    # Each controller has a role of its own for an account of its own; one account for all of them needs every right.
    CONTROLLERS: ("system:kube-controller-manager", "system:masters"),
}

# What a scheduling decision reads, in the order in which it can be created.
PATHS = {
    "Namespace": "/api/v1/namespaces",
    "PriorityClass": "/apis/scheduling.k8s.io/v1/priorityclasses",
    "RuntimeClass": "/apis/node.k8s.io/v1/runtimeclasses",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
    "PersistentVolume": "/api/v1/persistentvolumes",
    "PersistentVolumeClaim": "/api/v1/namespaces/{}/persistentvolumeclaims",
    "Service": "/api/v1/namespaces/{}/services",
    "PodDisruptionBudget": "/apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "/apis/apps/v1/namespaces/{}/daemonsets",
    "Node": "/api/v1/nodes",
    "CSINode": "/apis/storage.k8s.io/v1/csinodes",
    "Pod": "/api/v1/namespaces/{}/pods",
}
ORDER = tuple(PATHS)
#: Kinds of which the API server makes some objects for itself, which stay.
WITH_BUILTINS = ("PriorityClass", "Service")
SERVER_SET = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "selfLink")


#: Of the scheduler's metrics: how many pods wait in each of its queues.
_QUEUES = re.compile(rb'^scheduler_pending_pods\{queue="(\w+)"\} (\S+)$', re.MULTILINE)


class ControlPlaneError(Exception):
    """A part of the control plane did not do what it is asked; the message carries the end of its log."""


@dataclass(frozen=True, slots=True)
class Program:
    """One running part, with the file that holds what it says."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        """Raise ControlPlaneError when the program has ended."""
        if self.process.poll() is not None:
            raise ControlPlaneError(f"{self.name} ended with {self.process.returncode}:\n{self.last_words()}")

    def last_words(self) -> str:
        return "\n".join(self.log.read_text("utf-8", errors="replace").splitlines()[-15:])

    def stop(self) -> None:
        """End the program: asked first, made to after some seconds."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class ControlPlane:
    """A running control plane. ``folder`` holds its keys, logs and kubeconfig files and nothing else.

    ``lines`` are connections by port: a new one for each request would take longer than the request.
    """

    folder: Path
    programs: Mapping[str, Path]
    tokens: Mapping[str, str]
    port: int
    scheduler_port: int
    running: dict[str, Program] = field(default_factory=dict)
    lines: dict[int, HTTPSConnection] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig file of an administrator."""
        return self.folder / f"{ADMIN}.kubeconfig"

    def call(self, method: str, path: str, body: Object | None = None) -> Object:
        """One request to the API server, as administrator. Raises ControlPlaneError with the server's own message."""
        data = None if body is None else json.dumps(body).encode()
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        status, said = self._ask(self.port, method, path, data, kind)
        if status >= 300:
            raise ControlPlaneError(f"{method} {path}: {status}: {said.decode(errors='replace')}")
        answer: Object = json.loads(said)
        return answer

    def _ask(self, port: int, method: str, path: str, data: bytes | None = None, kind: str = "") -> tuple[int, bytes]:
        """Status and body. Raises OSError or HTTPException where nobody answers."""
        headers = {"Authorization": f"Bearer {self.tokens[ADMIN]}", "Content-Type": kind}
        used_before = port in self.lines
        if not used_before:
            trust = ssl.create_default_context(cafile=str(self.folder / "apiserver.crt"))
            self.lines[port] = HTTPSConnection("127.0.0.1", port, timeout=30, context=trust)
        line = self.lines[port]
        try:
            line.request(method, path, data, headers)
            response = line.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException):
            self.hang_up(port)
            if not used_before:
                raise
        return self._ask(port, method, path, data, kind)  # the server may end a connection that was idle

    def create(self, objects: Iterable[Object]) -> None:
        """Create objects of the kinds in PATHS, with the namespaces they live in; a ``List`` counts as its items."""
        plain = [clean(item) for item in flatten(objects)]
        there = self._namespaces()
        lived_in = {item["metadata"].get("namespace", "default") for item in plain}
        given = {item["metadata"]["name"] for item in plain if item["kind"] == "Namespace"}
        plain += [namespace(name) for name in sorted(lived_in - there - given)]
        for item in sorted(plain, key=lambda item: ORDER.index(item["kind"])):
            self._create_one(item, replace=item["kind"] == "Namespace" and item["metadata"]["name"] in there)

    def _create_one(self, item: Object, *, replace: bool) -> None:
        name, path = item["metadata"]["name"], path_of(item["kind"], item["metadata"].get("namespace", "default"))
        if replace:
            self.call("PUT", f"{path}/{name}", item)
        elif not _is_builtin(item["kind"], name):
            self.call("POST", path, item)

    def _namespaces(self) -> set[str]:
        return {item["metadata"]["name"] for item in self.call("GET", PATHS["Namespace"])["items"]}

    def listed(self, kind: str, namespace: str = "") -> list[Object]:
        """All objects of a kind, of every namespace unless one is named, by namespace and name."""
        items: list[Object] = self.call("GET", path_of(kind, namespace))["items"]
        return sorted(items, key=lambda item: (item["metadata"].get("namespace", ""), item["metadata"]["name"]))

    def snapshot(self) -> Object:
        """Everything in the cluster of the kinds in PATHS, as the ``List`` that ``kubectl get -o json`` writes."""
        items = [
            {"apiVersion": api_version_of(kind), "kind": kind, **item} for kind in ORDER for item in self.listed(kind)
        ]
        return {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": items}

    def clear(self) -> None:
        """Stop what decides and delete what a test has made, so that the next test starts on an empty cluster."""
        self.stop(SCHEDULER)
        self.stop(CONTROLLERS)
        # Namespaces stay: no controller runs that would finish their deletion.
        for kind in reversed(ORDER[1:]):
            for path in self._collections(kind):
                self.call("DELETE", path, {"gracePeriodSeconds": 0})

    def _collections(self, kind: str) -> list[str]:
        """Paths whose deletion deletes all that a test has made of a kind: of namespaces, or of single objects."""
        items = [item["metadata"] for item in self.listed(kind)]
        if kind in WITH_BUILTINS:
            made = [one for one in items if not _is_builtin(kind, one["name"])]
            return [f"{path_of(kind, one.get('namespace', ''))}/{one['name']}" for one in made]
        return sorted({path_of(kind, one.get("namespace", "")) for one in items})

    def start_scheduler(self, *options: str) -> None:
        """Start the scheduler: after the objects are there, so that it sees them all before its first decision."""
        config = self.folder / f"{SCHEDULER}.config"
        config.write_text(json.dumps(_scheduler_config(self._kubeconfig(SCHEDULER))), "utf-8")
        key, certificate = self.folder / "apiserver.key", self.folder / "apiserver.crt"
        self.hang_up(self.scheduler_port)
        self._start(
            SCHEDULER, f"--config={config}", f"--secure-port={self.scheduler_port}", "--bind-address=127.0.0.1",
            # A key of its own would take a second to make, at each start.
            f"--tls-private-key-file={key}", f"--tls-cert-file={certificate}",
            "--authentication-skip-lookup=true", "--authorization-always-allow-paths=/metrics", *options,
        )

    def is_at_rest(self) -> bool:
        """Whether the scheduler has bound or refused every pod and waits for something to happen in the cluster."""
        # What it has bound last may move refused pods back into its queue a moment later.
        return self._queue_rests() and not threading.Event().wait(0.2) and self._queue_rests()

    def _queue_rests(self) -> bool:
        pending = self.call("GET", f"{path_of('Pod')}?fieldSelector=spec.nodeName%3D")["items"]
        if not pending or not all(refusal(pod) for pod in pending):
            return not pending
        try:
            _, said = self._ask(self.scheduler_port, "GET", "/metrics")
        except (OSError, HTTPException):
            return False  # it is only starting
        found = {name.decode(): int(float(count)) for name, count in _QUEUES.findall(said)}
        waiting = found.get("unschedulable", 0) + found.get("gated", 0)
        return waiting == len(pending) and not found.get("active") and not found.get("backoff")

    def start_controllers(self) -> None:
        """Start the controllers that make pods from workloads; those that watch kubelets' heartbeats stay off."""
        self._start(
            CONTROLLERS, "--leader-elect=false", "--secure-port=0", f"--kubeconfig={self._kubeconfig(CONTROLLERS)}",
            "--controllers=deployment-controller,replicaset-controller,statefulset-controller,daemonset-controller,"
            "disruption-controller,garbage-collector-controller,namespace-controller",
        )

    def stop(self, name: str) -> None:
        """Stop one program, where it runs."""
        program = self.running.pop(name, None)
        if program:
            program.stop()

    def hang_up(self, *ports: int) -> None:
        """Close the connections to these ports, or all."""
        for port in ports or tuple(self.lines):
            line = self.lines.pop(port, None)
            if line:
                line.close()

    def wait(self, what: str, done: Callable[[], bool]) -> None:
        """Ask again until ``done`` says yes. Raises ControlPlaneError when a program ends or patience does."""
        if not self.comes(done, patience=PATIENCE):
            logs = "\n".join(f"--- {name}\n{program.last_words()}" for name, program in self.running.items())
            raise ControlPlaneError(f"{what} did not come within {PATIENCE:.0f} s\n{logs}")

    def comes(self, done: Callable[[], bool], *, patience: float) -> bool:
        """Whether ``done`` says yes within ``patience`` seconds. Raises ControlPlaneError when a program ends."""
        pause, deadline = threading.Event(), monotonic() + patience
        while not done():
            for program in self.running.values():
                program.check()
            if monotonic() > deadline:
                return False
            pause.wait(0.05)
        return True

    def settled_pods(self) -> list[Object]:
        """All pods, once the scheduler has said yes or no to each of them."""
        self.wait("a decision on every pod", lambda: all(bound_node(pod) or refusal(pod) for pod in self.listed("Pod")))
        return self.listed("Pod")

    def _kubeconfig(self, identity: str) -> Path:
        return self.folder / f"{identity}.kubeconfig"

    def _start(self, name: str, *arguments: str) -> None:
        self.stop(name)  # a second one would run on unnoticed
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                [str(self.programs[name]), *arguments], cwd=self.folder, stdout=output, stderr=subprocess.STDOUT,
            )
        self.running[name] = Program(name, process, log)

    def start_server(self, etcd_port: int, peer_port: int) -> None:
        """Start etcd and the API server and wait until the server says it is ready."""
        client, peer = f"http://127.0.0.1:{etcd_port}", f"http://127.0.0.1:{peer_port}"
        self._start(
            "etcd", f"--data-dir={self.folder / 'etcd'}", "--unsafe-no-fsync", "--log-level=error",
            f"--listen-client-urls={client}", f"--advertise-client-urls={client}", f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=default={peer}",
        )
        self._start(
            "kube-apiserver", f"--etcd-servers={client}", f"--secure-port={self.port}", "--bind-address=127.0.0.1",
            f"--cert-dir={self.folder}", f"--token-auth-file={self.folder / 'tokens.csv'}",
            # The server makes its own serving key on its first start; one key is enough for a cluster of one test.
            f"--service-account-signing-key-file={self.folder / 'apiserver.key'}",
            f"--service-account-key-file={self.folder / 'apiserver.key'}",
            "--service-account-issuer=https://kubernetes.default.svc", "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC,Node", "--endpoint-reconciler-type=none",
            # Bare pods have no service account, a node without a kubelet would stay tainted as not ready, and a volume
            # that is deleted would wait for a controller to let it go.
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition,StorageObjectInUseProtection",
        )
        self.wait("kube-apiserver", self._is_ready)

    def _is_ready(self) -> bool:
        """Ready and its bootstrap done: the namespace that objects go to without naming one is its last."""
        try:
            return "default" in self._namespaces() and bool(self.call("GET", PATHS["PriorityClass"])["items"])
        except (ControlPlaneError, HTTPException, OSError):
            return False


@contextmanager
def control_plane(programs: Mapping[str, Path], folder: Path) -> Iterator[ControlPlane]:
    """A control plane with an API server that answers; at the end all stops. ``programs`` are the parts by name."""
    port, etcd_port, peer_port, scheduler_port = free_ports(4)
    tokens = {name: secrets.token_hex(16) for name in IDENTITIES}
    plane = ControlPlane(folder, programs, tokens, port, scheduler_port)
    _write_identities(plane)
    with ExitStack() as stack:
        for name in ("etcd", "kube-apiserver", CONTROLLERS, SCHEDULER):
            stack.callback(plane.stop, name)
        stack.callback(plane.hang_up)
        plane.start_server(etcd_port, peer_port)
        yield plane


def _write_identities(plane: ControlPlane) -> None:
    with (plane.folder / "tokens.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        for name, (user, group) in IDENTITIES.items():
            rows.writerow([plane.tokens[name], user, user, group])
            (plane.folder / f"{name}.kubeconfig").write_text(json.dumps(_kubeconfig_of(plane, name)), "utf-8")


def _kubeconfig_of(plane: ControlPlane, name: str) -> Object:
    cluster = {
        "server": f"https://127.0.0.1:{plane.port}", "certificate-authority": str(plane.folder / "apiserver.crt"),
    }
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": name, "user": {"token": plane.tokens[name]}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
    }


def _scheduler_config(kubeconfig: Path) -> Object:
    """The default profile. Only what the scheduler waits for is shorter: its turns to speak, and to try a pod again."""
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1", "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False}, "podInitialBackoffSeconds": 1, "podMaxBackoffSeconds": 1,
        "clientConnection": {"kubeconfig": str(kubeconfig), "qps": 1000, "burst": 2000},
    }  # fmt: skip


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody uses now; held together while they are chosen, so that they differ."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def path_of(kind: str, namespace: str = "") -> str:
    """Where the API server keeps objects of a kind: in one namespace, or in all. Raises KeyError for other kinds."""
    return PATHS[kind].format(namespace) if namespace else PATHS[kind].replace("/namespaces/{}", "")


def api_version_of(kind: str) -> str:
    """``v1``, or group and version, as objects of the kind have it."""
    root, *rest = PATHS[kind].strip("/").split("/")
    return rest[0] if root == "api" else f"{rest[0]}/{rest[1]}"


def namespace(name: str) -> Object:
    """A namespace without labels."""
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def flatten(objects: Iterable[Object]) -> Iterator[Object]:
    """Objects one by one, those inside ``List`` objects too."""
    for item in objects:
        if "items" in item:
            yield from flatten(item["items"])
        else:
            yield item


def clean(item: Object) -> Object:
    """The object without what only a server may set, so that one read from a cluster can be created in another."""
    metadata = {key: value for key, value in item["metadata"].items() if key not in SERVER_SET}
    return {**item, "metadata": metadata}


def bound_node(pod: Object) -> str:
    """The node the pod is bound to, or nothing."""
    return str(pod["spec"].get("nodeName", ""))


def refusal(pod: Object) -> str:
    """Why the scheduler put the pod nowhere, in its own words, or nothing."""
    conditions = pod.get("status", {}).get("conditions", ())
    return next((str(one.get("message", "")) for one in conditions if _is_refusal(one)), "")


def _is_refusal(condition: Object) -> bool:
    told = (condition["type"], condition["status"])
    return told == ("PodScheduled", "False") and condition.get("reason") in {"Unschedulable", "SchedulingGated"}


def _is_builtin(kind: str, name: str) -> bool:
    """What the API server makes for itself in every cluster."""
    return (kind == "PriorityClass" and name.startswith("system-")) or (kind == "Service" and name == "kubernetes")
