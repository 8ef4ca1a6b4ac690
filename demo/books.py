"""The books of the demonstration: who holds what before and after, and what the protocol says must have changed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stun_sdk.status import BatchStatus, ReplicaStatus, split_of

from demo.network import Network
from stun.chains.evm.market_contracts import interface
from stun.protocol import money
from stun.protocol.market.state import ReplicaState, Terms
from stun.protocol.messages import NOBODY

TREASURY, INSURANCE, BURNED = b"treasury", b"insurance", b"burned"


@dataclass(frozen=True)
class Books:
    """STUN by account (and treasury, insurance, burned), stake and reputation by provider, at one moment."""

    free: dict[bytes, int]
    stakes: dict[bytes, int]
    reputations: dict[bytes, int]


def read_books(network: Network) -> Books:
    """Read the books at one block."""
    market = network.market.at()
    stun = market.stun
    people = [person.id for person in network.people.values()]
    supply = int(market.view().read(market.contracts.token, interface("StunToken").function("totalSupply")))
    free = {account: market.balance(stun, account) for account in people}
    free |= {TREASURY: market.share("treasury", stun), INSURANCE: market.share("insurance", stun), BURNED: -supply}
    providers = [person.id for name, person in network.people.items() if name.startswith("provider")]
    return Books(
        free,
        {account: market.stake(account) for account in providers},
        {account: market.reputation(account) for account in providers},
    )


def expected_changes(batches: Iterable[BatchStatus]) -> dict[bytes, int]:
    """Return by how much each account's free balance must change, from the terms and the verdicts alone."""
    change: dict[bytes, int] = defaultdict(int)
    for batch in batches:
        terms = batch.terms
        assert terms is not None, "a batch that ended had terms"
        for replica in batch.replicas:
            change[terms.requester] -= replica.paid
            change[replica.provider] -= replica.penalty
            change[BURNED] += replica.penalty - replica.reward
            if replica.reward:
                change[replica.challenger] += replica.reward
            if replica.paid:
                _share(change, batch, terms, replica)
        if any(replica.paid for replica in batch.replicas):
            _tip(change, batch, terms)
    return change


def _share(change: dict[bytes, int], batch: BatchStatus, terms: Terms, replica: ReplicaStatus) -> None:
    parts = split_of(batch, replica)
    change[replica.provider] += parts.provider
    change[terms.creator if terms.creator != NOBODY else TREASURY] += parts.creator
    change[replica.matcher if replica.matcher != NOBODY else batch.settler] += parts.matcher
    change[batch.settler] += parts.settler
    change[TREASURY] += parts.treasury


def _tip(change: dict[bytes, int], batch: BatchStatus, terms: Terms) -> None:
    first = next(replica for replica in batch.replicas if replica.paid)
    matcher = first.matcher if first.matcher != NOBODY else batch.settler
    change[terms.requester] -= terms.tip
    change[matcher] += terms.tip // 2
    change[batch.settler] += terms.tip - terms.tip // 2


def differences(network: Network, before: Books, after: Books, batches: Iterable[BatchStatus]) -> list[str]:
    """Return where the chain's books differ from the protocol's arithmetic; empty if they agree to the last unit."""
    ended = list(batches)
    wanted = expected_changes(ended)
    slashed = {account: before.stakes[account] * bps // 10_000 for account, bps in _slashes(ended).items()}
    wanted[BURNED] += sum(slashed.values())
    found = []
    for account, stake in after.stakes.items():
        if before.stakes[account] - stake != slashed.get(account, 0):
            found.append(f"{network.name_of(account)}: lost {before.stakes[account] - stake} of its stake")
    for account, held in after.free.items():
        change = held - before.free[account]
        if change != wanted.get(account, 0):
            name = account.decode() if account in (TREASURY, INSURANCE, BURNED) else network.name_of(account)
            found.append(f"{name}: the chain moved {change}, the protocol says {wanted.get(account, 0)}")
    return found


def _slashes(batches: Iterable[BatchStatus]) -> dict[bytes, int]:
    """Return which part of its stake each convicted provider loses, in basis points."""
    return {
        replica.provider: batch.terms.rule("stake_slash_bps")
        for batch in batches
        for replica in batch.replicas
        if replica.state == ReplicaState.CONVICTED and batch.terms is not None
    }


def agreement_problems(batch: BatchStatus) -> list[str]:
    """Return what did not go as the first order claims; empty if all held."""
    roots = {replica.outputs_root for replica in batch.replicas}
    held = len(batch.replicas) == 2 and len(roots) == 1 and all(replica.paid for replica in batch.replicas)
    return [] if held else ["the two replicas of the first batch did not agree and earn"]


def silence_problems(batch: BatchStatus, killed: bytes) -> list[str]:
    """The same of the order whose provider was killed."""
    problems = []
    if any((replica.paid == 0) != (replica.provider == killed) for replica in batch.replicas):
        problems.append("beside the killed provider somebody was left unpaid, or the killed one was paid")
    out = {replica.provider: replica for replica in batch.replicas}[killed]
    if out.state != ReplicaState.SILENT or out.penalty != out.bond * silent_bps(batch) // 10_000:
        problems.append("the silent provider did not lose its part of the bond")
    return problems


def conviction_problems(batch: BatchStatus, dispute: Mapping[str, Any]) -> list[str]:
    """The same of the order whose provider swapped the model; `dispute` as the check told it."""
    [replica] = batch.replicas
    proven = dispute["proven"]
    problems = []
    if dispute["fate"] != "convicted" or proven is None or proven["kind"] != "BadStep":
        problems.append(f"the check did not prove a wrong operator: {dispute['fate']} ({dispute['said']})")
    if replica.state != ReplicaState.CONVICTED or replica.paid or replica.penalty != replica.bond:
        problems.append("the provider with the cheaper model kept some of its bond")
    assert batch.terms is not None
    if (replica.challenger, replica.reward) != (batch.terms.requester, replica.bond // 4):
        problems.append("the requester did not get a quarter of the bond for its proof")
    return problems


def silent_bps(batch: BatchStatus) -> int:
    """Return what silence before a commitment cost in this batch, in basis points of the bond."""
    assert batch.terms is not None
    return batch.terms.rule("silence_bps")


def locked_by(batch: BatchStatus) -> int:
    """Return what the requester locked for all replicas."""
    assert batch.terms is not None
    terms = batch.terms
    return sum(money.price_locked(terms.count, terms.max_units, cast.price) for cast in terms.casts)
