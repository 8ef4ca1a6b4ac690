"""EIP-2612 permits of STUN, checked against an independent signer."""

from typing import Any

import pytest
from eth_account import Account
from evm_contracts import NO_ADDRESS, events, now, permit_signature, rejection

pytestmark = pytest.mark.unit

HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
holder = Account.from_key(b"\x07" * 32)


def test_permit_sets_the_allowance_once(token: Any, stranger: str) -> None:
    deadline = now() + 10
    signature = permit_signature(holder, token, stranger, 55, deadline)
    token.permit(holder.address, stranger, 55, deadline, *signature, sender=stranger)
    assert events(token, "Approval") == [{"owner": holder.address, "spender": stranger, "value": 55}]
    assert token.allowance(holder.address, stranger) == 55
    assert token.nonces(holder.address) == 1
    again = rejection(token.permit, holder.address, stranger, 55, deadline, *signature, sender=stranger)
    assert again == "token: signature"


def test_permit_expires(token: Any, stranger: str) -> None:
    deadline = now()
    late = permit_signature(holder, token, stranger, 1, deadline - 1)
    assert rejection(token.permit, holder.address, stranger, 1, deadline - 1, *late) == "token: expired"
    token.permit(holder.address, stranger, 1, deadline, *permit_signature(holder, token, stranger, 1, deadline))
    assert token.allowance(holder.address, stranger) == 1


@pytest.mark.parametrize("changed", ["owner", "spender", "amount", "deadline"])
def test_permit_is_bound_to_every_field(token: Any, stranger: str, treasury: str, changed: str) -> None:
    deadline = now() + 10
    signature = permit_signature(holder, token, stranger, 9, deadline)
    others = {"owner": treasury, "spender": treasury, "amount": 10, "deadline": deadline + 1}
    fields = {"owner": holder.address, "spender": stranger, "amount": 9, "deadline": deadline}
    fields[changed] = others[changed]
    assert rejection(token.permit, *fields.values(), *signature) == "token: signature"


def test_permit_refuses_the_other_encoding_of_a_signature(token: Any, stranger: str) -> None:
    deadline = now() + 10
    v, r, s = permit_signature(holder, token, stranger, 9, deadline)
    assert int.from_bytes(s, "big") <= HALF_ORDER
    high = (ORDER - int.from_bytes(s, "big")).to_bytes(32, "big")
    refused = rejection(token.permit, holder.address, stranger, 9, deadline, 55 - v, r, high)
    assert refused == "ecdsa: invalid signature `s` value"


def test_permit_never_speaks_for_nobody(token: Any, stranger: str) -> None:
    for v in (0, 27, 255):
        refused = rejection(token.permit, NO_ADDRESS, stranger, 9, now() + 10, v, bytes(32), bytes(32))
        assert refused in ("token: signature", "ecdsa: invalid signature")
        assert token.allowance(NO_ADDRESS, stranger) == 0
