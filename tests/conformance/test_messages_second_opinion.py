"""Our EIP-712 digests beside those of eth-account, by others, for every message under both domains."""

from typing import Any

import pytest
from eth_account.messages import _hash_eip191_message, encode_typed_data

from scripts.conformance.messages import DOMAINS, FILLS, example
from stun.protocol.messages import ACCOUNT, SIGNED, Domain, Message

pytestmark = pytest.mark.conformance

FIELDS = {
    "name": "string", "version": "string", "chainId": "uint256", "verifyingContract": "address", "salt": "bytes32",
}  # fmt: skip


def typed_data(message: Message, domain: Domain) -> dict[str, Any]:
    """A message as eth_signTypedData_v4 takes it."""
    values: dict[str, Any] = {"name": "STUN", "version": "1"}
    if domain.evm:
        values |= {"chainId": domain.chain_id, "verifyingContract": "0x" + domain.market.hex()}
    else:
        values |= {"salt": domain.salt}
    kind = type(message)
    account = "address" if domain.evm else "bytes32"
    members = {name: account if field == ACCOUNT else field for name, field in kind.TYPES.items()}
    types = {
        "EIP712Domain": [{"name": name, "type": FIELDS[name]} for name in values],
        kind.__name__: [{"name": camel(name), "type": field} for name, field in members.items()],
    }
    content = {camel(name): plain(getattr(message, name), field) for name, field in members.items()}
    return {"types": types, "primaryType": kind.__name__, "domain": values, "message": content}


def camel(name: str) -> str:
    words = name.split("_")
    return words[0] + "".join(word.title() for word in words[1:])


def plain(value: Any, kind: str) -> Any:
    return "0x" + value[12:].hex() if kind == "address" else value


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("name", DOMAINS)
@pytest.mark.parametrize("kind", SIGNED)
def test_the_digest_is_that_of_eth_account(kind: type[Message], name: str, fill: str) -> None:
    domain = DOMAINS[name]
    message = example(kind, fill, domain.evm)
    signable = encode_typed_data(full_message=typed_data(message, domain))
    assert message.digest(domain) == _hash_eip191_message(signable)
    assert domain.separator() == signable.header


@pytest.mark.parametrize("kind", SIGNED)
def test_no_two_fields_are_mistaken_for_each_other(kind: type[Message]) -> None:
    digests = {example(kind, fill, domain.evm).digest(domain) for domain in DOMAINS.values() for fill in FILLS}
    assert len(digests) == len(DOMAINS) * len(FILLS)
