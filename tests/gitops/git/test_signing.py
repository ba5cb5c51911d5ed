"""Signatures, made and judged by the real ssh-keygen and gpg, and accepted by Git itself."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gitops.errors import Stalled
from gitops.git.memory import MemoryRepository
from gitops.git.objects import same_but_signature, split_signature, with_signature
from gitops.git.opening import open_path
from gitops.git.signing import GpgSigner, Signed, SshSigner, Unproven, known_signer, signer_of, verify
from gitops.process import find_program, run
from gitops.settings_signing import SignatureFormat, Signing
from tests.gitops.git.tools import MAIN, Person, draft, files, new_bare

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gitops.git.base import CommitId
    from gitops.git.plain import PlainRepository
    from gitops.git.signing import Signer

needs_ssh = pytest.mark.skipif(find_program("ssh-keygen") is None, reason="ssh-keygen is not installed")
needs_gpg = pytest.mark.skipif(find_program("gpg") is None, reason="gpg is not installed")
PAYLOAD = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor A <a@b> 1 +0000\ncommitter A <a@b> 1 +0000\n\nWords\n"


@pytest.fixture
def repository(tmp_path: Path) -> PlainRepository:
    return open_path(new_bare(tmp_path / "bare"))


def ssh_key(file: Path, kind: str = "ed25519", passphrase: str = "") -> tuple[Path, str]:
    """A private key's path, and the line of its public key."""
    done = run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", "bot", "-f", str(file)], timeout=60)
    assert done.code == 0, done.err
    return file, file.with_name(f"{file.name}.pub").read_text("utf-8").strip()


class Ring:
    """A person's gpg home: short, because the sockets of gpg's agent lie in it."""

    def __init__(self, home: str) -> None:
        self.home = home

    def gpg(self, *arguments: str) -> str:
        done = run(["gpg", "--homedir", self.home, "--batch", "--no-tty", *arguments], timeout=60)
        assert done.code == 0, done.err
        return done.out

    def make(self, name: str, expires: str = "never") -> str:
        """A new key without a passphrase; its fingerprint."""
        told = self.gpg(
            "--status-fd", "1", "--passphrase", "", "--quick-generate-key", f"{name} <{name}@example.test>",
            "ed25519", "sign", expires,
        )  # fmt: skip
        return told.split("KEY_CREATED")[1].split()[1]

    def secret(self, key: str) -> str:
        return self.gpg("--armor", "--export-secret-keys", key)

    def public(self, key: str) -> str:
        return self.gpg("--armor", "--export", key)


@pytest.fixture(scope="module")
def ring() -> Iterator[Ring]:
    with tempfile.TemporaryDirectory(prefix="ring-") as home:
        yield Ring(home)
        run(["gpgconf", "--homedir", home, "--kill", "all"], timeout=60)


def test_the_header_is_the_one_git_writes_and_takes_no_other_byte_away() -> None:
    signed = with_signature(PAYLOAD, "BEGIN\n\nbody\nEND\n")
    assert signed == PAYLOAD.replace(b"\n\n", b"\ngpgsig BEGIN\n \n body\n END\n\n", 1)
    assert split_signature(signed) == (PAYLOAD, ("BEGIN\n\nbody\nEND",))
    assert split_signature(PAYLOAD) == (PAYLOAD, ())
    assert same_but_signature(signed, PAYLOAD)
    tagged = PAYLOAD.replace(b"\n\n", b"\nmergetag object 1\n type commit\n gpgsig inside\n\n", 1)
    assert split_signature(tagged) == (tagged, ())


@pytest.mark.parametrize(
    ("old", "new"),
    [("tree 4", "tree 5"), ("author A", "author B"), ("r A <a@b> 1 +0000\n\n", "r A <a@b> 2 +0000\n\n"), ("W", "w")],
)
def test_every_other_difference_is_one(old: str, new: str) -> None:
    other = PAYLOAD.replace(old.encode(), new.encode())
    assert other != PAYLOAD
    assert not same_but_signature(with_signature(other, "X"), with_signature(PAYLOAD, "X"))


def signed_commit(repository: PlainRepository, signer: Signer) -> CommitId:
    first = repository.commit(draft(files(a="1")), parent=None, signer=signer)
    commit = repository.commit(draft(files(a="2"), message="Grow\n\nWords: ü"), parent=first, signer=signer)
    repository.push(commit, MAIN, expect=None)
    return commit


@needs_ssh
@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_git_accepts_what_is_signed_with_ssh(kind: str, repository: PlainRepository, tmp_path: Path) -> None:
    file, public = ssh_key(tmp_path / "key", kind)
    commit = signed_commit(repository, SshSigner(file=file))
    (tmp_path / "allowed").write_text(f"bot@example.test {public}\n", "utf-8")
    person = Person(repository.git.folder)
    person.git("-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'allowed'}", "verify-commit", commit)
    person.git("fsck", "--strict")
    fingerprint = run(["ssh-keygen", "-l", "-f", f"{file}.pub"], timeout=60).out.split()[1]
    assert known_signer(repository, commit, [public]) == fingerprint


@needs_ssh
def test_a_key_given_by_value_signs_alike_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    file, public = ssh_key(tmp_path / "key")
    made = tmp_path / "made"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    signer = SshSigner(key=file.read_text("utf-8"))
    assert signer.sign(PAYLOAD) == SshSigner(file=file).sign(PAYLOAD), "ed25519 is deterministic"
    assert isinstance(verify(with_signature(PAYLOAD, signer.sign(PAYLOAD)), [public]), Signed)
    assert list(made.iterdir()) == []
    assert "PRIVATE" not in repr(signer)


@needs_ssh
def test_git_signs_and_poolplan_knows_by_whom(repository: PlainRepository, tmp_path: Path) -> None:
    file, public = ssh_key(tmp_path / "key")
    _, other = ssh_key(tmp_path / "other")
    person = Person(tmp_path / "clone")
    Person(repository.git.folder).git("clone", "--quiet", str(repository.git.folder), str(person.folder))
    person.write("a", "1")
    person.git("add", "--all")
    person.git("-c", "gpg.format=ssh", "-c", f"user.signingKey={file}", "commit", "--quiet", "-S", "-m", "By hand")
    person.git("push", "--quiet", "origin", "HEAD:main")
    commit = repository.head(MAIN)
    assert commit is not None
    assert known_signer(repository, commit, [other, public]) is not None
    assert known_signer(repository, commit, [other]) is None
    assert known_signer(repository, commit, []) is None


@needs_ssh
def test_a_signature_is_of_these_bytes_in_gits_namespace_by_this_key_and_one(tmp_path: Path) -> None:
    file, public = ssh_key(tmp_path / "key")
    signature = SshSigner(file=file).sign(PAYLOAD)
    good = with_signature(PAYLOAD, signature)
    assert isinstance(verify(good, [public]), Signed)
    assert isinstance(verify(good, [public.rpartition(" ")[0]]), Signed), "a comment says nothing"
    elsewhere = run(["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", str(file)], stdin=PAYLOAD, timeout=60).out
    cheats = {
        "it is not signed": PAYLOAD,
        "more than one signature": with_signature(good, signature),
        "does not fit": good.replace(b"Words", b"words"),
        "does not fit what": with_signature(PAYLOAD, elsewhere),
        "cannot be read": with_signature(PAYLOAD, signature.replace("U1NIU0lH", "U1NIU0lI")),
        "a form that poolplan does not know": with_signature(PAYLOAD, "-----BEGIN SIGNED MESSAGE-----\n"),
    }
    for reason, commit in cheats.items():
        verdict = verify(commit, [public])
        assert isinstance(verdict, Unproven), reason
        assert reason in verdict.reason


@needs_ssh
def test_a_key_of_no_use_is_told_without_the_key(tmp_path: Path) -> None:
    locked, _ = ssh_key(tmp_path / "locked", passphrase="open sesame")
    bare, _ = ssh_key(tmp_path / "bare")
    bare.chmod(0o644)
    with pytest.raises(Stalled, match=r"\(Permissions 0644 for .* are too open\)"):
        SshSigner(file=bare).sign(PAYLOAD)
    for signer in (SshSigner(file=locked), SshSigner(key="nonsense"), SshSigner(file=tmp_path / "gone")):
        with pytest.raises(Stalled, match=r"spec\.git\.signing\.key") as told:
            signer.sign(PAYLOAD)
        assert "nonsense" not in str(told.value)


@needs_gpg
def test_git_accepts_what_is_signed_with_gpg(
    repository: PlainRepository, ring: Ring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:  # fmt: skip
    key = ring.make("bot")
    secret = tmp_path / "secret.asc"
    secret.write_text(ring.secret(key), "utf-8")
    commit = signed_commit(repository, GpgSigner(file=secret))
    monkeypatch.setenv("GNUPGHOME", ring.home)
    Person(repository.git.folder).git("verify-commit", commit)
    Person(repository.git.folder).git("fsck", "--strict")
    assert known_signer(repository, commit, [key]) == key
    assert known_signer(repository, commit, [f"0x{key.lower()}"]) == key
    monkeypatch.setenv("GNUPGHOME", str(tmp_path))
    tmp_path.chmod(0o700)
    assert known_signer(repository, commit, [ring.public(key)]) == key, "a key given whole needs no key ring"
    assert known_signer(repository, commit, [key]) is None, "this machine's gpg does not have it"


@needs_gpg
def test_a_gpg_signature_by_another_or_expired_key_or_of_other_bytes_is_none(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    ours, theirs, old = ring.make("ours"), ring.make("theirs"), ring.make("old", "20990101T000000")
    monkeypatch.setenv("GNUPGHOME", ring.home)
    signature = GpgSigner(key=ring.secret(theirs)).sign(PAYLOAD)
    good = with_signature(PAYLOAD, signature)
    assert verify(good, [theirs]) == Signed(theirs)
    assert verify(good, [ours, theirs]) == Signed(theirs)
    for keys in ([ours], [ring.public(ours)], []):
        assert isinstance(verify(good, keys), Unproven)
    assert isinstance(verify(good.replace(b"Words", b"words"), [theirs, ring.public(theirs)]), Unproven)
    by_old = with_signature(PAYLOAD, GpgSigner(key=ring.secret(old)).sign(PAYLOAD))
    assert verify(by_old, [old]) == Signed(old)
    ring.gpg("--quick-set-expire", old, "seconds=1")
    expired = verify(by_old, [old])
    while isinstance(expired, Signed):  # the second that the key has left passes
        expired = verify(by_old, [old])
    assert expired == Unproven("its PGP key or signature is expired or revoked")


@needs_gpg
def test_gpg_signatures_differ_and_a_standing_commit_is_kept(ring: Ring) -> None:
    signer = GpgSigner(key=ring.secret(ring.make("keeper")))
    memory = MemoryRepository()
    standing = memory.commit(draft(files(a="1")), parent=None, signer=signer)
    assert memory.commit(draft(files(a="1")), parent=None, signer=signer, standing=standing) == standing


@pytest.mark.parametrize("key", ["", "ssh-ed25519", "DEADBEEF", "ada@example.test", "-----BEGIN PRIVATE KEY-----"])
def test_what_is_no_key_is_told(key: str) -> None:
    with pytest.raises(Stalled, match="no SSH public key"):
        verify(PAYLOAD, [key])


def test_the_signer_is_the_one_that_the_settings_name(tmp_path: Path) -> None:
    file = tmp_path / "key"
    assert signer_of(None, {}) is None
    by_value = Signing(format=SignatureFormat.GPG, env="SIGNING_KEY")
    assert signer_of(by_value, {"SIGNING_KEY": "words"}) == GpgSigner(key="words")
    for variables in ({}, {"SIGNING_KEY": " \n"}):
        with pytest.raises(Stalled, match="SIGNING_KEY is not set"):
            signer_of(by_value, variables)
    by_file = Signing(format=SignatureFormat.SSH, file=str(file))
    with pytest.raises(Stalled, match="there is no key file"):
        signer_of(by_file, {})
    file.touch()
    assert signer_of(by_file, {}) == SshSigner(file=file)
