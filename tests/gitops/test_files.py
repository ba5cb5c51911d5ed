"""Files on disk: all of them or none, what is no text, and a lock that another process holds."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePosixPath

import pytest

from gitops.errors import InputError, Stalled, Waiting
from gitops.files import file_names, locked, read_folders, replacing, settle, write_folder, write_texts
from renderer.files import FileSet

HERE = PurePosixPath()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_several_files_are_written_at_once(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("before")
    (tmp_path / "link").symlink_to("old")
    write_texts([(tmp_path / "new", "é\n"), (tmp_path / "link", "after")])
    assert (tmp_path / "new").read_bytes() == "é\n".encode()
    assert (tmp_path / "old").read_text() == "after"
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path) == ["link", "new", "old"]


@pytest.mark.parametrize(("second", "said"), [
    ("gone/file", "gone/file cannot be written: there is no folder gone; make it first"),
    (".", ". is a folder; name a file in it"),
    ("first", "first is named for two outputs; name two files"),
    ("./sub/../first", "sub/../first is named for two outputs; name two files"),
    ("/dev/full", "/dev/full cannot be written: No space left on device"),
    (f"{'x' * 300}", f"{'x' * 300} cannot be written: File name too long"),
])  # fmt: skip
def test_where_one_cannot_be_written_none_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, second: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("first").write_text("before")
    Path("sub").mkdir()
    with pytest.raises(InputError) as refused:
        write_texts([(Path("first"), "after"), (Path(second), "after")])
    assert str(refused.value) == said
    assert Path("first").read_text() == "before"
    assert names(tmp_path) == ["first", "sub"]


def test_a_file_that_is_read_only_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitops.files.os.access", lambda _path, _mode: False)  # to root, nothing is read-only
    (tmp_path / "file").write_text("before")
    with pytest.raises(InputError, match="it is read-only"):
        write_texts([(tmp_path / "file", "after")])
    assert (tmp_path / "file").read_text() == "before"


def test_folders_are_read_without_what_is_hidden_or_below(tmp_path: Path) -> None:
    for name in ("a/x", "a/.hidden", "a/deep/y", "b/z", "c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    found = read_folders(tmp_path, [PurePosixPath("a"), PurePosixPath("b"), PurePosixPath("gone"), PurePosixPath("c")])
    assert found == FileSet.of({PurePosixPath("a/x"): "a/x", PurePosixPath("b/z"): "b/z"})
    assert file_names(tmp_path) == (PurePosixPath("c"),)


def test_what_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\x00")
    with pytest.raises(InputError) as refused:
        read_folders(tmp_path, [HERE])
    assert str(refused.value) == (
        f"{tmp_path / 'binary'} is not UTF-8 text; move it away, the folder is for poolplan's files"
    )


def test_only_what_differs_is_written(tmp_path: Path) -> None:
    files = FileSet.of({PurePosixPath("a/x"): "1", PurePosixPath("y"): "2"})
    assert write_folder(tmp_path, files) == 2
    assert write_folder(tmp_path, files) == 0
    assert write_folder(tmp_path, FileSet(), removed=[PurePosixPath("y"), PurePosixPath("gone")]) == 1
    assert names(tmp_path) == ["a"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(Stalled) as refused:
        write_folder(tmp_path / "taken", FileSet.of({PurePosixPath("x"): "1"}))
    assert str(refused.value).startswith(f"{tmp_path / 'taken'}")
    with pytest.raises(Stalled), locked(tmp_path / "taken" / "lock", "it"):
        pass


def test_a_lock_is_held_once_and_free_again_afterwards(tmp_path: Path) -> None:
    lock = tmp_path / "deep" / "lock"
    with (
        locked(lock, "cluster a"), pytest.raises(Waiting, match="another poolplan works on cluster a"),
        locked(lock, "cluster a"),
    ):  # fmt: skip
        pass
    with locked(lock, "cluster a"):
        pass


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with replacing(path) as stream:
        stream.write(b"old")
        settle(stream)
    with suppress(KeyboardInterrupt), replacing(path) as stream:
        stream.write(b"half of the new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
