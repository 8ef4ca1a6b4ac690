"""What a person sees at the end: hits of the search, and the receipt of every batch."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from stun_sdk.status import BatchStatus, ReplicaStatus, split_of

from demo.books import BURNED, INSURANCE, TREASURY, Books, locked_by
from demo.network import STUN, Network
from demo.search import Hit
from stun.protocol.market.state import ReplicaState

GAS_STEPS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("BatchOpened",), "match"),
    (("Revealed", "Posted"), "results"),
    (("Settled",), "settle or convict"),  # the conviction of a lone replica ends its batch
)


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
    """Print what each replica of a batch asked, showed and earned."""
    rows = {
        "price per 10^6": lambda r: stun(r.price),
        "bond": lambda r: stun(r.bond),
        "outcome": _outcome,
        "outputs root": lambda r: r.outputs_root.hex()[:16] or "-",
        "units": lambda r: str(r.total_units),
        "paid": lambda r: stun(r.paid),
        "lost of its bond": lambda r: stun(r.penalty),
    }
    _show_replicas(console, network, batch, rows, title, _caption(batch))


def _outcome(replica: ReplicaStatus) -> str:
    if replica.state == ReplicaState.REVEALED:
        return "agreed, paid" if replica.paid else "outvoted, unpaid"
    return replica.state.name.lower()


def _show_replicas(
    console: Console,
    network: Network,
    batch: BatchStatus,
    rows: Mapping[str, Callable[[ReplicaStatus], str]],
    title: str,
    caption: str | None = None,
) -> None:
    """Print one column a replica, so that every digit fits a terminal of 80 columns."""
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    table.add_column("")
    for replica in batch.replicas:
        table.add_column(network.name_of(replica.provider), justify="right")
    for name, value in rows.items():
        table.add_row(name, *(value(replica) for replica in batch.replicas))
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
    rows = {
        "paid": lambda r: stun(r.paid),
        "provider, 80 %": lambda r: stun(split_of(batch, r).provider),
        "creator, 5 %": lambda r: stun(split_of(batch, r).creator),
        "platform, 15 %": lambda r: stun(split_of(batch, r).platform),
        "  matcher": lambda r: stun(split_of(batch, r).matcher),
        "  settler": lambda r: stun(split_of(batch, r).settler),
        "  treasury": lambda r: stun(split_of(batch, r).treasury),
    }
    _show_replicas(console, network, batch, rows, "Where the money of the first batch went (STUN)")


def show_conviction(console: Console, network: Network, batch: BatchStatus, dispute: Mapping[str, Any]) -> None:
    """Print what was proven, and where the money of the convicted provider went."""
    [replica] = batch.replicas
    assert batch.terms is not None
    proven = dispute["proven"] or {}
    table = Table(title="The conviction: one transaction, judged by the referee on chain", title_justify="left")
    table.add_column("")
    table.add_column(network.name_of(replica.provider), justify="right")
    rows = {
        "proven": str(dispute["proven_words"]),
        "operator": f"{proven.get('operator')} ({proven.get('opcode')}) of task {proven.get('task')}",
        "element": f"row {proven.get('row')}, column {proven.get('col')}",
        "it claimed": str(proven.get("claimed")),
        "it should be": str(proven.get("expected")),
        "its bond": stun(replica.bond),
        f"  to {network.name_of(replica.challenger)}, who proved it": stun(replica.reward),
        "  burned": stun(replica.penalty - replica.reward),
        "its price, back to the requester": stun(locked_by(batch)),
        "of its stake, burned": f"{batch.terms.rule('stake_slash_bps') / 100:g} %",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)


def show_gas(console: Console, batches: Mapping[str, tuple[BatchStatus, Mapping[str, int]]]) -> None:
    """Print the gas of every step; a batch pays the same for any number of tasks."""
    table = Table(title="Gas", title_justify="left")
    for name in ("batch", "tasks", *(label for _, label in GAS_STEPS), "whole life", "per task"):
        table.add_column(name, justify="left" if name == "batch" else "right")
    for title, (batch, gas) in batches.items():
        assert batch.terms is not None
        steps = [next((gas[event] for event in events if event in gas), 0) for events, _ in GAS_STEPS]
        count = batch.terms.count
        table.add_row(
            title, str(count), *(f"{step:,}" for step in steps), f"{sum(steps):,}", f"{sum(steps) / count:,.0f}"
        )
    console.print(table)


def show_books(console: Console, network: Network, before: Books, after: Books) -> None:
    """Print every account before and after."""
    table = Table(title="Free balances before and after all three batches (STUN)", title_justify="left")
    for name in ("account", "before", "after", "change"):
        table.add_column(name, justify="left" if name == "account" else "right")
    for account, held in after.free.items():
        special = account in (TREASURY, INSURANCE, BURNED)
        name = account.decode() if special else network.name_of(account)
        base = 0 if account == BURNED else before.free[account]
        change = held - before.free[account]
        table.add_row(name, stun(base), stun(base + change), stun(change))
    console.print(table)
    standing = Table(title="Stake (STUN) and reputation of the providers", title_justify="left")
    for name in ("provider", "stake before", "stake after", "reputation before", "after"):
        standing.add_column(name, justify="left" if name == "provider" else "right")
    for account, stake in after.stakes.items():
        old, new = before.reputations[account] / 1e6, after.reputations[account] / 1e6
        name = network.name_of(account)
        standing.add_row(name, stun(before.stakes[account]), stun(stake), f"{old:.6f}", f"{new:.6f}")
    console.print(standing)
