"""Commands and groups of commands: the options that all have, and how an error becomes a message and an exit code."""

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from stun.cli import output
from stun.cli.session import Session
from stun.protocol.errors import StunError


def _common() -> list[click.Parameter]:
    """New options each time: click keeps state in none, but a list of its own for every command is safer."""
    return [
        click.Option(["--network"], help="a network of the configuration file, or devnet"),
        click.Option(["--account"], metavar="NAME", help="act as this account of a devnet"),
        click.Option(["--keystore"], type=click.Path(path_type=Path), help="encrypted key file (or STUN_KEYSTORE)"),
    ]


def json_option() -> click.Option:
    """The option for output that programs read."""
    return click.Option(["--json"], is_flag=True, help="print one JSON document")


class Command(click.Command):
    """A command with --json and, unless `local`, the options of a connection; ends by the table of exit codes."""

    def __init__(self, *args: Any, local: bool = False, acts: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += [] if local else _common()
        if acts:
            self.params.append(click.Option(["--dry-run"], is_flag=True, help="tell what would be done, send nothing"))
        self.params.append(json_option())

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Errors of STUN are told and become the exit code."""
        from stun.cli.exits import code_of, name_of

        session = ctx.ensure_object(Session)
        session.take(ctx.params)
        try:
            return super().invoke(ctx)
        except StunError as error:
            code, message = code_of(error), str(error)
            if session.json:
                output.print_json({"error": name_of(error), "message": message, "exit": int(code)}, sys.stderr)
            else:
                output.stderr().print(f"stun: {message}", markup=False, soft_wrap=True)
            raise click.exceptions.Exit(code) from error
        finally:
            session.close()


class Group(click.Group):
    """A group whose commands are `Command`s."""

    command_class = Command


class LazyGroup(click.Group):
    """A group that imports a group of commands only when it is called: `stun --help` stays quick.

    `places`: name to (module:object, help).
    """

    def __init__(self, *args: Any, places: dict[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._places = places

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, in the order that a person needs them."""
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in self._places:
            return None
        module, _, name = self._places[cmd_name][0].partition(":")
        found = getattr(importlib.import_module(module), name)
        assert isinstance(found, click.Command), "every place names a command"
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in self._places.items()])
