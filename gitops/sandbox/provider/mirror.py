"""Lays the stand-in provider out as a mirror for Terraform and OpenTofu, with the settings that point them there."""

from __future__ import annotations

import platform
import shlex
import sys
from pathlib import Path

from gitops.errors import Fatal
from gitops.sandbox.provider import SOURCE, VERSION

REGISTRIES = ("registry.opentofu.org", "registry.terraform.io")
MACHINES = {"aarch64": "arm64", "amd64": "amd64", "arm64": "arm64", "x86_64": "amd64"}
SYSTEMS = ("darwin", "linux")
SETTINGS_FILE = "terraform.rc"


def install_mirror(directory: Path) -> Path:
    """Write the provider's launcher and a CLI configuration under ``directory``, and nothing elsewhere.

    Gives the CLI configuration's path, to be named by TF_CLI_CONFIG_FILE. Writing again gives the same bytes.
    """
    directory = directory.resolve()
    place = directory / "providers"
    for registry in REGISTRIES:
        folder = place / registry / SOURCE / VERSION / terraform_platform(sys.platform, platform.machine())
        folder.mkdir(parents=True, exist_ok=True)
        launcher = folder / f"terraform-provider-ovh_v{VERSION}"
        launcher.write_text(_launcher())
        launcher.chmod(0o755)
    settings = directory / SETTINGS_FILE
    settings.write_text(_settings(place))
    return settings


def terraform_platform(system: str, machine: str) -> str:
    """``linux``, ``x86_64`` -> ``linux_amd64``. Raises Fatal where the launcher, a shell script, cannot run."""
    known = MACHINES.get(machine.lower())
    if system not in SYSTEMS or known is None:
        raise Fatal(f"the sandbox's provider runs on Linux or macOS, amd64 or arm64, not on {system} {machine}")
    return f"{system}_{known}"


def _launcher() -> str:
    """Two lines that hand over to this Python, which finds this very copy of poolplan wherever it is started."""
    source = shlex.quote(str(Path(__file__).resolve().parents[3]))
    return (
        "#!/bin/sh\n"
        f"PYTHONPATH={source}${{PYTHONPATH:+:$PYTHONPATH}} exec {shlex.quote(sys.executable)} -m {__package__} \"$@\"\n"
    )


def _settings(place: Path) -> str:
    path = str(place).replace("\\", "\\\\").replace('"', '\\"')
    sources = ", ".join(f'"{registry}/{SOURCE}"' for registry in REGISTRIES)
    return (
        "provider_installation {\n"
        "  filesystem_mirror {\n"
        f'    path    = "{path}"\n'
        f"    include = [{sources}]\n"
        "  }\n"
        "  direct {\n"
        f"    exclude = [{sources}]\n"
        "  }\n"
        "}\n"
    )
