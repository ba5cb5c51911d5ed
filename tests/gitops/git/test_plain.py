"""A real repository: what it leaves alone, what it refuses and how it says so."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath

import pytest

from gitops.errors import Fatal, PoolplanError, Stalled, Waiting
from gitops.git.base import BranchName, CommitId
from gitops.git.memory import MemoryRepository
from gitops.git.opening import open_path, open_remote, open_repository
from gitops.git.program import redact
from tests.gitops.git.tools import MAIN, ROOT, Person, clone, draft, files, new_bare, new_checkout

SIDE = BranchName("poolplan/prod/0123456789ab")
ELSEWHERE = PurePosixPath("clusters/dev")


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Somebody with a checkout that has a commit on main."""
    made = new_checkout(tmp_path / "work")
    made.write("clusters/prod/cluster.yaml", "kind: Cluster\n")
    made.commit()
    return made


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A bare repository with a commit on main."""
    bare = new_bare(tmp_path / "origin.git")
    author = clone(bare, tmp_path / "author")
    author.write("clusters/prod/cluster.yaml", "kind: Cluster\n")
    author.commit()
    author.git("push", "--quiet", "origin", "main")
    return bare


def everything_but_git(folder: Path) -> dict[str, str]:
    """A digest of every file of the work tree, and of the index and HEAD."""
    inside = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts]
    own = [folder / ".git" / name for name in ("index", "HEAD", "config", "ORIG_HEAD", "FETCH_HEAD")]
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() + str(path.stat().st_mtime_ns)
        for path in sorted([*inside, *(path for path in own if path.exists())])
    }


# A person's checkout


def test_a_checkout_keeps_its_work_tree_its_index_and_its_head(person: Person) -> None:
    person.write("notes.txt", "staged")
    person.git("add", "notes.txt")
    person.write("notes.txt", "and changed again")
    person.write("untracked.txt", "mine")
    before = everything_but_git(person.folder)
    repository = open_path(person.folder)
    repository.refresh()
    head = repository.ensure_ready(MAIN, ROOT)
    commit = repository.commit(draft(files(pools__a="1")), parent=head)
    repository.push(commit, SIDE, expect=None)
    assert everything_but_git(person.folder) == before
    assert person.git("show", f"{SIDE}:clusters/prod/pools/a") == "1"
    assert person.git("show", f"{SIDE}:clusters/prod/cluster.yaml") == "kind: Cluster"
    assert person.git("fsck", "--strict", "--no-dangling") == ""


@pytest.mark.parametrize(
    ("path", "staged"),
    [("clusters/prod/new.yaml", False), ("clusters/prod/cluster.yaml", False), ("clusters/prod/cluster.yaml", True)],
)
def test_unsaved_work_below_the_cluster_is_refused(person: Person, path: str, staged: bool) -> None:
    person.write(path, "unsaved: true\n")
    if staged:
        person.git("add", path)
    repository = open_path(person.folder)
    with pytest.raises(Stalled, match=f"not committed: {path}. Commit it"):
        repository.ensure_ready(MAIN, ROOT)
    assert repository.ensure_ready(MAIN, ELSEWHERE)


def test_unsaved_work_is_counted(person: Person) -> None:
    for name in ("b", "a", "ü c"):
        person.write(f"clusters/prod/{name}", "x")
    with pytest.raises(Stalled, match=r"not committed: clusters/prod/a and 2 more\."):
        open_path(person.folder).ensure_ready(MAIN, ROOT)


def test_ignored_files_are_no_unsaved_work(person: Person) -> None:
    person.write(".gitignore", ".terraform/\n")
    person.commit()
    person.write("clusters/prod/pools/terraform/.terraform/lock", "x")
    assert open_path(person.folder).ensure_ready(MAIN, ROOT)


def test_a_branch_that_is_checked_out_is_not_moved(person: Person) -> None:
    repository = open_path(person.folder)
    head = repository.ensure_ready(MAIN, ROOT)
    commit = repository.commit(draft(files(a="1")), parent=head)
    with pytest.raises(Stalled, match=r"main is checked out at .*work\. Switch"):
        repository.push(commit, MAIN, expect=head)
    with pytest.raises(Stalled, match="main is checked out"):
        repository.delete_branch(MAIN, expect=head)
    assert repository.head(MAIN) == head


def test_an_unborn_head_is_refused(tmp_path: Path) -> None:
    person = new_checkout(tmp_path / "new")
    with pytest.raises(Stalled, match=r"has no commits yet\. Commit cluster\.yaml to main first"):
        open_path(person.folder).ensure_ready(MAIN, ROOT)


def test_a_missing_branch_is_refused_with_those_there_are(person: Person) -> None:
    person.git("branch", "--move", "main", "master")
    with pytest.raises(Stalled, match=r"has no branch main, only master\. Create it, or set spec\.git\.branch"):
        open_path(person.folder).ensure_ready(MAIN, ROOT)


def test_a_folder_inside_of_a_repository_is_refused_with_its_top(person: Person) -> None:
    with pytest.raises(Stalled, match=r"inside a repository: name the repository's top, .*/clusters/prod/\.\./\.\."):
        open_path(person.folder / "clusters/prod")


def test_a_linked_work_tree_is_a_checkout(person: Person, tmp_path: Path) -> None:
    person.git("worktree", "add", "--quiet", "-b", "topic", str(tmp_path / "linked"))
    (tmp_path / "linked/clusters/prod/x").write_text("unsaved")
    repository = open_path(tmp_path / "linked")
    with pytest.raises(Stalled, match="clusters/prod/x"):
        repository.ensure_ready(MAIN, ROOT)
    assert open_path(person.folder).ensure_ready(MAIN, ROOT)


# A clone, whose remote counts


def test_a_clone_that_is_behind_uses_what_origin_has(origin: Path, tmp_path: Path) -> None:
    person, other = clone(origin, tmp_path / "work"), Person(tmp_path / "author")
    other.write("clusters/prod/new.yaml", "a: 1\n")
    newest = other.commit()
    other.git("push", "--quiet", "origin", "main")
    before = everything_but_git(person.folder)
    repository = open_path(person.folder)
    repository.refresh()
    assert repository.ensure_ready(MAIN, ROOT) == newest
    assert everything_but_git(person.folder) == before


@pytest.mark.parametrize(
    ("behind", "words"), [(0, r"a commit that origin/main has not\. Push"), (1, "has not and lacks 1 of its own")]
)
def test_commits_that_origin_has_not_are_refused(origin: Path, tmp_path: Path, behind: int, words: str) -> None:
    person, other = clone(origin, tmp_path / "work"), Person(tmp_path / "author")
    person.write("clusters/prod/mine.yaml", "a: 1\n")
    person.commit()
    for number in range(behind):
        other.write(f"clusters/prod/theirs-{number}.yaml", "a: 1\n")
        other.commit()
        other.git("push", "--quiet", "origin", "main")
    repository = open_path(person.folder)
    repository.refresh()
    with pytest.raises(Stalled, match=words):
        repository.ensure_ready(MAIN, ROOT)


def test_a_proposal_of_a_clone_goes_to_origin(origin: Path, tmp_path: Path) -> None:
    person = clone(origin, tmp_path / "work")
    repository = open_path(person.folder)
    repository.refresh()
    head = repository.ensure_ready(MAIN, ROOT)
    commit = repository.commit(draft(files(a="1")), parent=head)
    repository.push(commit, SIDE, expect=None)
    assert open_path(origin).head(SIDE) == commit
    assert person.git("branch", "--list", SIDE) == ""
    repository.delete_branch(SIDE, expect=commit)
    assert open_path(origin).head(SIDE) is None


def test_of_several_remotes_origin_counts_and_else_none_is_guessed(person: Person) -> None:
    person.git("remote", "add", "upstream", "https://git.example.test/a")
    assert open_path(person.folder).remote == "upstream"
    person.git("remote", "add", "fork", "https://git.example.test/b")
    with pytest.raises(Stalled, match="has the remotes fork, upstream: name the reviewed one origin"):
        open_path(person.folder)
    person.git("remote", "add", "origin", "https://git.example.test/c")
    assert open_path(person.folder).remote == "origin"


def test_a_shallow_clone_does_not_guess_about_history(origin: Path, tmp_path: Path) -> None:
    author = Person(tmp_path / "author")
    first = CommitId(author.git("rev-parse", "HEAD"))
    author.write("clusters/prod/second.yaml", "a: 1\n")
    second = author.commit()
    author.git("push", "--quiet", "origin", "main")
    author.git("clone", "--quiet", "--depth=1", origin.as_uri(), str(tmp_path / "shallow"))
    repository = open_path(tmp_path / "shallow")
    assert repository.contains(MAIN, second)
    assert not repository.contains(MAIN, first)
    with pytest.raises(Stalled, match="shallow clone"):
        repository.log(MAIN, ROOT, limit=5)
    person = Person(tmp_path / "shallow")
    other = person.git("commit-tree", f"{second}^{{tree}}", "-m", "elsewhere")
    with pytest.raises(Stalled, match="shallow clone"):
        repository.contains(MAIN, CommitId(other))


# A remote and its mirror


def test_two_that_race_for_a_branch_do_not_overwrite_each_other(origin: Path, tmp_path: Path) -> None:
    ours = open_remote(origin.as_uri(), cache=tmp_path / "ours")
    theirs = open_remote(origin.as_uri(), cache=tmp_path / "theirs")
    ours.refresh()
    theirs.refresh()
    head = ours.ensure_ready(MAIN, ROOT)
    mine = ours.commit(draft(files(a="1")), parent=head)
    other = theirs.commit(draft(files(a="2")), parent=head)
    theirs.push(other, SIDE, expect=None)
    with pytest.raises(Waiting, match=f"the branch {SIDE} was changed by somebody else"):
        ours.push(mine, SIDE, expect=None)
    ours.refresh()
    assert ours.head(SIDE) == other
    ours.push(mine, SIDE, expect=other)
    with pytest.raises(Waiting, match="changed by somebody else"):
        theirs.delete_branch(SIDE, expect=other)
    theirs.refresh()
    assert theirs.head(SIDE) == mine


def test_a_mirror_follows_what_is_deleted_and_rewritten(origin: Path, tmp_path: Path) -> None:
    repository = open_remote(origin.as_uri(), cache=tmp_path / "mirror")
    repository.refresh()
    first = repository.ensure_ready(MAIN, ROOT)
    author = Person(tmp_path / "author")
    author.git("push", "--quiet", "origin", "main:gone")
    repository.refresh()
    assert repository.head(BranchName("gone")) == first
    author.git("push", "--quiet", "origin", ":gone")
    author.git("commit", "--quiet", "--amend", "--message", "Another beginning")
    author.git("push", "--quiet", "--force", "origin", "main")
    again = open_remote(origin.as_uri(), cache=tmp_path / "mirror")
    again.refresh()
    assert again.branches() == ((MAIN, author.git("rev-parse", "HEAD")),)


def test_a_remote_that_declines_is_quoted(origin: Path, tmp_path: Path) -> None:
    hook = origin / "hooks/pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    repository = open_remote(origin.as_uri(), cache=tmp_path / "mirror")
    repository.refresh()
    commit = repository.commit(draft(files(a="1")), parent=repository.ensure_ready(MAIN, ROOT))
    with pytest.raises(Stalled, match=rf"refuses a push to {SIDE} \(pre-receive hook declined\)"):
        repository.push(commit, SIDE, expect=None)


def test_a_folder_that_is_no_mirror_is_not_filled(origin: Path, tmp_path: Path) -> None:
    (tmp_path / "home-of-things").mkdir()
    (tmp_path / "home-of-things/letter.txt").write_text("dear")
    with pytest.raises(Stalled, match="neither empty nor a mirror"):
        open_remote(origin.as_uri(), cache=tmp_path / "home-of-things")
    (tmp_path / "file").write_text("x")
    with pytest.raises(Stalled, match="cannot be opened"):
        open_repository(origin.as_uri(), cache=tmp_path / "file")


def test_a_remote_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    address = f"file://ada:s3cr3t@localhost{tmp_path}/nowhere?token=t0ken"
    repository = open_remote(address, cache=tmp_path / "mirror")
    with pytest.raises(PoolplanError) as caught:
        repository.refresh()
    for text in (str(caught.value), repr(repository), repository.name):
        assert "s3cr3t" not in text
        assert "t0ken" not in text
    assert isinstance(caught.value, Stalled)


def test_a_mirror_keeps_no_password(origin: Path, tmp_path: Path) -> None:
    repository = open_remote(f"https://ada:s3cr3t@127.0.0.1:1{origin}", cache=tmp_path / "mirror")
    with pytest.raises(Waiting, match=r"https://127\.0\.0\.1:1/.*git fetch did not get through"):
        repository.refresh()
    kept = [path for path in (tmp_path / "mirror").rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()]
    assert kept == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://ada:pw@git.example.test/a.git", "https://git.example.test/a.git"),
        ("https://ghp_token@git.example.test/a", "https://git.example.test/a"),
        ("https://ada:p@ss:w@git.example.test/a", "https://git.example.test/a"),
        ("unable to access 'http://ada:pw@h/x?private_token=abc': no", "unable to access 'http://h/x': no"),
        ("ssh://git@git.example.test:22/a", "ssh://git@git.example.test:22/a"),
        ("ssh://ada:pw@git.example.test/a", "ssh://ada@git.example.test/a"),
        ("git@git.example.test:team/a.git", "git@git.example.test:team/a.git"),
        ("mail ada@example.test about https://h/x", "mail ada@example.test about https://h/x"),
    ],
)
def test_addresses_are_shown_without_logins(text: str, shown: str) -> None:
    assert redact(text) == shown


# What no setting of a person changes


def test_no_setting_of_a_person_changes_a_byte(origin: Path, tmp_path: Path, home: Path) -> None:
    mark = tmp_path / "a-hook-ran"
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "commit-msg", "pre-push", "post-commit", "reference-transaction", "post-rewrite"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {mark}\nexit 1\n")
        (hooks / name).chmod(0o755)
    with (home / ".gitconfig").open("a") as config:
        config.write(
            "[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = /nonexistent\n"
            "[push]\n\tgpgSign = if-asked\n\tfollowTags = true\n"
            f"[core]\n\thooksPath = {hooks}\n\tautocrlf = true\n\teol = crlf\n\tquotePath = true\n\tabbrev = 5\n"
            f"\tfsmonitor = touch {mark}\n[i18n]\n\tcommitEncoding = ISO-8859-1\n\tlogOutputEncoding = ISO-8859-1\n"
            "[log]\n\tshowSignature = true\n\tdate = relative\n[color]\n\tui = always\n[format]\n\tpretty = oneline\n"
        )
    expected = MemoryRepository()
    wanted = draft(files(a="ü\r\nb\n"), message="Größer: mehr Knoten")
    for repository in (open_path(origin), open_remote(origin.as_uri(), cache=tmp_path / "mirror")):
        repository.refresh()
        commit = repository.commit(wanted, parent=None)
        assert commit == expected.commit(wanted, parent=None)
        repository.push(commit, SIDE, expect=repository.head(SIDE))
        repository.refresh()
        assert repository.read(commit, ROOT) == wanted.files
        assert repository.log(SIDE, ROOT, limit=1)[0].message == "Größer: mehr Knoten\n"
    assert not mark.exists()


def test_a_git_around_poolplan_does_not_lead_it_elsewhere(
    person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = new_checkout(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
    repository = open_path(person.folder)
    head = repository.ensure_ready(MAIN, ROOT)
    repository.push(repository.commit(draft(files(a="1")), parent=head), SIDE, expect=None)
    assert not (tmp_path / "index").exists()
    monkeypatch.undo()
    assert person.git("rev-parse", f"{SIDE}^") == head


# What cannot be read


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: (folder / "x").write_bytes(b"ok \xff"), r"clusters/prod/x is not UTF-8 text \(byte 4\)"),
        (lambda folder: (folder / "x").symlink_to("cluster.yaml"), "clusters/prod/x is a symbolic link"),
        (lambda folder: (folder / os.fsdecode(b"\xff.txt")).write_text("x"), "has a name that is not UTF-8"),
        (lambda folder: (folder / "x").write_bytes(b"0" * (16 * 1024**2 + 1)), "x is larger than 16 MiB"),
    ],
    ids=["bytes", "link", "name", "size"],
)
def test_what_is_no_text_below_a_cluster_is_refused(person: Person, make: object, words: str) -> None:
    assert callable(make)
    make(person.folder / "clusters/prod")
    person.commit()
    repository = open_path(person.folder)
    head = repository.ensure_ready(MAIN, ROOT)
    with pytest.raises(Stalled, match=words):
        repository.read(head, ROOT)
    assert len(repository.read(head, ELSEWHERE)) == 0


def test_what_is_no_text_elsewhere_is_left_as_it_is(person: Person) -> None:
    person.write("logo.png", b"\x89PNG\xff")
    (person.folder / os.fsdecode(b"\xff.txt")).write_text("x")
    (person.folder / "link").symlink_to("logo.png")
    script = person.write("run.sh", "#!/bin/sh\n")
    script.chmod(0o755)
    person.commit()
    repository = open_path(person.folder)
    head = repository.ensure_ready(MAIN, ROOT)
    commit = repository.commit(draft(files(a="1")), parent=head)
    assert person.git("diff-tree", "-r", "--name-only", head, commit) == "clusters/prod/a"


def test_a_lost_object_is_named(person: Person) -> None:
    repository = open_path(person.folder)
    head = repository.ensure_ready(MAIN, ROOT)
    blob = person.git("rev-parse", "HEAD:clusters/prod/cluster.yaml")
    (person.folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(Stalled, match=blob):
        repository.read(head, ROOT)


# What is no repository


def test_a_folder_that_is_no_repository_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "file").write_text("x")
    for name, words in (("plain", "is no Git repository"), ("file", "is no folder"), ("nowhere", "is no folder")):
        with pytest.raises(Stalled, match=f"{name} {words}"):
            open_repository(str(tmp_path / name), cache=tmp_path / "cache")


def test_a_repository_that_only_looks_like_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd/objects").mkdir(parents=True)
    (tmp_path / "odd/HEAD").write_text("nonsense")
    with pytest.raises(Stalled, match="no Git repository that poolplan can use"):
        open_path(tmp_path / "odd")


def test_repositories_with_other_ids_are_refused(tmp_path: Path) -> None:
    (tmp_path / "odd").mkdir()
    Person(tmp_path / "odd").git("init", "--quiet", "--bare", "--object-format=sha256")
    with pytest.raises(Stalled, match="has sha256 ids; poolplan supports"):
        open_path(tmp_path / "odd")


def test_without_git_it_is_said_so(person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for source in (str(person.folder), "https://git.example.test/a.git"):
        with pytest.raises(Fatal, match="git is not installed"):
            open_repository(source, cache=tmp_path / "cache").refresh()


def test_what_the_user_names_is_told_apart(origin: Path, person: Person, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert open_repository(str(origin), cache=cache).remote == ""
    assert open_repository(str(person.folder), cache=cache).checkout == person.folder
    assert not cache.exists()
    assert open_repository(origin.as_uri(), cache=cache).git.folder == cache
    for number, address in enumerate(("git@git.example.test:a.git", "host:a.git", "ssh://git@host/a")):
        assert open_repository(address, cache=tmp_path / str(number)).remote == "origin"


def test_a_relative_path_works_from_anywhere(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(person.folder.parent)
    repository = open_path(Path("work"))
    monkeypatch.chdir("/")
    assert repository.ensure_ready(MAIN, ROOT)
