"""The root of the `stun` command: common options, errors as exit codes."""

import logging
import sys
from pathlib import Path
from typing import Any

import click
import structlog

from stun.cli import account, batch, completion, devnet, keeper, model, order, provider, run
from stun.cli.exits import telling_errors
from stun.cli.output import Output
from stun.cli.session import Session

ANYWHERE = ("--json", "--dry-run")


class StunGroup(click.Group):
    """Turns the project's errors into messages and exit codes; `--json` and `--dry-run` may stand anywhere."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Bring the options that may stand anywhere to the front; what follows `--` stays as it is."""
        end = args.index("--") if "--" in args else len(args)
        moved = [arg for arg in args[:end] if arg in ANYWHERE]
        return super().parse_args(ctx, [*moved, *(arg for arg in args[:end] if arg not in ANYWHERE), *args[end:]])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; see stun.cli.exits for the codes."""
        with telling_errors(ctx, lambda: _output_of(ctx)):
            return super().invoke(ctx)


def _output_of(ctx: click.Context) -> Output:
    session = ctx.find_object(Session)
    return Output(False) if session is None else session.output


@click.group(cls=StunGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--network", help="A network of the configuration file, or devnet. [STUN_NETWORK]")
@click.option("--deployment", type=click.Path(path_type=Path), help="Deployment file. [STUN_DEPLOYMENT]")
@click.option("--rpc", "rpc_urls", multiple=True, help="Endpoint of the chain; several must agree. [STUN_RPC_URLS]")
@click.option("--pool", "pool_urls", multiple=True, help="Pool. [STUN_POOL_URLS]")
@click.option("--store", "store_urls", multiple=True, help="Blob server. [STUN_STORE_URLS]")
@click.option("--keystore", type=click.Path(path_type=Path), help="Encrypted key file. [STUN_KEYSTORE]")
@click.option("--account", "account_name", help="A named account of a devnet, requester by default. [STUN_ACCOUNT]")
@click.option("--devnet", "devnet_folder", type=click.Path(path_type=Path), help="The devnet's folder. [STUN_DEVNET]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, stable keys.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent; send nothing.")
@click.option("--verbose", is_flag=True, help="Log to standard error.")
@click.version_option(package_name="stun")
@click.pass_context
def main(
    ctx: click.Context, /, as_json: bool, dry_run: bool, verbose: bool, account_name: str | None,
    devnet_folder: Path | None, **given: Any,
) -> None:  # fmt: skip
    """STUN: order AI computation, provide it, keep the market going.

    A key comes from an encrypted keystore file (its passphrase from STUN_PASSPHRASE or the terminal) or from STUN_KEY,
    never from an argument. Without a key, what needs one is a dry run.

    Exit codes: 0 done, 1 defect, 2 usage or refused input, 3 configuration or key missing, 4 the chain refused, 5
    timeout, 6 not available, 7 no result, 8 not found, 9 funds, 10 a deployment differs from its record, 11 a result is
    wrong and its replica is not convicted.
    """
    configure_logs(verbose)
    chosen = {name: value or None for name, value in given.items()}
    session = Session(Output(as_json), chosen | {"account": account_name, "devnet": devnet_folder}, dry_run)
    ctx.obj = session
    ctx.call_on_close(session.close)


def configure_logs(verbose: bool) -> None:
    """Log structured lines to standard error: warnings only, unless asked for more."""
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.TimeStamper("iso"), _render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO if verbose else logging.ERROR),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


_render = structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)

for command in (
    account.account, batch.batch, completion.completion, devnet.devnet, keeper.keeper, model.model, order.order,
    provider.provider, run.run,
):  # fmt: skip
    main.add_command(command)


if __name__ == "__main__":
    main()
