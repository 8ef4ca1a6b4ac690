"""What must be true of a market after a storm, from the chain, the pool, the stores of intents and the journals."""

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from chaos_network import PARTIES, PROVIDERS, Network
from sqlalchemy import select

from stun.chains.evm.intents import IntentRow, IntentStore
from stun.chains.evm.sender import Sender
from stun.chains.interface import Intent
from stun.chains.market import ChainEvent
from stun.pool.envelopes import CommitEnvelope, Kind
from stun.protocol import money
from stun.protocol.market.state import Terms
from stun.protocol.messages import NOBODY
from stun.provider.journal import Journal, Step

SHARES = ("treasury", "insurance", "audit")
Books = dict[tuple[bytes, str], int]
Silent = Set[tuple[bytes, bytes]]


def read_books(network: Network) -> Books:
    """Free balances of all parties and the market's own shares, by (asset, name), at one block."""
    market = network.market.at()
    books = {(a, name): market.balance(a, network.account(name)) for a in network.assets for name in PARTIES}
    return books | {(a, share): market.share(share, a) for a in network.assets for share in SHARES}


@dataclass(frozen=True)
class Story:
    """One batch as its events tell it."""

    batch_id: bytes
    terms: Terms
    events: Sequence[ChainEvent]

    def named(self, name: str) -> list[dict[str, Any]]:
        """The fields of every event of a name."""
        return [dict(event.fields) for event in self.events if event.name == name]

    @property
    def paid(self) -> tuple[int, ...]:
        """What each replica was paid in the end."""
        (end,) = self.named("Settled")
        return tuple(end["paid"])[: len(self.terms.casts)]

    @property
    def penalty(self) -> int:
        """What silence cost all together."""
        return sum(entry["penalty"] for entry in self.named("ReplicaOut"))


def read_stories(network: Network, batches: Sequence[bytes]) -> list[Story]:
    """Every batch's events."""
    head = network.market.head()
    return [Story(b, network.market.terms(b), network.market.events(0, head, b)) for b in batches]


def check_fates(stories: Sequence[Story], silent: Silent = frozenset()) -> None:
    """Each batch opened once and ended once, each replica showed one result and was paid for all of it.

    `silent`: (batch, provider) of those whom the schedule kept away past a deadline; they and nobody else are out.
    """
    for story in stories:
        names = Counter(event.name for event in story.events)
        assert (names["BatchOpened"], names["Settled"]) == (1, 1)
        out = [entry["provider"] for entry in story.named("ReplicaOut")]
        assert sorted(out) == sorted(provider for batch, provider in silent if batch == story.batch_id)
        loyal = sorted({cast.provider for cast in story.terms.casts} - set(out))
        several = len(story.terms.casts) > 1
        shown = [entry["provider"] for entry in story.named("Revealed" if several else "Posted")]
        sealed = [entry["provider"] for entry in story.named("Committed")]
        assert sorted(shown) == loyal, "a replica showed no result, or two"
        assert sorted(set(sealed) - set(out)) == (loyal if several else [])
        full = (0 if c.provider in out else money.price_of(story.terms.count, c.price) for c in story.terms.casts)
        assert story.paid == tuple(full)


def check_money(network: Network, before: Books, after: Books, stories: Sequence[Story]) -> None:
    """Not a unit is lost, and every party has what payments and penalties give it by the protocol's split."""
    wanted: Books = defaultdict(int)
    for story in stories:
        _pay(network, story, wanted)
    moved = {place: after[place] - before[place] for place in before}
    assert {place: amount for place, amount in moved.items() if amount} == {k: n for k, n in wanted.items() if n}
    for asset in network.assets:
        burned = sum(s.penalty for s in stories if s.terms.asset == asset == network.market.stun)
        assert sum(amount for (a, _), amount in moved.items() if a == asset) == -burned, "money was made or lost"


def _pay(network: Network, story: Story, wanted: Books) -> None:
    terms, asset = story.terms, story.terms.asset
    settler = network.name_of(story.named("Settled")[0]["settler"])
    tip = terms.tip
    for cast, paid in zip(story.terms.casts, story.paid, strict=True):
        if paid == 0:
            continue
        parts = money.split(paid, True, terms.rule("match_fee_bps"), terms.rule("settle_fee_bps"))
        matcher = settler if cast.matcher == NOBODY else network.name_of(cast.matcher)
        wanted[asset, network.name_of(cast.provider)] += parts.provider
        wanted[asset, "creator"] += parts.creator
        wanted[asset, "treasury"] += parts.treasury
        wanted[asset, matcher] += parts.matcher + tip // 2
        wanted[asset, settler] += parts.settler + tip - tip // 2
        wanted[asset, "requester"] -= paid + tip
        tip = 0
    for entry in story.named("ReplicaOut"):
        wanted[asset, network.name_of(entry["provider"])] -= entry["penalty"]
        if asset != network.market.stun:
            wanted[asset, "insurance"] += entry["penalty"]


def check_pool(network: Network, batches: Sequence[bytes]) -> None:
    """Nobody ever signed two commitments for one batch."""
    signed = Counter(
        (envelope.commit.batch_id, envelope.commit.provider)
        for batch_id in batches
        for envelope in network.pools.read(Kind.COMMIT, batch_id=batch_id)
        if isinstance(envelope, CommitEnvelope)
    )
    assert all(count == 1 for count in signed.values()), "two commitments of one provider for one batch"


def check_transactions(network: Network) -> None:
    """All that an account sent is in its store of intents, and no act landed twice."""
    for name in (*PROVIDERS, "matcher", "settler"):
        landed = [intent for intent in _intents(network, name) if intent.landed is not None]
        nonce = network.market.view().nonce(network.accounts[name].address)
        assert sorted(intent.nonce or 0 for intent in landed) == list(range(nonce)), f"{name} sent what it forgot"
        acts = (intent.key.rpartition(":")[0] for intent in landed if intent.ok and intent.key.count(":") > 1)
        assert max(Counter(acts).values(), default=1) == 1, f"{name} did something twice"


def caught_up(network: Network) -> bool:
    """Whether every provider has closed its books; read beside the process that holds the journal."""
    for name in PROVIDERS:
        with closing(sqlite3.connect(f"file:{network.folder / name / 'journal.sqlite'}?mode=ro", uri=True)) as journal:
            count = "SELECT count(*) FROM steps WHERE step = ?"
            seen, settled = (journal.execute(count, (s.value,)).fetchone()[0] for s in (Step.SEEN, Step.SETTLED))
        if seen != settled:
            return False
    return True


def check_journals(network: Network, stories: Sequence[Story]) -> None:
    """What a provider's journal says it earned is what the chain paid."""
    for name in PROVIDERS:
        account = network.account(name)
        journal = Journal(network.folder / name / "journal.sqlite", f"{network.market.chain} {account.hex()}")
        try:
            assert journal.active() == []
            earned = sorted(earning.amount for earning in journal.settled() if earning.amount)
        finally:
            journal.close()
        paid = [
            money.split(amount, True, 0, 0).provider
            for story in stories
            for cast, amount in zip(story.terms.casts, story.paid, strict=True)
            if cast.provider == account and amount
        ]
        assert earned == sorted(paid)


def _intents(network: Network, name: str) -> Sequence[Intent]:
    """All intents of a role, followed to where they are now."""
    file = "intents.db" if name in PROVIDERS else "keeper.intents.db"
    store = IntentStore.open(network.folder / name / file)
    Sender(network.accounts[name], network.market.reader, store).tick()
    with store.transaction() as session:
        return [row.record() for row in session.scalars(select(IntentRow))]
