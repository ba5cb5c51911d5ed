"""The command line: names the commands, loads one only when it is asked for, and turns errors into lines.

stdout is data, stderr is talk. Exit codes: 0 done, 1 failed or wrong usage, 2 changes planned (only with
``--detailed-exitcode``), 3 refused.
"""

from __future__ import annotations

import importlib
import signal
import sys
from errno import ENOSPC
from typing import Final

import click

from gitops.environment import environment
from gitops.errors import ExitCode, PoolplanError
from planner.errors import ValueRefused

#: command → (module, one line of help). The module is imported when the command runs; help needs none of them.
COMMANDS: Final = {
    "plan": ("gitops.commands.plan", "Show which node pools the pending pods need. Changes nothing."),
    "explain": ("gitops.commands.explain", "Say why a pod or a pool is planned the way it is."),
    "replay": ("gitops.commands.replay", "Make a plan again from its saved evidence, and compare."),
    "render": ("gitops.commands.render", "Write a plan's pools as Terraform and YAML files into a folder."),
    "propose": ("gitops.commands.propose", "Propose the plan for review: a branch, and a pull request on a forge."),
    "apply": ("gitops.commands.apply", "Apply what was approved and merged, and nothing else."),
    "run": ("gitops.commands.run", "Plan, propose and apply for as long as it runs: the controller."),
    "emergency": ("gitops.commands.emergency", "Apply growth now, without review, and leave the same record."),
    "status": ("gitops.commands.status", "Tell how clusters stand: what waits, failed, or is lacking."),
    "history": ("gitops.commands.history", "Tell what was proposed, approved and applied, and what it cost."),
    "import": ("gitops.commands.take", "Propose to bring existing pools under management, as they are."),
    "release": ("gitops.commands.release", "Propose to let go of pools, and leave them as they are."),
    "drift": ("gitops.commands.drift", "Compare the pools Git declares with those the provider has."),
    "snapshot": ("gitops.commands.snapshot", "Save a live cluster to a file that plans identically."),
    "catalog": ("gitops.commands.catalog", "Write a catalog of flavors and prices from the OVH API."),
    "validate": ("gitops.commands.validate", "Check policy files and settings."),
    "sandbox": ("gitops.commands.sandbox", "Serve an OVH API and a small cluster on this machine, for trials."),
    "demo": ("gitops.commands.demo", "Run the whole story on the sandbox, offline, in under a minute."),
}


class LazyGroup(click.Group):
    """A group whose commands are modules with a click command named ``command``."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - likewise
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        found: click.Command = module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup, invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)  # fmt: skip
@click.version_option(package_name="poolplan", prog_name="poolplan")
@click.pass_context
def cli(context: click.Context) -> None:
    """Plan the cheapest OVHcloud node pools for pods that cannot be scheduled, as a diff people review."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help(), err=True)
        context.exit(ExitCode.FAILED)


def main() -> None:
    """The program. Every failure is one line on stderr; no traceback reaches a user unless POOLPLAN_DEBUG is set."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: Terraform is told, and waited for
    try:
        code = cli.main(standalone_mode=False)
    except (click.ClickException, click.Abort) as error:
        code = _fail(_of_click(error))
    except PoolplanError as error:
        code = _fail(str(error), *error.reasons, code=error.exit_code)
    except ValueRefused as error:
        code = _fail(str(error))
    except OSError as error:
        code = _fail(_of_system(error))
    except Exception as error:
        if environment().get("POOLPLAN_DEBUG"):
            raise
        code = _fail(f"this is a defect of poolplan, please report it: {type(error).__name__}: {error}"
                     " (POOLPLAN_DEBUG=1 shows where)")  # fmt: skip
    sys.exit(code if isinstance(code, int) else ExitCode.DONE)


def _of_click(error: click.ClickException | click.Abort) -> str:
    """Wrong usage, with where to read on; or an interruption."""
    if isinstance(error, click.Abort):
        return "interrupted; nothing further is changed"
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "poolplan"
    message = error.format_message().rstrip(".")
    return f"{message[:1].lower()}{message[1:]}; see {command} --help"


def _of_system(error: OSError) -> str:
    """What the operating system refused, where nothing nearer to it has said it better."""
    subject = f"{error.filename}: " if error.filename else "output cannot be written: " if error.errno == ENOSPC else ""
    return f"{subject}{error.strerror or error}"


def _fail(*lines: str, code: ExitCode = ExitCode.FAILED) -> ExitCode:
    first, *rest = lines
    for line in first.splitlines():
        click.echo(f"poolplan: {line}", err=True)
    for line in rest:
        click.echo(f"  - {line}", err=True)
    return code
