"""The live view: what every actor did last, told from the chain's events and the pool."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text
from stun_sdk.status import BatchStatus, Stage

from demo.network import Network
from demo.processes import Company
from stun.chains.interface import ChainError
from stun.chains.market import ChainEvent

_STEPS = {Stage.WAITING: 1, Stage.RUNNING: 2, Stage.RESULTS: 4, Stage.FINAL: 5}
_SAID: dict[str, Callable[[Network, Any], tuple[str, str]]] = {
    "BatchOpened": lambda n, f: (n.name_of(f["terms"].casts[0].matcher), "matched an order with its bids"),
    "Committed": lambda n, f: (n.name_of(f["provider"]), "sealed its answer"),
    "Revealed": lambda n, f: (n.name_of(f["provider"]), f"revealed root {f['outputs_root'].hex()[:8]}"),
    "ReplicaOut": lambda n, f: (n.name_of(f["provider"]), f"went silent, lost {f['penalty']} units of its bond"),
    "Posted": lambda n, f: (n.name_of(f["provider"]), f"posted root {f['outputs_root'].hex()[:8]}"),
    "Convicted": lambda n, f: (n.name_of(f["provider"]), f"was convicted by {n.name_of(f['challenger'])}"),
    "Settled": lambda n, f: (n.name_of(f["settler"]), "settled a batch"),
}


class Watch:
    """Draws the actors and batches while they work; on no terminal it prints a line for each thing that happens."""

    def __init__(self, console: Console, network: Network, company: Company) -> None:
        self._console = console
        self._network = network
        self._company = company
        self._last: dict[str, str] = dict.fromkeys(network.people, "waiting")
        self._next_block = network.market.head() + 1
        self._started = time.monotonic()
        self._batches: dict[str, BatchStatus | None] = {}
        self._live = Live(console=console, refresh_per_second=4, transient=False)

    def __enter__(self) -> "Watch":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.update(self._draw(), refresh=True)
            self._live.stop()

    def say(self, actor: str, what: str) -> None:
        """Show what an actor did."""
        if self._last.get(actor) != what:
            self._last[actor] = what
            if not self._console.is_terminal:
                self._console.print(f"{self._seconds():6.1f} s  {actor:<11} {what}", highlight=False)

    def see(self, batches: dict[str, BatchStatus | None]) -> None:
        """Read what is new on the chain and draw. Errors: ActorFailed, ChainError."""
        self._company.check()
        self._batches = batches
        try:
            for event in self._news():
                if event.name in _SAID:
                    self.say(*_SAID[event.name](self._network, event.fields))
        except ChainError as error:
            self.say("chain", f"slow: {error}")
        if self._console.is_terminal:
            self._live.update(self._draw())

    def _news(self) -> list[ChainEvent]:
        market = self._network.market
        head = market.head()
        if head < self._next_block:
            return []
        events = list(market.events(self._next_block, head))
        self._next_block = head + 1
        return events

    def _seconds(self) -> float:
        return time.monotonic() - self._started

    def _draw(self) -> Group:
        actors = Table(title=f"STUN on this machine, {self._seconds():.0f} s", title_justify="left")
        actors.add_column("actor", min_width=11)
        actors.add_column("process")
        actors.add_column("last act", min_width=44)
        for name, what in self._last.items():
            actor = self._company.actors.get(name)
            state = Text("-") if actor is None else Text("runs", "green") if actor.alive() else Text("killed", "red")
            actors.add_row(name, state, what)
        batches = Table(title="Batches", title_justify="left")
        for name in ("batch", "stage", "progress", "replicas"):
            batches.add_column(name)
        for title, batch in self._batches.items():
            stage = Stage.WAITING if batch is None else batch.stage
            states = "" if batch is None else ", ".join(r.state.name.lower() for r in batch.replicas)
            bar = ProgressBar(total=5, completed=_STEPS.get(stage, 0), width=20)
            batches.add_row(title, stage.value, bar, states)
        return Group(actors, batches)
