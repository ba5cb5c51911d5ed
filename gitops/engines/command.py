"""Runs one Terraform command through python-terraform, with an environment of our own and its lines as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from python_terraform import Terraform

from gitops.process import Finished, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path


def _ignore(line: str) -> None:
    """Nobody watches this command."""


class TerraformCommand(Terraform):  # type: ignore[misc]
    """python-terraform's commands and option encoding, with programs started by poolplan's own door.

    The package's own start would hand over this process's environment only, hold all output back until the end, and
    read state files that are none of its business.
    """

    def __init__(self, program: str, directory: Path, environment: Mapping[str, str]) -> None:
        super().__init__(working_dir=str(directory), terraform_bin_path=program)
        self._place = directory
        self._environment = environment
        self.on_line: Callable[[str], None] = _ignore

    def cmd(self, cmd: str, *args: str, **options: Any) -> Finished:
        # An empty set of variables would become a variables file, which a saved plan refuses.
        options = {name: value for name, value in options.items() if name != "var"}
        command = self.generate_cmd_string(cmd, *args, **options)
        return stream(command, self.on_line, cwd=self._place, env=self._environment)

    def read_state_file(self, file_path: str | None = None) -> None:
        """Nothing: state is read through ``show``."""
