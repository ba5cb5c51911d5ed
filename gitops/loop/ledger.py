"""A cluster's ledger: the branch ``<prefix><cluster>/ledger``, one file a record, only ever added to.

Adding is a compare-and-swap on the branch: of two controllers that race, one adds and the other is told to look again.
So a claim can be made once, and what was applied stays known. The branch has no files of the main branch in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from gitops.errors import Stalled
from gitops.git.base import Author, BranchName, Draft
from gitops.loop.records import Event, Record, read_record, record_text
from planner.errors import ValueRefused
from renderer.files import FileSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.git.base import CommitId, Repository
    from gitops.git.signing import Signer
    from gitops.settings import Settings

RECORDS = PurePosixPath("records")
NAME = "ledger"
CLAIM = timedelta(hours=2)
"""How long a claim holds others back. Terraform waits an hour for a pool; what is claimed longer was abandoned."""
OPEN = (Event.OPENED, Event.REVISED)
"""The events after which a proposal stands."""
_LIVES = (*OPEN, Event.DECLINED, Event.MERGED, Event.WITHDRAWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The records as of ``head``, oldest first; ``head`` None: nothing was ever recorded."""

    head: CommitId | None = None
    records: tuple[Record, ...] = ()

    @property
    def applied(self) -> Record | None:
        """What was applied last."""
        return next(self._of(Event.APPLIED), None)

    def claim(self, now: datetime) -> Record | None:
        """The claim that is still held: neither applied nor failed since, and not too old."""
        ended = (Event.APPLIED, Event.FAILED)
        newest = next((one for one in reversed(self.records) if one.event in (Event.CLAIMED, *ended)), None)
        if newest is None or newest.event is not Event.CLAIMED or time_of(newest.at) + CLAIM < now:
            return None
        return newest

    def latest(self, kind: str) -> Record | None:
        """What happened last to the proposals of a kind: opened, declined, merged or withdrawn."""
        return next((one for one in self._of(*_LIVES) if one.kind == kind), None)

    def standing_since(self, kind: str, *, priority: int) -> Record | None:
        """Since which record a proposal of a kind stands for pods of at least this priority; None where none does."""
        first = None
        for one in self._of(*_LIVES):
            if one.kind == kind:
                if one.event not in OPEN or one.figures.priority < priority:
                    break
                first = one
        return first

    def of_request(self, number: int, *events: Event) -> Record | None:
        """The newest of these events of a pull request."""
        return next((one for one in self._of(*events) if one.request == number), None)

    def since(self, start: datetime, *events: Event) -> tuple[Record, ...]:
        """The records of these events from a time on, newest first."""
        return tuple(one for one in self._of(*events) if time_of(one.at) >= start)

    def _of(self, *events: Event) -> Iterator[Record]:
        return (one for one in reversed(self.records) if one.event in events)


def ledger_branch(settings: Settings) -> BranchName:
    """The ledger's branch, beside the cluster's proposals."""
    return BranchName(f"{settings.git.proposal_prefix}{settings.name}/{NAME}")


def read_ledger(repository: Repository, settings: Settings) -> Ledger:
    """The ledger as of the last ``refresh``. Raises Stalled for one that cannot be read: it is not taken for empty."""
    head = repository.head(ledger_branch(settings))
    if head is None:
        return Ledger()
    files = repository.read(head, RECORDS)
    try:
        records = [read_record(text, file=f"{ledger_branch(settings)}:{RECORDS / path}") for path, text in files]
    except ValueRefused as refused:
        raise Stalled(f"{repository.name}: {refused}. Put back what was there with git revert") from refused
    ordered = sorted(records, key=lambda one: one.number)
    if [one.number for one in ordered] != list(range(1, len(ordered) + 1)):
        raise Stalled(f"{repository.name}: records are missing from {ledger_branch(settings)}. Put them back")
    return Ledger(head=head, records=tuple(ordered))


def append(
    repository: Repository, settings: Settings, ledger: Ledger, record: Record, *, keep: tuple[CommitId, ...] = (),
    signer: Signer | None = None,
) -> Ledger:  # fmt: skip
    """The ledger with one record more. Raises Waiting where somebody else added meanwhile: read it again then.

    ``keep`` are commits that stay reachable through the ledger, whatever becomes of their branches.
    """
    numbered = record.numbered(len(ledger.records) + 1)
    path = PurePosixPath(f"{numbered.number:07d}-{numbered.event.value}.json")
    draft = Draft(
        root=RECORDS, files=FileSet.of({path: record_text(numbered)}), message=_message(numbered, settings),
        author=Author(settings.git.author_name, settings.git.author_email), at=time_of(record.at),
    )  # fmt: skip
    commit = repository.commit(draft, parent=ledger.head, also=keep, signer=signer)
    repository.push(commit, ledger_branch(settings), expect=ledger.head)
    return Ledger(head=commit, records=(*ledger.records, numbered))


def _message(record: Record, settings: Settings) -> str:
    request = f" request {record.request}" if record.request else ""  # without a #, which forges would link
    subject = f"Record {settings.name}: {record.kind}{request} {record.event.value}"
    body = f"{record.reason}\n\n" if record.reason else ""
    who = f"{settings.git.author_name} <{settings.git.author_email}>"
    return f"{subject}\n\n{body}Poolplan-Digest: {record.digest}\nSigned-off-by: {who}\n"


def time_of(text: str) -> datetime:
    """An RFC 3339 time in UTC. Raises Stalled for what is none: a guess would let a claim run out."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Stalled(f"a ledger's record has no time that can be read: {text!r}") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
