"""The books of the demonstration: who holds what before and after, and what the protocol says must have changed."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

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
            change[BURNED] += replica.penalty
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
    wanted = expected_changes(batches)
    found = []
    for account, held in after.free.items():
        change = held - before.free[account]
        if change != wanted.get(account, 0):
            name = account.decode() if account in (TREASURY, INSURANCE, BURNED) else network.name_of(account)
            found.append(f"{name}: the chain moved {change}, the protocol says {wanted.get(account, 0)}")
    return found


def verdict_problems(main: BatchStatus, outvoted: BatchStatus, silent: BatchStatus, culprit: bytes) -> list[str]:
    """Return what did not go as the demonstration claims; empty if all held."""
    problems = []
    roots = {replica.outputs_root for replica in main.replicas}
    if len(main.replicas) != 2 or len(roots) != 1 or not all(replica.paid for replica in main.replicas):
        problems.append("the two replicas of the first batch did not agree and earn")
    for batch, name in ((outvoted, "second"), (silent, "third")):
        for replica in batch.replicas:
            if (replica.paid == 0) != (replica.provider == culprit):
                problems.append(f"{name} batch: the wrong provider was paid or left unpaid")
    out = {replica.provider: replica for replica in silent.replicas}[culprit]
    if out.state != ReplicaState.SILENT or out.penalty != out.bond * silent_bps(silent) // 10_000:
        problems.append("third batch: the silent provider did not lose its part of the bond")
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
