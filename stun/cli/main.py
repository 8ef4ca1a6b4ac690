"""The root of the `stun` command."""

from typing import Any

import click

from stun.cli.command import LazyGroup, json_option
from stun.cli.session import Session

EPILOG = """\b
Settings: options, then STUN_* variables, then ~/.config/stun/config.toml.
Keys: a keystore file (--keystore, STUN_KEYSTORE; its passphrase from
STUN_PASSPHRASE or a prompt) or STUN_KEY. Never an argument.
\b
Exit codes:
  0  done
  1  anything else, told in the message
  2  the command was called wrongly
  3  a setting or the key is missing or wrong; what would be done is told
  4  the chain refuses, with its reason; or there is too little money
  5  not finished in time; it goes on
  6  chain, pool or store does not answer
"""
PLACES = {
    "devnet": ("stun.cli.devnet:devnet", "a whole market on this machine"),
    "run": ("stun.cli.run:run", "order, wait, and get the output"),
    "model": ("stun.cli.model:model", "register and list models"),
    "order": ("stun.cli.order:order", "create, show, list and cancel orders"),
    "batch": ("stun.cli.batch:batch", "how a batch stands, how it was checked, who was paid"),
    "account": ("stun.cli.account:account", "keys, deposits, stake"),
    "provider": ("stun.cli.provider:provider", "earn with this machine"),
    "keeper": ("stun.cli.keeper:keeper", "match orders or settle batches"),
    "completion": ("stun.cli.completion:completion", "print the shell's completion script"),
}


@click.group(
    cls=LazyGroup,
    places=PLACES,
    epilog=EPILOG,
    params=[json_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(package_name="stun", message="stun %(version)s")
@click.pass_context
def cli(ctx: click.Context, json: bool) -> None:
    """A market for AI computation: order it, sell it, keep it going."""
    ctx.ensure_object(Session).json = json


def main(args: list[str] | None = None) -> Any:
    """Run the command; ends the process with its exit code."""
    return cli(args=args, prog_name="stun")


if __name__ == "__main__":
    main()
