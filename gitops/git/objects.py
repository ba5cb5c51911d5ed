"""Git's own objects as bytes: the ids and the exact form of blobs, trees and commits, and the edit of a tree.

Pure: where objects are kept is left to the store that is passed in. Because poolplan writes every byte of a commit
itself, no setting of a person's Git (signing, encodings, filters, hooks) can change what is proposed.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, NewType, Protocol, TypeAlias

from gitops.errors import Stalled
from gitops.git.base import Author, Commit, CommitId

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import PurePosixPath

    from gitops.git.base import Draft
    from gitops.git.signing import Signer

ObjectId = NewType("ObjectId", str)
Edits: TypeAlias = "Mapping[tuple[str, ...], bytes | None]"
"""New contents by the parts of a path; None removes the path."""

FOLDER = "40000"
PLAIN_FILES = frozenset({"100644", "100755"})
_KINDS = {"120000": "a symbolic link", "160000": "a submodule"}
_PACK_KINDS = {"commit": 1, "tree": 2, "blob": 3}
_LATEST = 250_000_000_000
"""Seconds: the year 9892. A date beyond it is somebody's joke, and Python cannot hold it."""
_SIGNATURES = (b"gpgsig", b"gpgsig-sha256")
_IDENTITY = re.compile(r"(?P<name>.*?) ?<(?P<email>[^>]*)> (?P<seconds>-?\d+) (?P<zone>[+-]\d{4})")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a tree. Names that are not UTF-8 keep their bytes as surrogates."""

    mode: str
    name: str
    id: ObjectId


class Source(Protocol):
    """Where trees are read from."""

    def tree(self, tree: ObjectId) -> tuple[Entry, ...]: ...


class Store(Source, Protocol):
    """Where objects are read from and written to."""

    def write(self, kind: str, data: bytes) -> ObjectId: ...


class Unwritten:
    """A store that keeps what is written, for one ``pack_bytes`` of it all, and reads everything else elsewhere."""

    def __init__(self, read: Callable[[ObjectId], tuple[Entry, ...]]) -> None:
        self._read = read
        self.objects: dict[ObjectId, tuple[str, bytes]] = {}

    def tree(self, tree: ObjectId) -> tuple[Entry, ...]:
        """The entries of a tree, new or old."""
        return parse_tree(self.objects[tree][1]) if tree in self.objects else self._read(tree)

    def write(self, kind: str, data: bytes) -> ObjectId:
        """The id the object has; nothing is written yet."""
        made = object_id(kind, data)
        self.objects[made] = (kind, data)
        return made


def object_id(kind: str, data: bytes) -> ObjectId:
    """The SHA-1 id that Git gives an object of this kind (``blob``, ``tree``, ``commit``)."""
    return ObjectId(hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data, usedforsecurity=False).hexdigest())


def pack_bytes(objects: Collection[tuple[str, bytes]]) -> bytes:
    """Objects as a pack (gitformat-pack, version 2), each of them whole: what ``git unpack-objects`` takes."""
    parts = [b"PACK" + (2).to_bytes(4) + len(objects).to_bytes(4)]
    for kind, data in objects:
        parts += [_pack_header(_PACK_KINDS[kind], len(data)), zlib.compress(data)]
    body = b"".join(parts)
    return body + hashlib.sha1(body, usedforsecurity=False).digest()


def _pack_header(kind: int, size: int) -> bytes:
    """Kind and size in groups of seven bits, the lowest first; the first group has three of the kind and four bits."""
    groups, rest = [kind << 4 | size & 15], size >> 4
    while rest:
        groups[-1] |= 128
        groups.append(rest & 127)
        rest >>= 7
    return bytes(groups)


def kind_of(mode: str) -> str:
    """What an entry that is neither a file nor a folder is, for people."""
    return _KINDS.get(mode, f"of mode {mode}")


def tree_bytes(entries: tuple[Entry, ...]) -> bytes:
    """A tree as Git stores it: sorted as if folders ended in a slash."""
    ordered = sorted(entries, key=lambda entry: _encoded(entry.name) + (b"/" if entry.mode == FOLDER else b""))
    return b"".join(
        b"%s %s\0%s" % (entry.mode.encode(), _encoded(entry.name), bytes.fromhex(entry.id)) for entry in ordered
    )


def parse_tree(data: bytes) -> tuple[Entry, ...]:
    """The entries of a tree object."""
    entries, start = [], 0
    while start < len(data):
        end = data.index(b"\0", start)
        mode, _, name = data[start:end].partition(b" ")
        start = end + 21
        known = ObjectId(data[end + 1 : start].hex())
        entries.append(Entry(mode.decode(), name.decode(errors="surrogateescape"), known))
    return tuple(entries)


def commit_bytes(draft: Draft, *, tree: ObjectId, parents: tuple[CommitId, ...]) -> bytes:
    """A commit as Git stores it, with both dates at ``draft.at`` in UTC and one newline at the end of the message."""
    who = f"{_clean(draft.author.name)} <{_clean(draft.author.email)}> {int(draft.at.timestamp())} +0000"
    lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author {who}", f"committer {who}"]
    message = draft.message.replace("\0", "").strip("\n")
    return ("\n".join(lines) + f"\n\n{message}\n").encode()


def with_signature(commit: bytes, signature: str) -> bytes:
    """A commit with a signature in its ``gpgsig`` header, as Git writes it: the last one, its lines indented by one."""
    head, _, message = commit.partition(b"\n\n")
    return b"%s\ngpgsig %s\n\n%s" % (head, signature.strip("\n").replace("\n", "\n ").encode(), message)


def split_signature(commit: bytes) -> tuple[bytes, tuple[str, ...]]:
    """What of a commit is signed, and its signatures: every byte but those of the ``gpgsig`` headers."""
    head, blank, message = commit.partition(b"\n\n")
    kept: list[bytes] = []
    found: list[list[bytes]] = []
    inside = False
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        inside = inside if line.startswith(b" ") else key in _SIGNATURES
        if not inside:
            kept.append(line)
        elif line.startswith(b" "):
            found[-1].append(line[1:])
        else:
            found.append([value])
    signatures = tuple(b"\n".join(lines).decode(errors="replace") for lines in found)
    return b"\n".join(kept) + blank + message, signatures


def same_but_signature(one: bytes, other: bytes) -> bool:
    """Whether two commits say the same: tree, parents, author, dates and message."""
    return split_signature(one)[0] == split_signature(other)[0]


def finished(commit: bytes, signer: Signer | None, standing: bytes | None) -> bytes:
    """The bytes to write: signed where there is a signer, and ``standing`` itself where that is the same, signed."""
    if signer is None:
        return commit
    if standing is not None and split_signature(standing)[1] and same_but_signature(standing, commit):
        return standing
    return with_signature(commit, signer.sign(commit))


def parse_commit(commit: CommitId, data: bytes) -> Commit:
    """A commit object as a value. Text that is not UTF-8 is shown with replacement characters."""
    head, _, message = data.decode(errors="replace").partition("\n\n")
    fields: dict[str, list[str]] = defaultdict(list)
    for line in head.split("\n"):
        key, _, value = line.partition(" ")
        fields[key].append(value)
    author, _ = _identity(fields["author"][0])
    _, at = _identity(fields["committer"][0])
    parents = tuple(CommitId(parent) for parent in fields["parent"])
    return Commit(id=commit, tree=fields["tree"][0], parents=parents, author=author, at=at, message=message)


def draft_edits(draft: Draft) -> dict[tuple[str, ...], bytes | None]:
    """What a draft does, by the parts of each path from the top of the repository."""
    edits: dict[tuple[str, ...], bytes | None] = {(draft.root / path).parts: None for path in draft.removed}
    edits.update({(draft.root / path).parts: text.encode() for path, text in draft.files})
    return edits


def edit_tree(store: Store, tree: ObjectId | None, edits: Edits) -> ObjectId | None:
    """Write the tree with the edits made; None where nothing is left of it. Raises Stalled for a path in the way.

    Everything that the edits do not name keeps its id and mode.
    """
    return _edit(store, tree, edits, above="")


def _edit(store: Store, tree: ObjectId | None, edits: Edits, *, above: str) -> ObjectId | None:
    entries = {entry.name: entry for entry in (store.tree(tree) if tree else ())}
    files = {parts[0]: content for parts, content in edits.items() if len(parts) == 1}
    deeper: dict[str, dict[tuple[str, ...], bytes | None]] = defaultdict(dict)
    for parts, content in edits.items():
        if len(parts) > 1:
            deeper[parts[0]][parts[1:]] = content
    for name, content in sorted(files.items()):
        _put(store, entries, name, content, above=above)
    for name, below in sorted(deeper.items()):
        _descend(store, entries, name, below, above=above)
    return store.write("tree", tree_bytes(tuple(entries.values()))) if entries else None


def _put(store: Store, entries: dict[str, Entry], name: str, content: bytes | None, *, above: str) -> None:
    old = entries.get(name)
    if old is not None and old.mode == FOLDER:
        if content is not None:
            raise Stalled(f"{above}{name} is a folder where poolplan writes a file: move it away")
        return
    if content is None:
        entries.pop(name, None)
        return
    blob = object_id("blob", content)
    if old is None or old.id != blob or old.mode not in PLAIN_FILES:
        entries[name] = Entry("100644", name, store.write("blob", content))


def _descend(store: Store, entries: dict[str, Entry], name: str, below: Edits, *, above: str) -> None:
    old = entries.get(name)
    if old is not None and old.mode != FOLDER:
        if any(content is not None for content in below.values()):
            raise Stalled(f"{above}{name} is no folder, but poolplan writes files below it: move it away")
        return
    made = _edit(store, old.id if old else None, below, above=f"{above}{name}/")
    if made is None:
        entries.pop(name, None)
    elif old is None or made != old.id:
        entries[name] = Entry(FOLDER, name, made)


def find_entry(store: Source, tree: ObjectId, path: PurePosixPath) -> Entry | None:
    """What stands at a path of a tree; the tree itself for the empty path."""
    entry = Entry(FOLDER, "", tree)
    for part in path.parts:
        if entry.mode != FOLDER:
            return None
        found = next((one for one in store.tree(entry.id) if one.name == part), None)
        if found is None:
            return None
        entry = found
    return entry


def text_of(data: bytes, path: PurePosixPath) -> str:
    """A file's text, line ends as they are. Raises Stalled when it is not UTF-8."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise Stalled(f"{path} is not UTF-8 text (byte {error.start + 1}). Convert it, or move it away") from error


def _identity(text: str) -> tuple[Author, datetime]:
    match = _IDENTITY.fullmatch(text)
    if match is None:
        return Author(text, ""), datetime.fromtimestamp(0, UTC)
    hours, minutes = int(match["zone"][:3]), int(match["zone"][0] + match["zone"][3:])
    zone = timezone(timedelta(hours=hours, minutes=minutes)) if abs(hours) < 24 else UTC
    seconds = min(max(int(match["seconds"]), 0), _LATEST)
    return Author(match["name"], match["email"]), datetime.fromtimestamp(seconds, zone)


def _encoded(name: str) -> bytes:
    return name.encode(errors="surrogateescape")


def _clean(text: str) -> str:
    """Without the characters that Git uses around a name."""
    return re.sub(r"[<>\n\0]", "", text).strip()
