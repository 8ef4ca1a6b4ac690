"""Compare a market on a chain with its record and the sources: `python -m scripts.verify --deployment FILE --rpc URL`.

Exit codes: 0 nothing contradicts the record; 10 something does (or, with --strict, something is unproven); 2 usage; 3
the file is no record; 6 the chain cannot be read.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from stun.chains.evm.deployments import DeploymentFile, load, source_commit
from stun.chains.evm.endpoint import connect
from stun.chains.evm.findings import Verification
from stun.chains.evm.rpc import ChainReader
from stun.chains.evm.verified_market import inspect_market
from stun.cli.exits import DIFFERS, telling_errors
from stun.cli.output import Output


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--deployment", type=click.Path(path_type=Path), required=True, help="deployments/<network>/<chain>.json")
@click.option("--rpc", "rpc_urls", multiple=True, required=True, envvar="STUN_RPC", help="Several must agree.")
@click.option("--strict", is_flag=True, help="What can be neither proved nor refuted counts as a contradiction.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, stable keys.")
@click.pass_context
def command(ctx: click.Context, /, deployment: Path, rpc_urls: Sequence[str], strict: bool, as_json: bool) -> None:
    """Compare what is on a chain with a record, code hash by code hash and argument by argument.

    Contracts, immutables, creations, calls, roles, owners and the config in force; the sources are those of this
    checkout, compiled now.
    """
    output = Output(as_json)
    with telling_errors(ctx, lambda: output):
        file = load(deployment)
        outcome = inspect_market(file, ChainReader([connect(url) for url in rpc_urls]))
        tell(output, file, outcome, source_commit())
        if outcome.mismatches or (strict and outcome.unproven):
            ctx.exit(DIFFERS)


def tell(output: Output, file: DeploymentFile, outcome: Verification, commit: str) -> None:
    """Print the outcome."""
    holds = not outcome.mismatches
    record = {
        "holds": holds, "network": file.network, "chain_id": file.chain_id, "agreed": outcome.agreed,
        "recorded_commit": file.commit, "sources_commit": commit,
        "mismatches": [asdict(wrong) for wrong in outcome.mismatches], "unproven": list(outcome.unproven),
    }  # fmt: skip
    lines = [f"{'holds' if holds else 'DOES NOT HOLD'}: {file.network}, chain {file.chain_id}"]
    for wrong in outcome.mismatches:
        lines += [f"  {wrong.contract} {wrong.what}".rstrip().replace("   ", "  ")]
        lines += [f"      expected {_short(wrong.expected)}", f"      found    {_short(wrong.found)}"]
    lines += [f"  unproven: {_short(doubt)}" for doubt in outcome.unproven]
    lines += [f"{outcome.agreed} values agree, {len(outcome.mismatches)} do not, {len(outcome.unproven)} are unproven"]
    if file.commit != commit:
        lines += [f"the record is of sources {file.commit}; compared with {commit}"]
    output.record(record, "\n".join(lines))


def _short(text: str) -> str:
    """One line for people: a file may say anything, and nothing of it moves the cursor."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    return plain if len(plain) <= 200 else f"{plain[:200]}... ({len(plain)} characters)"


if __name__ == "__main__":
    command()
