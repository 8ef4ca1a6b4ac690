"""What a person sees at the end: hits of the search, and the receipt of every batch."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from stun_sdk.status import BatchStatus, split_of

from demo.books import BURNED, INSURANCE, TREASURY, Books, locked_by
from demo.network import STUN, Network
from demo.search import Hit
from stun.protocol.market.state import ReplicaState

GAS_STEPS = (("BatchOpened", "match"), ("Revealed", "commit and reveal"), ("Settled", "settle"))


def stun(units: int) -> str:
    """Return STUN with all nine decimals."""
    sign = "-" if units < 0 else ""
    return f"{sign}{abs(units) // STUN}.{abs(units) % STUN:09d}"


def show_hits(console: Console, queries: Sequence[str], hits: Sequence[Sequence[Hit]]) -> None:
    """Print the best texts for every query."""
    table = Table(
        title="Semantic search over the 256 sentences, by embeddings bought on the market", title_justify="left"
    )
    table.add_column("query", ratio=2)
    table.add_column("cosine", justify="right")
    table.add_column("hit", ratio=4)
    for query, found in zip(queries, hits, strict=True):
        for rank, hit in enumerate(found):
            table.add_row(query if rank == 0 else "", f"{hit.score:.3f}", hit.text, end_section=rank == len(found) - 1)
    console.print(table)


def show_terms(console: Console, network: Network, batch: BatchStatus, title: str) -> None:
    """Print the terms of a batch and what each replica showed and earned."""
    terms = batch.terms
    assert terms is not None
    table = Table(title=title, title_justify="left", caption_justify="left", caption=_caption(batch))
    for name in ("provider", "price per 10^6", "bond", "outcome", "outputs root", "units", "paid", "penalty"):
        table.add_column(name, justify="left" if name in ("provider", "outcome", "outputs root") else "right")
    for replica in batch.replicas:
        outcome = replica.state.name.lower()
        if replica.state == ReplicaState.REVEALED:
            outcome = "agreed, paid" if replica.paid else "outvoted, unpaid"
        root = replica.outputs_root.hex()[:12] or "-"
        table.add_row(
            network.name_of(replica.provider), stun(replica.price), stun(replica.bond), outcome, root,
            str(replica.total_units), stun(replica.paid), stun(replica.penalty),
        )  # fmt: skip
    console.print(table)


def _caption(batch: BatchStatus) -> str:
    terms = batch.terms
    assert terms is not None
    return (
        f"batch 0x{batch.batch_id.hex()[:16]}: {terms.count} tasks, class {terms.numeric_class.name.lower()}, "
        f"locked {stun(locked_by(batch))} STUN and a tip of {stun(terms.tip)}; post within {terms.post_seconds} s, "
        f"challenge window {terms.challenge_seconds} s"
    )


def show_split(console: Console, network: Network, batch: BatchStatus) -> None:
    """Print how the payments of a batch were split, to the last unit."""
    terms = batch.terms
    assert terms is not None
    table = Table(title="Where the money of the first batch went (STUN)", title_justify="left")
    for name in ("replica", "paid", "provider 80 %", "creator 5 %", "matcher", "settler", "treasury", "platform 15 %"):
        table.add_column(name, justify="left" if name == "replica" else "right")
    for replica in batch.replicas:
        parts = split_of(batch, replica)
        table.add_row(
            network.name_of(replica.provider), stun(replica.paid), stun(parts.provider), stun(parts.creator),
            stun(parts.matcher), stun(parts.settler), stun(parts.treasury), stun(parts.platform),
        )  # fmt: skip
    console.print(table)


def show_gas(console: Console, batches: Mapping[str, tuple[BatchStatus, Mapping[str, int]]]) -> None:
    """Print the gas of every step; a batch pays the same for any number of tasks."""
    table = Table(title="Gas", title_justify="left")
    for name in ("batch", "tasks", *(label for _, label in GAS_STEPS), "whole life", "per task"):
        table.add_column(name, justify="left" if name == "batch" else "right")
    for title, (batch, gas) in batches.items():
        assert batch.terms is not None
        steps = [gas.get(event, 0) for event, _ in GAS_STEPS]
        count = batch.terms.count
        table.add_row(
            title, str(count), *(f"{step:,}" for step in steps), f"{sum(steps):,}", f"{sum(steps) / count:,.0f}"
        )
    console.print(table)


def show_books(console: Console, network: Network, before: Books, after: Books) -> None:
    """Print every account before and after."""
    table = Table(title="Accounts before and after all three batches", title_justify="left")
    for name in ("account", "free before", "free after", "change", "stake", "reputation"):
        table.add_column(name, justify="left" if name == "account" else "right")
    for account, held in after.free.items():
        special = account in (TREASURY, INSURANCE, BURNED)
        name = account.decode() if special else network.name_of(account)
        base = 0 if account == BURNED else before.free[account]
        change = held - before.free[account]
        stake = reputation = ""
        if account in after.stakes:
            stake = f"{stun(before.stakes[account])} -> {stun(after.stakes[account])}"
            reputation = f"{before.reputations[account] / 1e6:.4f} -> {after.reputations[account] / 1e6:.4f}"
        table.add_row(name, stun(base), stun(base + change), stun(change), stake, reputation)
    console.print(table)
