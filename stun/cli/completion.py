"""Completion scripts for shells."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell: `eval "$(stun completion bash)"`."""
    kind = get_completion_class(shell)
    assert kind is not None, "click completes these shells"
    click.echo(kind(ctx.find_root().command, {}, "stun", "_STUN_COMPLETE").source())
