"""Puts together the file system of an image that has no shell: named files and folders, and the libraries they need.

``python rootfs.py ROOT PATH ...`` copies each path to its own place below ROOT, follows symbolic links and the shared
libraries of every program, and notes the Debian packages that the files are of where scanners look for them. It runs in
the Dockerfile's last building stage, and in a test.
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

LEFT_OUT = (
    "*/lib/python3.*/test", "*/lib/python3.*/idlelib", "*/lib/python3.*/tkinter", "*/lib/python3.*/turtledemo",
    "*/lib/python3.*/ensurepip", "*/lib/python3.*/lib2to3", "*/lib/python3.*/config-3.*", "*.a", "*/site-packages/pip",
    "*/site-packages/pip-*", "*/site-packages/setuptools", "*/site-packages/setuptools-*", "*/site-packages/wheel",
    "*/site-packages/wheel-*", "*/site-packages/pkg_resources", "*/site-packages/_distutils_hack",
    "*/site-packages/distutils-precedence.pth", "*/lib-dynload/_tkinter*", "*/site-packages/*/tests",
    "*/site-packages/kubernetes/aio",
)
"""What Python needs to be developed with, and not to run; and half of the Kubernetes client, which nobody imports."""
USER = 65532
FILES = {
    "etc/passwd": f"root:x:0:0:root:/:/nologin\npoolplan:x:{USER}:{USER}:poolplan:/tmp:/nologin\n",
    "etc/group": f"root:x:0:\npoolplan:x:{USER}:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
_LIBRARY = re.compile(r"(?:=>\s+)?(/\S+) \(0x")


@dataclass
class Root:
    """The file system below ``folder``. What is there already is not copied again."""

    folder: Path
    copied: set[Path] = field(default_factory=set)

    def add(self, path: Path) -> None:
        """A file, a folder with all that is in it, or a link with what it leads to."""
        if any(fnmatch.fnmatchcase(str(path), pattern) for pattern in LEFT_OUT):
            return
        place = path.parent.resolve() / path.name
        if place in self.copied:
            return
        self.copied.add(place)
        self._make_folder(place.parent)
        target = self.folder / place.relative_to("/")
        if place.is_symlink():
            target.unlink(missing_ok=True)
            target.symlink_to(place.readlink())
            self.add(place.parent / place.readlink())
        elif place.is_dir():
            self._make_folder(place)
            for inside in sorted(place.iterdir()):
                self.add(inside)
        else:
            shutil.copy2(place, target)
            target.chmod(stat.S_IMODE(place.stat().st_mode) | 0o444)

    def add_libraries(self) -> None:
        """The shared libraries of everything that is there, and theirs."""
        programs = sorted(path for path in self.copied if path.is_file() and not path.is_symlink() and _is_elf(path))
        said = subprocess.run(["ldd", *map(str, programs)], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
        lacking = sorted(set(re.findall(r"(\S+) => not found", said)))
        if lacking:
            sys.stderr.write(f"not found by ldd, so they must come with their program: {', '.join(lacking)}\n")
        folders = set()
        for found in sorted(set(_LIBRARY.findall(said))):
            library = Path(found)
            self.add(library)
            folders.add(str(library.parent.resolve()))
        self.write("etc/ld.so.conf", "".join(f"{folder}\n" for folder in sorted(folders)))
        subprocess.run(["ldconfig", "-r", str(self.folder)], check=True)  # noqa: S603, S607

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def packages(self) -> dict[str, str]:
        """The Debian packages that files were taken from, with versions; each is noted as distroless images do."""
        names = sorted({name for path in sorted(self.copied) if (name := _owner(path))})
        found = {}
        for name in names:
            entry = subprocess.run(["dpkg-query", "-s", name], capture_output=True, text=True, check=True).stdout  # noqa: S603, S607
            self.write(f"var/lib/dpkg/status.d/{name.partition(':')[0]}", entry)
            found[name] = next(line for line in entry.splitlines() if line.startswith("Version: "))[9:]
        return found

    def _make_folder(self, place: Path) -> None:
        """Folders that everybody may look into, wherever they came from; /lib is a link where it is one here."""
        target = self.folder / place.relative_to("/")
        target.mkdir(parents=True, exist_ok=True)
        for each in (target, *target.parents):
            if each == self.folder.parent:
                break
            each.chmod(0o755)
        for name in ("bin", "lib", "lib64"):
            link, here = self.folder / name, Path("/") / name
            if here.is_symlink() and not link.is_symlink() and not link.exists():
                (self.folder / here.readlink()).mkdir(parents=True, exist_ok=True)
                link.symlink_to(here.readlink())


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _owners() -> dict[str, str]:
    """Every file of every Debian package; empty where there are no such packages."""
    owners = {}
    for listing in sorted(Path("/var/lib/dpkg/info").glob("*.list")):
        for line in listing.read_text("utf-8", errors="replace").splitlines():
            owners[line] = listing.stem
    return owners


_KNOWN: dict[str, str] = {}


def _owner(path: Path) -> str:
    """The package of a file. Where /lib is a link, packages may still name the file below it."""
    if not _KNOWN:
        _KNOWN.update(_owners())
    if path.is_dir():
        return ""
    return _KNOWN.get(str(path)) or _KNOWN.get(str(path).removeprefix("/usr"), "")


def build(folder: Path, paths: list[Path]) -> dict[str, str]:
    """Make the file system. Gives the Debian packages in it, with their versions."""
    folder.mkdir(parents=True, exist_ok=True)
    root = Root(folder)
    for path in paths:
        root.add(path)
    root.add_libraries()
    for name, text in FILES.items():
        root.write(name, text)
    packages = root.packages()
    for name, mode in (("tmp", 0o1777), ("var/lib/poolplan", 0o777), ("dev", 0o755), ("proc", 0o555), ("sys", 0o555)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name).chmod(mode)
    return packages


def main() -> None:
    """Make it, and say which packages are in it."""
    parser = argparse.ArgumentParser(description="Put together the file system of an image without a shell.")
    parser.add_argument("root", type=Path)
    parser.add_argument("paths", type=Path, nargs="+")
    asked = parser.parse_args()
    os.umask(0o022)
    for name, version in build(asked.root, asked.paths).items():
        sys.stdout.write(f"{name} {version}\n")


if __name__ == "__main__":
    main()
