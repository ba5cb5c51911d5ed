"""Signs commits, and says by whose known key a commit is signed, through ``ssh-keygen`` and ``gpg``.

Both work on the commit object's own bytes, as Git does: the signature stands in the ``gpgsig`` header and covers
every other byte. A key given by value is written only into a private folder that is gone after the signature, and
never stands in a list of arguments.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol

from gitops.environment import inherited
from gitops.errors import Stalled
from gitops.git.objects import split_signature
from gitops.process import Finished, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gitops.git.base import CommitId, Repository
    from gitops.settings_signing import Signing

TIMEOUT = 60.0
"""Seconds. A key on a token that waits for a touch, or one with a passphrase, is no key for a machine."""
SSH_BEGIN = "-----BEGIN SSH SIGNATURE-----"
PGP_BEGIN = "-----BEGIN PGP SIGNATURE-----"
PGP_KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
#: Nobody is there to be asked: a program that wants a passphrase fails instead.
_SILENT = {"SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "force", "LC_ALL": "C", "LANGUAGE": "C"}
_SSH_KEY = re.compile(r"((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+) +([A-Za-z0-9+/]+=*)(?: .*)?")
_FINGERPRINT = re.compile(r"(?:0X)?([0-9A-F]{40}|[0-9A-F]{64})")
_LOADING = re.compile(r'Permissions .* are too open|(?<=": )incorrect passphrase')
_REMEDY = "check spec.git.signing.key in cluster.yaml: a private key without a passphrase"


class Signer(Protocol):
    """Signs commits."""

    def sign(self, payload: bytes) -> str:
        """The armored signature of a commit object's bytes, its lines joined by newlines. Raises Stalled, Waiting."""


@dataclass(frozen=True, slots=True)
class Signed:
    """By a known key: ``SHA256:…`` for SSH, the fingerprint of the primary key for GPG."""

    by: str


@dataclass(frozen=True, slots=True)
class Unproven:
    """Not known to be by anybody. ``reason`` is a sentence without a full stop."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SshSigner:
    """Signs with an SSH key: the path of a private key, or else the key itself."""

    file: Path | None = None
    key: str = field(default="", repr=False)

    def sign(self, payload: bytes) -> str:
        """The armored signature in Git's namespace. Raises Stalled for a key of no use, Fatal without ssh-keygen."""
        with TemporaryDirectory(prefix="poolplan-") as folder:
            file = self.file or _private(Path(folder) / "key", self.key.strip() + "\n")
            done = _run(["ssh-keygen", "-Y", "sign", "-n", "git", "-f", str(file)], stdin=payload)
        if done.code or SSH_BEGIN not in done.out:
            why = _LOADING.search(done.err)
            raise Stalled(f"ssh-keygen cannot sign with the key that is set{f' ({why[0]})' if why else ''}; {_REMEDY}")
        return done.out.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class GpgSigner:
    """Signs with the only secret key of an export (``gpg --export-secret-keys --armor``): its path, or the text."""

    file: Path | None = None
    key: str = field(default="", repr=False)

    def sign(self, payload: bytes) -> str:
        """The armored detached signature. Raises Stalled for a key of no use, Fatal without gpg."""
        try:
            key = self.file.read_bytes() if self.file else self.key.encode()
        except OSError as error:
            raise Stalled(f"{self.file} cannot be read: {error.strerror}; {_REMEDY}") from None
        with _key_ring(key) as home:
            done = _run([*_gpg(home), "--pinentry-mode", "loopback", "--detach-sign", "--armor"], stdin=payload)
        if done.code or PGP_BEGIN not in done.out:
            raise Stalled(f"gpg cannot sign with the key that is set; {_REMEDY}")
        return done.out.strip()


def signer_of(signing: Signing | None, variables: Mapping[str, str]) -> Signer | None:
    """What ``spec.git.signing`` asks for; None where it asks for nothing. Raises Stalled without the key it names."""
    if signing is None:
        return None
    made = SshSigner if signing.format.value == "ssh" else GpgSigner
    if signing.file:
        file = Path(signing.file)
        if not file.is_file():
            raise Stalled(f"there is no key file {file}; check spec.git.signing.key.file in cluster.yaml")
        return made(file=file)
    key = variables.get(signing.env, "")
    if not key.strip():
        raise Stalled(f"{signing.env} is not set; spec.git.signing.key.env in cluster.yaml says that the key is there")
    return made(key=key)


def known_signer(repository: Repository, commit: CommitId, keys: Sequence[str]) -> str | None:
    """By which of these keys a commit is signed, as ``Signed.by``; None where it is by none of them."""
    verdict = verify(repository.raw(commit), keys)
    return verdict.by if isinstance(verdict, Signed) else None


def verify(commit: bytes, keys: Sequence[str]) -> Signed | Unproven:
    """Whether a commit object is signed by one of these keys.

    A key is an SSH public key (``ssh-ed25519 AAAA… comment``), an armored PGP public key, or the fingerprint of a PGP
    key that this machine's gpg has. Raises Stalled for a key that is none of these, Fatal without the program.
    """
    known = [_known(key) for key in keys]
    payload, signatures = split_signature(commit)
    if not signatures:
        return Unproven("it is not signed")
    if len(signatures) > 1:
        return Unproven("it has more than one signature")
    if signatures[0].startswith(SSH_BEGIN):
        return _verify_ssh(payload, signatures[0], [key for kind, key in known if kind == "ssh"])
    if signatures[0].startswith(PGP_BEGIN):
        fingerprints = frozenset(key for kind, key in known if kind == "fingerprint")
        return _verify_gpg(payload, signatures[0], fingerprints, [key for kind, key in known if kind == "pgp"])
    return Unproven("it is signed in a form that poolplan does not know")


def _known(key: str) -> tuple[str, str]:
    text = key.strip()
    if PGP_KEY in text:
        return "pgp", text
    if match := _SSH_KEY.fullmatch(text):
        return "ssh", f"{match[1]} {match[2]}"
    if match := _FINGERPRINT.fullmatch(re.sub(r"\s", "", text).upper()):
        return "fingerprint", match[1]
    raise Stalled(f"{text[:40]!a} is no SSH public key, no PGP public key and no fingerprint of one; correct the list")


def _verify_ssh(payload: bytes, signature: str, keys: Sequence[str]) -> Signed | Unproven:
    blob = _ssh_signer(signature)
    if blob is None:
        return Unproven("its SSH signature cannot be read")
    encoded = base64.b64encode(blob).decode()
    by = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    key = next((one for one in keys if one.partition(" ")[2] == encoded), None)
    if key is None:
        return Unproven(f"it is signed by the SSH key {by}, which is not a known one")
    with TemporaryDirectory(prefix="poolplan-") as folder:
        allowed = _private(Path(folder) / "allowed", f'poolplan namespaces="git" {key}\n')
        written = _private(Path(folder) / "signature", signature + "\n")
        options = ["-n", "git", "-I", "poolplan", "-f", str(allowed), "-s", str(written)]
        done = _run(["ssh-keygen", "-Y", "verify", *options], stdin=payload)
    return Signed(by) if not done.code else Unproven(f"its signature by the SSH key {by} does not fit what it says")


def _ssh_signer(signature: str) -> bytes | None:
    """The public key in an SSH signature (OpenSSH's PROTOCOL.sshsig: magic, version, then the key with its length)."""
    body = "".join(line for line in signature.splitlines() if not line.startswith("-----"))
    try:
        data = base64.b64decode(body, validate=True)
    except binascii.Error:
        return None
    size = int.from_bytes(data[10:14])
    blob = data[14 : 14 + size]
    return blob if data[:10] == b"SSHSIG\0\0\0\1" and size and len(blob) == size else None


def _verify_gpg(
    payload: bytes, signature: str, fingerprints: frozenset[str], blocks: Sequence[str]
) -> Signed | Unproven:  # fmt: skip
    """Against the keys given whole in a key ring of their own, and those of this machine by their fingerprints."""
    verdict: Signed | Unproven = Unproven("it is signed by a PGP key, and none is known")
    for block in blocks:
        with _key_ring(block.encode()) as home:
            verdict = _judged(_gpg_verify(_gpg(home), payload, signature), None)
        if isinstance(verdict, Signed):
            return verdict
    if fingerprints:
        verdict = _judged(_gpg_verify(["gpg", "--batch", "--no-tty"], payload, signature), fingerprints)
    return verdict


def _gpg_verify(program: Sequence[str], payload: bytes, signature: str) -> Finished:
    with TemporaryDirectory(prefix="poolplan-") as folder:
        written = _private(Path(folder) / "signature", signature + "\n")
        options = ["--status-fd", "1", "--no-auto-key-retrieve", "--verify", str(written), "-"]
        return _run([*program, *options], stdin=payload)


def _judged(done: Finished, fingerprints: frozenset[str] | None) -> Signed | Unproven:
    """What gpg's status lines say (its doc/DETAILS). One good signature by a valid key, or none.

    GOODSIG is absent for keys and signatures that are expired or revoked, although VALIDSIG is there.
    """
    lines = [line.removeprefix("[GNUPG:] ").split() for line in done.out.splitlines() if line.startswith("[GNUPG:] ")]
    said = [line for line in lines if line]
    good = [line for line in said if line[0] == "GOODSIG"]
    valid = [line for line in said if line[0] == "VALIDSIG"]
    if done.code or len(good) != 1 or len(valid) != 1:
        names = {line[0] for line in said}
        if names & {"EXPKEYSIG", "REVKEYSIG", "EXPSIG"}:
            return Unproven("its PGP key or signature is expired or revoked")
        if "BADSIG" in names:
            return Unproven("its PGP signature does not fit what it says")
        return Unproven("its PGP key is not a known one")
    by = valid[0][-1]  # the primary key's
    if fingerprints is not None and not {by, valid[0][1]} & fingerprints:
        return Unproven(f"it is signed by the PGP key {by}, which is not a known one")
    return Signed(by)


@contextmanager
def _key_ring(key: bytes) -> Iterator[Path]:
    """A private gpg home with this key in it. Raises Stalled where gpg does not take the key."""
    with TemporaryDirectory(prefix="poolplan-") as folder:
        home = Path(folder)
        try:
            if _run([*_gpg(home), "--pinentry-mode", "loopback", "--import"], stdin=key).code:
                raise Stalled("gpg cannot read a key that is set; export it anew, armored and without a passphrase")
            yield home
        finally:
            _run(["gpgconf", "--homedir", str(home), "--kill", "all"])


def _gpg(home: Path) -> list[str]:
    return ["gpg", "--homedir", str(home), "--batch", "--no-tty"]


def _run(command: Sequence[str], *, stdin: bytes = b"") -> Finished:
    return run(command, env=inherited(_SILENT), stdin=stdin, timeout=TIMEOUT)


def _private(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
    return path
