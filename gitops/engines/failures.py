"""Turns Terraform's complaints into one of poolplan's errors: one line, and whether trying again may help; pure.

The first diagnostic speaks; the number of the others follows. What the OVH API answered is taken out of the provider's
words by its status code, because the provider wraps it differently from call to call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gitops.errors import Fatal, PoolplanError, Stalled, Waiting
from gitops.ovh.failures import QuotaLacking
from gitops.redact import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gitops.engines.events import Diagnostic

LONGEST = 400
"""Characters of a foreign message that are shown; providers put whole requests into theirs."""

_API = re.compile(
    r"status code (?P<status>\d{3})\):\s+(?:(?P<kind>[\w:]+): )?\"(?P<message>(?:[^\"\\]|\\.)*)\""
    r"(?: \(X-OVH-Query-Id: (?P<query>[^)]+)\))?"
)
_UNREACHABLE = re.compile(r"connection refused|no such host|name or service not known|timed out", re.IGNORECASE)
_WRONG_STATE = re.compile(r"unexpected state '(?P<state>[A-Z_]*)'")
_LOCK = re.compile(r"^\s*(?P<field>ID|Operation|Who|Created):\s*(?P<value>.*\S)", re.MULTILINE)
_HTTP_LOCK = re.compile(r"already locked: ID=(?P<id>\S+)")
_BUSY_WORDS = re.compile(r"status is [A-Z]+|is not ready|is being|already (?:being|in progress)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meaning:
    """What an HTTP status means to poolplan: the error's kind, and what to do next."""

    kind: Callable[[str], PoolplanError]
    remedy: str


def _later(seconds: float) -> Callable[[str], PoolplanError]:
    return lambda message: Waiting(message, retry_after=seconds)


_KEYS = _Meaning(
    kind=Stalled,
    remedy="check OVH_ENDPOINT, OVH_APPLICATION_KEY, OVH_APPLICATION_SECRET and OVH_CONSUMER_KEY, and their rights",
)
_SERVER = _Meaning(kind=_later(30), remedy="OVH may recover: try again later")
_MEANINGS = {
    400: _Meaning(kind=Stalled, remedy="correct the pool"),
    401: _KEYS,
    403: _KEYS,
    404: _Meaning(kind=Stalled, remedy="check the project (service_name) and the cluster (kube_id)"),
    409: _Meaning(kind=Stalled, remedy="look for a pool of the same name that poolplan does not know"),
    412: _Meaning(kind=QuotaLacking, remedy="ask OVHcloud to raise the quota of the project, or plan less"),
    429: _Meaning(kind=_later(60), remedy="too many requests: try again in a minute"),
}
_BUSY = _Meaning(kind=_later(30), remedy="the pool is busy: try again when it is READY")


def failure(
    complaints: Sequence[Diagnostic], *, doing: str, aside: str = "", secrets: Iterable[str] = (), fallback: str = ""
) -> PoolplanError:
    """The error for a command that failed while ``doing`` something (``planning``), from its error diagnostics.

    ``aside`` is added to the message; ``fallback`` is what the program printed, shown when it gave no diagnostic.
    """
    if not complaints:
        reason = _one_line(fallback) or "it gave no reason"
        return Stalled(redact(f"Terraform failed while {doing}: {reason}", secrets) + aside)
    others = len(complaints) - 1
    more = f" (and {others} more {'problem' if others == 1 else 'problems'})" if others else ""
    kind, message = _judge(complaints[0])
    return kind(redact(message, secrets) + more + aside)


def _judge(first: Diagnostic) -> tuple[Callable[[str], PoolplanError], str]:
    text = f"{first.summary} {first.detail}"
    answer = _API.search(text) or _API.search(text.replace('\\"', '"'))
    subject = _subject(first.address)
    if answer:
        return _judge_answer(answer, subject)
    if "state lock" in first.summary:
        return _judge_lock(first.detail)
    if state := _WRONG_STATE.search(text):
        remedy = "see what OVHcloud says of it; a pool in creation is then not in Terraform's state"
        return Stalled, f"{subject}OVH put the pool into {state['state'] or 'no state'} while it was awaited; {remedy}"
    if "Saved plan is stale" in first.summary:
        return _later(0), "the state changed after the plan was made, nothing was applied: plan again"
    unreachable = _UNREACHABLE.search(text)
    if "credential sources" in first.summary:
        remedy = "export the keys of spec.terraform.backend (for s3 AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
        return Stalled, f"Terraform's state cannot be reached, no credentials for it were found: {remedy}"
    if "provider packages" in first.summary or "install provider" in first.summary:
        remedy = "check the network, or name a mirror of providers in a Terraform CLI configuration file"
        kind = _later(30) if unreachable else Fatal
        return kind, f"Terraform cannot install a provider: {_one_line(first.detail)}; {remedy}"
    if unreachable:
        return _later(30), f"{subject}a server cannot be reached: {_joined(first)}"
    where = f"{first.place}: " if first.place and not first.address else ""
    return Stalled, f"{where}{subject}{_joined(first)}"


def _judge_answer(answer: re.Match[str], subject: str) -> tuple[Callable[[str], PoolplanError], str]:
    status, message = int(answer["status"]), answer["message"].replace('\\"', '"')
    meaning = _SERVER if status >= 500 else _MEANINGS.get(status, _MEANINGS[400])
    if status in (400, 409) and _BUSY_WORDS.search(message):
        meaning = _BUSY
    query = f" (query {answer['query']})" if answer["query"] else ""
    return meaning.kind, f"{subject}OVH answered {status}: {_one_line(message)}{query}; {meaning.remedy}"


def _judge_lock(detail: str) -> tuple[Callable[[str], PoolplanError], str]:
    lock = {match["field"]: match["value"] for match in _LOCK.finditer(detail)}
    if "ID" not in lock:
        return _later(30), f"the Terraform state cannot be locked: {_one_line(detail)}"
    if other := _HTTP_LOCK.search(detail):  # what stands below it is our own vain try, not the holder
        return _later(30), f"the Terraform state is locked: {_way_out(other['id'])}"
    operation = lock.get("Operation", "").removeprefix("OperationType").lower() or "something"
    who, since = lock.get("Who", "somebody"), lock.get("Created", "an unknown time")
    return _later(30), f"the Terraform state is locked by {who} for {operation} since {since}: {_way_out(lock['ID'])}"


def _way_out(lock: str) -> str:
    return f"wait for its holder to end; when that is dead, `poolplan apply --unlock {lock}` ends the lock"


def _subject(address: str) -> str:
    """``ovh_cloud_project_kube_nodepool.karpenter-b3-8`` -> ``pool karpenter-b3-8: ``; nothing for a provider."""
    kind, _, label = address.partition(".")
    if not address or kind.startswith("provider["):
        return ""
    return f"pool {label}: " if kind == "ovh_cloud_project_kube_nodepool" else f"{address}: "


def _joined(first: Diagnostic) -> str:
    summary, detail = _one_line(first.summary), _one_line(first.detail)
    return f"{summary}: {detail}" if detail else summary


def _one_line(text: str) -> str:
    short = " ".join(text.split())
    return short if len(short) <= LONGEST else short[: LONGEST - 1] + "…"
