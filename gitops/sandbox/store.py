"""The state file: a sandbox's world as JSON, replaced whole after every change, so that a restart goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gitops.decoding import Misfit, convert, json_place, parse_json, path_text, read_input
from gitops.errors import InputError, Place
from gitops.files import replacing
from gitops.sandbox.records import World

if TYPE_CHECKING:
    from pathlib import Path

FILE_LIMIT_MB = 100
REMEDY = "mend the file, or remove it to begin anew"


class StateFile:
    """Reads and writes one world."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, region: str) -> World:
        """The world in the file, an empty one without a file. InputError where it is broken or of another region."""
        if not self._path.exists():
            return World(region=region)
        try:
            world = self._read()
        except InputError as error:
            message = f"not a usable sandbox state: {error.message}; {REMEDY}"
            raise InputError(message, place=error.place, path=error.path) from error
        if world.region != region:
            message = f"this sandbox lives in region {world.region}, not {region}; {REMEDY}"
            raise InputError(message, place=self._place, path="region")
        return world

    def save(self, world: World) -> None:
        """Writes the whole world beside the file, then moves it into place: a reader sees the old or the new one."""
        try:
            with replacing(self._path) as stream:
                stream.write(msgspec.json.format(msgspec.json.encode(world), indent=1) + b"\n")
        except OSError as error:
            raise InputError(f"cannot write the sandbox state: {error.strerror}", place=self._place) from error

    def _read(self) -> World:
        file = str(self._path)
        text = read_input(self._path, "a sandbox state", megabytes=FILE_LIMIT_MB)
        try:
            return convert(parse_json(text, file), World)
        except Misfit as misfit:
            place = json_place(text, file, misfit.path)
            raise InputError(misfit.message, place=place, path=path_text(misfit.path)) from None

    @property
    def _place(self) -> Place:
        return Place(str(self._path))
