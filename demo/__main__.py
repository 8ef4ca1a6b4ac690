"""`make demo`: a whole market on this machine, from the first contract to the last unit of money, and a conviction.

Exit code 0 only if every answer, verdict and balance was what the protocol says.
"""

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from stun_sdk import StunClient, Task, TaskResult
from stun_sdk.status import BatchStatus, Stage

from demo import books, cast, receipt
from demo.network import STUN, Network, build
from demo.processes import ActorFailed, Company
from demo.search import QUERIES, search
from demo.watch import Watch
from stun.protocol.errors import StunError

SENTENCES = Path(__file__).with_name("sentences.txt")
MOST_PRICE = 5_000 * STUN  # per 10^6 sentences and replica
TIP = STUN // 100
ACT_SECONDS = 120.0
_WINDOWS = {"task_seconds": 1, "challenge_seconds": 13}
_CHECKED = {"task_seconds": 2, "challenge_seconds": 60}
FIRST, SECOND, THIRD = "256 sentences, 2 replicas", "queries, 1 of 2 is killed", "queries, a cheaper model"


@dataclass(frozen=True)
class Play:
    """The three orders of the demonstration, as the requester holds them."""

    network: Network
    company: Company
    watch: Watch
    client: StunClient
    results: dict[str, TaskResult]

    def order(self, title: str, task: Task) -> TaskResult:
        """Send an order."""
        self.results[title] = self.client.submit_task(task)
        self.watch.say("requester", f"ordered {self.results[title].order.count} tasks")
        return self.results[title]

    def until(self, done: Callable[[], bool]) -> None:
        """Watch until something is so. Errors: ActorFailed (not within ACT_SECONDS), ChainError."""
        deadline = time.monotonic() + ACT_SECONDS
        while not done():
            if time.monotonic() > deadline:
                raise ActorFailed(f"nothing came of it in {ACT_SECONDS:.0f} s:\n" + self._last_words())
            self.watch.see(self.statuses())
            time.sleep(0.4)

    def statuses(self) -> dict[str, BatchStatus | None]:
        """Return how every batch stands."""
        return {title: result.status() for title, result in self.results.items()}

    def reached(self, title: str, *stages: Stage) -> bool:
        """Whether a batch is at one of these stages."""
        return self.results[title].status().stage in stages

    def address(self, name: str) -> str:
        """Return an actor's address in hex."""
        return self.network.people[name].account.checksum_address

    def found(self) -> dict[str, Any]:
        """Return what the requester's check said. Errors: ActorFailed."""
        text = self.company.actors[cast.CHECK].last_words(100_000)
        try:
            found: dict[str, Any] = json.loads(text.splitlines()[-1])
        except (ValueError, IndexError) as error:
            raise ActorFailed(f"the check said nothing: {text[-600:]}") from error
        return found

    def bids(self, title: str) -> set[bytes]:
        """Return who has bid on an order."""
        found = self.client.connection.pools.bids(self.results[title].batch_id)
        return {envelope.bid.provider for envelope in found}

    def _last_words(self) -> str:
        return "\n".join(f"--- {a.name}\n{a.last_words(600)}" for a in self.company.actors.values())


def perform(play: Play) -> None:
    """Play the three acts."""
    model = play.network.model_id
    texts = SENTENCES.read_text().splitlines()
    common = {"max_price": MOST_PRICE, "tip": TIP}
    play.order(FIRST, Task.of_texts(model, texts, replicas=2, post_seconds=90, **common, **_WINDOWS))
    play.until(lambda: play.reached(FIRST, Stage.RESULTS, Stage.FINAL))
    alone = {"replicas": 1, "providers": [play.address(cast.CHEAP)], "post_seconds": 60}
    third = play.order(THIRD, Task.of_texts(model, QUERIES, **alone, **common, **_CHECKED))
    play.until(lambda: play.reached(THIRD, Stage.RESULTS, Stage.FINAL))
    cast.start_check(play.company, play.network, third.id)
    play.watch.say("requester", "runs the queries again: `stun batch audit --challenge`")
    pair = {"replicas": 2, "providers": [play.address("provider-1"), play.address(cast.KILLED)], "post_seconds": 30}
    play.order(SECOND, Task.of_texts(model, QUERIES, **pair, **common, **_WINDOWS))
    killed = play.network.people[cast.KILLED].id
    play.until(lambda: killed in play.bids(SECOND))
    play.company.actors[cast.KILLED].kill()
    play.watch.say(cast.KILLED, "was killed after its bid")
    play.until(lambda: all(play.reached(title, Stage.FINAL) for title in play.results))
    play.until(lambda: not play.company.actors[cast.CHECK].alive())


def show(console: Console, play: Play, before: books.Books) -> list[str]:
    """Print search and receipt; return what did not hold."""
    network, texts = play.network, SENTENCES.read_text().splitlines()
    final = {title: result.status() for title, result in play.results.items()}
    after = books.read_books(network)
    embeddings = play.results[FIRST].get_arrays()
    hits = search(play.results[SECOND].get_arrays(), texts, embeddings, 3)
    receipt.show_hits(console, QUERIES, hits)
    for title, batch in final.items():
        receipt.show_terms(console, network, batch, title)
    receipt.show_split(console, network, final[FIRST])
    [dispute] = play.found()["disputes"]
    receipt.show_conviction(console, network, final[THIRD], dispute)
    gas = {title: (batch, gas_of(network, batch)) for title, batch in final.items()}
    receipt.show_gas(console, gas)
    receipt.show_books(console, network, before, after)
    problems = books.agreement_problems(final[FIRST])
    problems += books.silence_problems(final[SECOND], network.people[cast.KILLED].id)
    problems += books.conviction_problems(final[THIRD], dispute)
    return problems + books.differences(network, before, after, final.values())


def gas_of(network: Network, batch: BatchStatus) -> dict[str, int]:
    """Return the gas of each transaction of a batch, by the event that it is known for."""
    found = {name: network.market.reader.receipt(hash_) for name, hash_ in batch.transactions.items()}
    return {name: each.gas_used for name, each in found.items() if each is not None}


def run(console: Console, folder: Path) -> list[str]:
    """Build the network, play, show; return what did not hold."""
    company = Company(folder)
    try:
        with console.status("starting") as status:
            network = build(company, lambda what: status.update(what))
        cast.start(company, network)
        before = books.read_books(network)
        client = StunClient(
            account=network.people["requester"].account,
            deployment=network.deployment,
            rpc_urls=(network.rpc_url,),
            pool_urls=(network.pool_url,),
            store_urls=(network.blob_url,),
            state_folder=folder / "requester",
            auto_deposit=False,
        )
        with client, Watch(console, network, company) as watch:
            play = Play(network, company, watch, client, {})
            perform(play)
            watch.__exit__()
            return show(console, play, before)
    finally:
        company.end()


def main() -> int:
    """Run the demonstration and return the exit code."""
    console = Console()
    folder = Path(tempfile.mkdtemp(prefix="stun-demo-"))
    started = time.monotonic()
    try:
        problems = run(console, folder)
    except StunError as error:
        console.print(
            f"[red]The demonstration failed:[/red] {error}\nOutput of every actor is in {folder}", markup=True
        )
        return 1
    for problem in problems:
        console.print(f"[red]did not hold:[/red] {problem}")
    if problems:
        return 1
    console.print(f"[green]Everything held[/green]: answers, verdicts and every balance to the last unit; "
                  f"{time.monotonic() - started:.0f} s.")  # fmt: skip
    shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
