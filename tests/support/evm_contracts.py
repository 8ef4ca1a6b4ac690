"""Deploys the EVM contracts in titanoboa's chain, and reads their answers the way the specification writes them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import Any

import boa
from boa import BoaError
from eth_account import Account
from eth_account.signers.local import LocalAccount

from stun.protocol.parameters import PARAMETERS, Bound, development

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
NO_ADDRESS = "0x" + "00" * 20
NO_PEERS = (NO_ADDRESS,) * 4
NAMED_REVERTS = ("user revert with reason", "external call failed")  # here, or passed on from a contract called
STUN = 10**9


@cache
def deployer(name: str) -> Any:
    """Return the compiled contract `name` (a path under contracts/ without its suffix)."""
    return boa.load_partial(str(CONTRACTS / f"{name}.vy"))


def deploy_token(treasury: str) -> Any:
    """Deploy STUN with `treasury` as its owner and the holder of the whole supply."""
    with boa.env.prank(treasury):
        return deployer("StunToken").deploy()


def deploy_staking(token: Any, config: Any, owner: str) -> Any:
    """Deploy staking as the custodian of its token, whose owner must name it."""
    contract = deployer("Staking").deploy(token, config, owner)
    token.set_custodian(contract, sender=token.owner())
    return contract


def deploy_config(owner: str, bounds: Iterable[Bound] | None = None) -> Any:
    """Deploy a config without a version; a development network's bounds unless others are given."""
    chosen = development()[1] if bounds is None else bounds
    return deployer("Config").deploy(owner, [astuple(bound) for bound in chosen])


def publish(config: Any, owner: str, changes: Mapping[str, int] | None = None, peers: Any = NO_PEERS) -> int:
    """Publish a development network's values with changes; return the version."""
    values = development()[0] | dict(changes or {})
    version: int = config.publish([values[p.name] for p in PARAMETERS], peers, sender=owner)
    return version


def account_of(address: str) -> bytes:
    """Return an address as the 32-byte account of the specification."""
    return bytes.fromhex(str(address).removeprefix("0x")).rjust(32, b"\0")


def now() -> int:
    """Return the chain's clock in seconds."""
    return int(boa.env.timestamp)


def rejection(call: Callable[..., Any], *args: Any, **options: Any) -> str | None:
    """Call a contract; return None if it accepts, or the named revert reason. Any other failure is raised."""
    try:
        call(*args, **options)
    except BoaError as error:
        frame = error.stack_trace.last_frame
        if frame.error_detail not in NAMED_REVERTS or not frame.pretty_vm_reason:
            raise
        return str(frame.pretty_vm_reason)
    return None


def events(contract: Any, name: str) -> list[dict[str, Any]]:
    """Return the fields of a contract's own events `name` out of the last call that was made to it."""
    own = [
        log._asdict() for log in contract.get_logs() if type(log).__name__ == name and log.address == contract.address
    ]
    return [{field: value for field, value in log.items() if field != "address"} for log in own]


def permit_signature(
    signer: LocalAccount, token: Any, spender: str, amount: int, deadline: int, nonce: int | None = None
) -> tuple[int, bytes, bytes]:
    """Sign an EIP-2612 permit for a token's own EIP-712 domain; the account's next nonce unless one is given."""
    _, name, version, chain_id, contract, _, _ = token.eip712Domain()
    fields = {"owner": "address", "spender": "address", "value": "uint256", "nonce": "uint256", "deadline": "uint256"}
    message = {
        "owner": signer.address,
        "spender": str(spender),
        "value": amount,
        "nonce": token.nonces(signer.address) if nonce is None else nonce,
        "deadline": deadline,
    }
    domain = {"name": name, "version": version, "chainId": chain_id, "verifyingContract": str(contract)}
    types = {"Permit": [{"name": field, "type": kind} for field, kind in fields.items()]}
    signed = Account.sign_typed_data(signer.key, domain, types, message)
    return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")
