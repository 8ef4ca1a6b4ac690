"""How many batches a second one matcher and one settler bring through a node, from order to payment.

Every batch has two replicas and 1,024 tasks. Signing, simulating, sending and waiting count; the computing of providers
does not. The ratio sets a market transaction's rate beside a bare token transfer by the same kind of sender on the same
node in the same run: 1 would mean that the market costs no time at all.
"""

import json
import time

import click

from scripts.bench.gas_chain import GasChain, gas_chain
from scripts.bench.gas_lives import CHALLENGE_SECONDS, Lives, Played, results
from stun.chains.evm.market_contracts import interface
from stun.protocol.trees.results import ResultsTree

TASKS = 1_024
REPLICAS = 2
TRANSACTIONS = 3  # match, deliver, settle


def measure(batches: int) -> dict[str, float | int]:
    """Return batches and tasks a second, and the rate of their transactions against bare transfers."""
    with gas_chain() as chain:
        lives = Lives(chain)
        lives.prepare()
        tree = results(TASKS)
        started = time.perf_counter()
        played = [lives.open(f"t{number}", TASKS, REPLICAS) for number in range(batches)]
        for batch in played:
            batch.deliver([tree] * REPLICAS)
        chain.node.travel(CHALLENGE_SECONDS)
        for batch in played:
            _settle(chain, batch, tree)
        seconds = time.perf_counter() - started
        transfers = _transfers(chain, batches)
        per_transaction = seconds / (TRANSACTIONS * batches)
        return {
            "batches_per_second": round(batches / seconds, 3),
            "tasks_per_second": round(batches * TASKS / seconds, 1),
            "throughput_ratio_to_transfers": round(transfers / per_transaction, 3),
        }


def _settle(chain: GasChain, batch: Played, tree: ResultsTree) -> None:
    settler = chain.settler
    claim = (batch.batch_id, batch.terms, tree.root, tree.total_units)
    settler.writer.wait(settler.writer.settle(chain.key(), *claim))


def _transfers(chain: GasChain, count: int) -> float:
    """Return the seconds one bare token transfer takes the same sender."""
    transfer = interface("StunToken").function("transfer")
    party = chain.settler
    started = time.perf_counter()
    for _ in range(count):
        data = transfer.encode(chain.requester.account.address, 1)
        party.writer.sender.wait(party.writer.sender.submit(chain.key(), chain.market.contracts.token, data))
    return (time.perf_counter() - started) / count


@click.command()
@click.option("--batches", default=40, show_default=True)
def main(batches: int) -> None:
    """Print the figures as one JSON object."""
    click.echo(json.dumps(measure(batches)))


if __name__ == "__main__":
    main()
