"""Deploy a market: `python -m scripts.deploy --network NAME --rpc URL`, or `ape run deploy --network CHOICE`.

Without a key (or with --dry-run) it prints every transaction and address beforehand and sends nothing. The record goes
to deployments/<network>/<chain>.json. Run again after a crash, it goes on. Exit codes: those of the `stun` command.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click
from eth_utils.address import is_checksum_address, to_checksum_address

from stun.chains.evm.accounts import EvmAccount, KeyUnavailable, from_environment, from_keystore
from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.building import PlannedStep
from stun.chains.evm.deployments import ROOT, DeploymentFile, named_json
from stun.chains.evm.endpoint import Endpoint, connect
from stun.chains.evm.launch import Launch, LaunchRefused, rehearse
from stun.chains.evm.market_deploy import Plan, development_plan, production_plan
from stun.chains.evm.rpc import ChainReader, Finality
from stun.cli.exits import telling_errors
from stun.cli.output import Output
from stun.cli.session import address_in, ask_passphrase

F = TypeVar("F", bound=Callable[..., Any])


class _Address(click.ParamType):
    """An address with its checksum (EIP-55), so that a slip of a letter is found."""

    name = "address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text. Errors: usage."""
        if not isinstance(value, str) or not is_checksum_address(value):
            self.fail(f"{value!r} is no address with its checksum", param, ctx)
        return value


@dataclass(frozen=True)
class Choices:
    """What was chosen on the command line."""

    kind: str | None
    usdc: str | None
    owner: str | None
    keystore: Path | None
    deployer: str | None
    confirmations: int
    chain_id: int | None
    folder: Path
    dry_run: bool
    again: bool
    rehearsal: bool
    as_json: bool

    def plan(self) -> Plan:
        """The market wanted. Errors: usage."""
        if self.kind is None:
            raise click.UsageError("choose --plan development or --plan production")
        if self.kind == "development":
            return development_plan()
        if self.usdc is None or self.owner is None:
            raise click.UsageError("a production plan needs --usdc and --owner")
        return production_plan(self.usdc, bytes.fromhex(self.owner[2:]))

    def account(self) -> EvmAccount | None:
        """Who signs, None in a dry run. Errors: KeyUnavailable."""
        if self.dry_run:
            return None
        return from_keystore(self.keystore, ask_passphrase) if self.keystore else from_environment()

    def address(self, account: EvmAccount | None) -> bytes:
        """Who deploys, also where nobody signs. Errors: usage, KeyUnavailable."""
        account = account or (from_environment() if self.keystore is None else None)
        named = address_in(self.keystore) if self.keystore and account is None else account and account.address
        wanted = bytes.fromhex(self.deployer[2:]) if self.deployer else None
        if wanted and named and wanted != named:
            raise KeyUnavailable(f"the key is that of {to_checksum_address(named)}, not of {self.deployer}")
        if not (wanted or named):
            raise click.UsageError("without a key, --from says whose addresses to foretell")
        return wanted or named or b""


def choices(command: F) -> F:
    """Add the options that both forms of the command have."""
    options = (
        click.option("--plan", "kind", type=click.Choice(["development", "production"])),
        click.option("--usdc", type=_Address(), help="Production: the token that is listed beside STUN."),
        click.option("--owner", type=_Address(), help="Production: who is offered every role."),
        click.option("--keystore", type=click.Path(path_type=Path), envvar="STUN_KEYSTORE", help="Encrypted key file."),
        click.option("--from", "deployer", type=_Address(), help="The deployer, where no key is set."),
        click.option("--confirmations", type=click.IntRange(0, 1_000), default=0, help="Blocks on top, at the end."),
        click.option("--chain-id", type=click.IntRange(1), help="Refuse any other chain."),
        click.option("--folder", type=click.Path(path_type=Path), default=ROOT, help="Where deployments/ stands."),
        click.option("--dry-run", is_flag=True, help="Print every transaction and address; send nothing."),
        click.option("--again", is_flag=True, help="Forget an earlier deployment under this name, and deploy anew."),
        click.option("--rehearsal/--no-rehearsal", default=True, help="Run it on a chain in this process before."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object, stable keys."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--network", required=True, help="The name that the record gets.")
@click.option("--rpc", "rpc_urls", multiple=True, required=True, envvar="STUN_RPC", help="Several must agree.")
@choices
@click.pass_context
def command(ctx: click.Context, /, network: str, rpc_urls: Sequence[str], **given: Any) -> None:
    """Deploy a market, or say what that would take.

    The key comes from an encrypted keystore file (its passphrase from STUN_PASSPHRASE or the terminal) or from
    STUN_KEY, never from an argument. Without one it is a dry run.
    """
    chosen = Choices(**given)
    with telling_errors(ctx, lambda: Output(chosen.as_json)):
        deploy(network, [connect(url) for url in rpc_urls], chosen, chosen.account())


def deploy(network: str, endpoints: Sequence[Endpoint], chosen: Choices, account: EvmAccount | None) -> None:
    """Tell the plan; carry it out where there is a key. Errors: StunError, usage."""
    output = Output(chosen.as_json)
    reader = ChainReader(endpoints, Finality(chosen.confirmations))
    if chosen.chain_id not in (None, reader.chain_id):
        raise LaunchRefused(f"this is chain {reader.chain_id}, not {chosen.chain_id}")
    launch = Launch(network, reader, chosen.plan(), chosen.folder)
    address = chosen.address(account)
    steps = launch.steps(address, anew=chosen.again)
    missing = [step for step in steps if not step.done]
    gas = rehearse(launch.plan) if chosen.rehearsal and missing else [0] * len(steps)
    if account is None:
        _tell_plan(output, launch, address, steps, gas)
        return
    if chosen.again:
        launch.forget()
    output.note(f"{len(missing)} transactions of {len(steps)} from {to_checksum_address(address)}")
    _tell_record(output, launch, launch.run(account, output.note))


def _tell_plan(
    output: Output, launch: Launch, address: bytes, steps: Sequence[PlannedStep], gas: Sequence[int]
) -> None:
    view = launch.reader.view()
    left = sum(used for step, used in zip(steps, gas, strict=True) if not step.done)
    record = {
        "dry_run": True, "network": launch.network, "chain_id": launch.reader.chain_id, "record": str(launch.path),
        "deployer": to_checksum_address(address), "balance_wei": str(view.balance(address)), "gas": left,
        "cost_now_wei": str(left * (view.block.base_fee + launch.reader.priority_fee())),
        "transactions": [_step(step, used) for step, used in zip(steps, gas, strict=True)],
    }  # fmt: skip
    heads = [f"{key.replace('_', ' '):14} {value}" for key, value in record.items() if key != "transactions"]
    output.record(record, "\n".join(["nothing was sent; this would be:", *_lines(steps, gas), "", *heads]))


def _step(step: PlannedStep, gas: int) -> dict[str, Any]:
    """One transaction as it would be sent, ready to be compared or signed elsewhere."""
    artifact = ArtifactStore().load(step.contract).interface
    inputs = artifact.constructor
    if step.function is not None:
        function = artifact.function(step.function, len(step.arguments))
        inputs = tuple(zip(function.input_names, function.inputs, strict=True))
    return {
        "nonce": step.nonce, "contract": step.contract, "function": step.function or "constructor",
        "arguments": named_json(inputs, step.arguments), "to": _text(step.to), "creates": _text(step.created),
        "data": "0x" + step.data.hex(), "gas": gas, "done": step.done,
    }  # fmt: skip


def _lines(steps: Sequence[PlannedStep], gas: Sequence[int]) -> list[str]:
    lines = []
    for step, used in zip(steps, gas, strict=True):
        act = f"create {step.contract}" if step.function is None else f"{step.contract}.{step.function}"
        place = _text(step.created or step.to)
        state = "done" if step.done else f"{used:>9,} gas" if used else "to send"
        lines.append(
            f"  nonce {step.nonce:<4} {f'{act} {step.label}'.rstrip():32} {place}  {len(step.data):>6} B  {state}"
        )
        lines += [f"        {name} = {_shown(value)}" for name, value in _step(step, used)["arguments"].items()]
    return lines


def _shown(value: Any) -> str:
    return f"[{', '.join(map(_shown, value))}]" if isinstance(value, list) else str(value)


def _text(address: bytes | None) -> str | None:
    return None if address is None else to_checksum_address(address)


def _tell_record(output: Output, launch: Launch, file: DeploymentFile) -> None:
    addresses = {name: item.address for name, item in file.contracts.items()}
    lines = [f"{name:16} {address}" for name, address in addresses.items()]
    lines += [f"deployed, compared with the sources, and recorded in {launch.path}"]
    record = {"dry_run": False, "record": str(launch.path), "chain_id": file.chain_id, "commit": file.commit}
    output.record({**record, "contracts": addresses}, "\n".join(lines))


def _ape_command() -> click.Command:
    """The command under ape, which brings --network (ecosystem:network:provider) and the connection."""
    from ape.api import ProviderAPI
    from ape.cli import ConnectedProviderCommand

    @click.command(cls=ConnectedProviderCommand, name="deploy", help=command.help)
    @click.option("--record-as", help="The name that the record gets; ecosystem-network by default.")
    @choices
    @click.pass_context
    def deploy_by_ape(ctx: click.Context, /, provider: ProviderAPI, record_as: str | None, **given: Any) -> None:
        local = provider.network.name == "local"
        kind = given["kind"] or ("development" if local else None)
        chosen = Choices(**(given | {"kind": kind, "again": given["again"] or local}))
        if provider.name == "test":
            raise click.UsageError("ape's own test chain ends with the command: choose ethereum:local:foundry")
        with telling_errors(ctx, lambda: Output(chosen.as_json)):
            account = chosen.account() or (_test_account(chosen) if local else None)
            name = record_as or f"{provider.network.ecosystem.name}-{provider.network.name}"
            deploy(name, [connect(provider.http_uri)], chosen, account)

    return deploy_by_ape


def _test_account(chosen: Choices) -> EvmAccount | None:
    """The first account of the local chain, whose key is public knowledge; None in a dry run."""
    from stun.chains.evm.nodes import funded_accounts

    return None if chosen.dry_run else funded_accounts(1)[0]


if __name__ == "__main__":
    command()
elif "ape" in sys.modules and __spec__ is not None:  # `ape run` loads this file and takes `cli`
    cli = _ape_command()
