"""Completion scripts for shells."""

import click
from click.shell_completion import get_completion_class

from stun.cli.command import Command
from stun.cli.session import Session

SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command, local=True)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash: stun completion bash > ~/.local/share/bash-completion/completions/stun
    zsh:  stun completion zsh > ~/.zfunc/_stun        (in fpath, before compinit)
    fish: stun completion fish > ~/.config/fish/completions/stun.fish
    """
    from stun.cli.main import cli

    found = get_completion_class(shell)
    assert found is not None, "click knows the shells that are offered"
    script = found(cli, {}, "stun", "_STUN_COMPLETE").source()
    session = ctx.ensure_object(Session)
    if session.json:
        session.show({"shell": shell, "script": script})
    else:
        click.echo(script)
