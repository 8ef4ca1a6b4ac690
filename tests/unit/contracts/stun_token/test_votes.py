"""Votes of STUN: who has them, that nobody has them twice, and delegation by signature."""

from typing import Any

import boa
import pytest
from eth_account import Account
from evm_contracts import NO_ADDRESS, STUN, deployer, events, now, rejection

pytestmark = pytest.mark.unit

holder = Account.from_key(b"\x07" * 32)
FIELDS = {"delegatee": "address", "nonce": "uint256", "expiry": "uint256"}


def sign(token: Any, delegatee: str, nonce: int, expiry: int) -> tuple[int, bytes, bytes]:
    _, name, version, chain_id, contract, _, _ = token.eip712Domain()
    domain = {"name": name, "version": version, "chainId": chain_id, "verifyingContract": str(contract)}
    types = {"Delegation": [{"name": field, "type": kind} for field, kind in FIELDS.items()]}
    message = {"delegatee": delegatee, "nonce": nonce, "expiry": expiry}
    signed = Account.sign_typed_data(holder.key, domain, types, message)
    return signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


def test_clock_is_the_timestamp(token: Any) -> None:
    assert (token.clock(), token.CLOCK_MODE()) == (now(), "mode=timestamp")


def test_a_balance_votes_only_when_delegated(token: Any, treasury: str, stranger: str) -> None:
    assert token.getVotes(treasury) == 0
    supply = token.totalSupply()
    token.delegate(stranger, sender=treasury)
    changed = {"delegate": stranger, "previousVotes": 0, "newVotes": supply}
    named = {"delegator": treasury, "fromDelegate": NO_ADDRESS, "toDelegate": stranger}
    assert (events(token, "DelegateChanged"), events(token, "DelegateVotesChanged")) == ([named], [changed])
    assert (token.getVotes(stranger), token.delegates(treasury)) == (supply, stranger)


def test_the_present_is_no_past(token: Any, treasury: str, stranger: str) -> None:
    token.delegate(treasury, sender=treasury)
    assert rejection(token.getPastVotes, treasury, now()) == "votes: future"
    assert rejection(token.getPastTotalSupply, now()) == "votes: future"
    boa.env.time_travel(seconds=1)
    assert token.getPastVotes(treasury, now() - 1) == token.getPastTotalSupply(now() - 1) == token.totalSupply()
    assert token.getPastVotes(NO_ADDRESS, now() - 1) == 0


def test_votes_borrowed_within_a_second_leave_no_trace(token: Any, treasury: str, stranger: str) -> None:
    token.delegate(stranger, sender=stranger)
    boa.env.time_travel(seconds=1)
    token.transfer(stranger, 10 * STUN, sender=treasury)
    assert token.getVotes(stranger) == 10 * STUN
    token.transfer(treasury, 10 * STUN, sender=stranger)
    boa.env.time_travel(seconds=1)
    assert token.getPastVotes(stranger, now() - 1) == 0


def test_staked_stun_votes_for_its_owner_without_a_delegate(token: Any, staking: Any, provider: str) -> None:
    staking.stake(100 * STUN, sender=provider)
    assert (token.getVotes(provider), token.held_of(provider), token.getVotes(staking)) == (100 * STUN, 100 * STUN, 0)


def test_staking_moves_no_votes_of_one_that_delegated(token: Any, staking: Any, provider: str, stranger: str) -> None:
    token.delegate(stranger, sender=provider)
    staking.stake(400 * STUN, sender=provider)
    assert (token.getVotes(stranger), token.held_of(provider)) == (1_000 * STUN, 400 * STUN)
    staking.unstake(400 * STUN, sender=provider)
    assert token.getVotes(stranger) == 1_000 * STUN
    token.delegate(NO_ADDRESS, sender=provider)
    assert (token.getVotes(stranger), token.getVotes(provider)) == (0, 400 * STUN)


def test_slashing_takes_votes_at_once(token: Any, staking: Any, slasher: str, provider: str, stranger: str) -> None:
    token.delegate(stranger, sender=provider)
    staking.stake(1_000 * STUN, sender=provider)
    staking.slash(provider, 2_500, sender=slasher)
    assert token.getVotes(stranger) == 750 * STUN
    boa.env.time_travel(seconds=1)
    assert token.getPastTotalSupply(now() - 1) == token.totalSupply()


def test_collected_stake_votes_where_it_goes(token: Any, staking: Any, provider: str, stranger: str) -> None:
    token.delegate(stranger, sender=stranger)
    staking.stake(9 * STUN, sender=provider)
    staking.unstake(9 * STUN, sender=provider)
    boa.env.time_travel(seconds=15 * 86_400)
    staking.collect(stranger, sender=provider)
    assert (token.getVotes(provider), token.getVotes(stranger)) == (0, 9 * STUN)


def test_custody_is_for_the_custodian(token: Any, staking: Any, treasury: str, provider: str) -> None:
    staking.stake(STUN, sender=provider)
    for account in (treasury, provider):
        assert rejection(token.hold, provider, 1, sender=account) == "token: custodian"
        assert rejection(token.release, provider, account, 1, sender=account) == "token: custodian"
        assert rejection(token.burn_held, provider, 1, sender=account) == "token: custodian"


def test_the_custodian_is_named_once(token: Any, staking: Any, treasury: str, stranger: str) -> None:
    other = deployer("mocks/Messenger").deploy()
    assert rejection(token.set_custodian, other, sender=treasury) == "token: custodian"
    assert rejection(token.set_custodian, other, sender=stranger) == "ownable: caller is not the owner"


def test_the_custodian_spends_only_what_is_released(token: Any, treasury: str, stranger: str) -> None:
    keeper = boa.env.generate_address("keeper")
    assert rejection(token.set_custodian, keeper, sender=treasury) == "token: keeper"
    boa.env.set_code(keeper, b"\x00")
    token.set_custodian(keeper, sender=treasury)
    token.transfer(keeper, 5, sender=treasury)
    assert rejection(token.transfer, treasury, 5, sender=keeper) == "token: custodian"
    assert rejection(token.burn, 5, sender=keeper) == "token: custodian"
    assert rejection(token.delegate, keeper, sender=keeper) == "votes: keeper"
    assert rejection(token.release, stranger, treasury, 1, sender=keeper) == "token: held"
    assert rejection(token.burn_held, stranger, 1, sender=keeper) == "token: held"
    assert rejection(token.hold, stranger, 1, sender=keeper) == "token: allowance"
    assert rejection(token.release, stranger, keeper, 0, sender=keeper) == "token: receiver"


def test_what_crossed_the_bridge_does_not_vote(token: Any, treasury: str, stranger: str) -> None:
    bridge = deployer("mocks/Messenger").deploy()
    token.transfer(bridge, 10 * STUN, sender=treasury)
    token.set_bridge(bridge, sender=treasury)
    token.transfer(bridge, 20 * STUN, sender=treasury)
    boa.env.time_travel(seconds=1)
    assert token.getPastTotalSupply(now() - 1) == token.totalSupply() - 30 * STUN
    delegating = token.delegate.prepare_calldata(stranger)
    assert rejection(bridge.forward, token, delegating) == "votes: keeper"
    token.set_bridge(NO_ADDRESS, sender=treasury)
    boa.env.time_travel(seconds=1)
    assert token.getPastTotalSupply(now() - 1) == token.totalSupply()
    assert rejection(token.set_bridge, bridge, sender=stranger) == "ownable: caller is not the owner"


def test_nobody_who_votes_is_silenced_as_a_bridge(token: Any, treasury: str) -> None:
    wallet = deployer("mocks/Messenger").deploy()
    wallet.forward(token, token.delegate.prepare_calldata(treasury))
    assert rejection(token.set_bridge, wallet, sender=treasury) == "token: keeper"


def test_delegation_by_signature_works_once(token: Any, treasury: str, stranger: str) -> None:
    token.transfer(holder.address, 3 * STUN, sender=treasury)
    signature = sign(token, stranger, 0, now() + 9)
    token.delegateBySig(stranger, 0, now() + 9, *signature, sender=treasury)
    assert (token.delegates(holder.address), token.getVotes(stranger)) == (stranger, 3 * STUN)
    assert rejection(token.delegateBySig, stranger, 0, now() + 9, *signature) == "votes: nonce"
    assert token.nonces(holder.address) == 1


def test_delegation_by_signature_expires(token: Any, stranger: str) -> None:
    late = now() - 1
    assert rejection(token.delegateBySig, stranger, 0, late, *sign(token, stranger, 0, late)) == "votes: expired"
    last = now()
    token.delegateBySig(stranger, 0, last, *sign(token, stranger, 0, last))
    assert token.delegates(holder.address) == stranger


def test_a_changed_signature_delegates_nothing_of_the_signer(token: Any, treasury: str, stranger: str) -> None:
    v, r, s = sign(token, stranger, 0, now() + 9)
    token.delegateBySig(treasury, 0, now() + 9, v, r, s)  # somebody else's key, who has nothing
    assert token.delegates(holder.address) == NO_ADDRESS
    assert rejection(token.delegateBySig, stranger, 0, now() + 9, v, bytes(32), s) == "ecdsa: invalid signature"


def test_the_past_of_one_with_many_changes(token: Any, treasury: str) -> None:
    token.delegate(treasury, sender=treasury)
    expected = {}
    for change in range(37):
        boa.env.time_travel(seconds=2)
        token.burn(change, sender=treasury)
        expected[now()] = token.balanceOf(treasury)
    boa.env.time_travel(seconds=1)
    for moment, votes in expected.items():
        assert token.getPastVotes(treasury, moment) == token.getPastTotalSupply(moment) == votes
        assert token.getPastVotes(treasury, moment - 1) >= votes
