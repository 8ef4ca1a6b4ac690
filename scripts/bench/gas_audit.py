"""A drawn batch with two honest seats, each act a transaction on a node: `python -m scripts.bench.gas_audit`.

Also a life that is not drawn, under a config with a beacon and auditors. What all acts of an audit cost together is
`drawn_two_seats`; the round itself is a figure of its own (scripts.bench.gas_beacon).
"""

import json
import sys
from dataclasses import dataclass, field, replace
from typing import Any

from scripts.bench.gas_chain import STUN, GasChain, Party, digest, gas_chain
from scripts.bench.gas_lives import TASKS, Lives, Played, results
from stun.chains.evm import audit_calls
from stun.chains.evm.abi import AbiFunction
from stun.chains.evm.beacon import EvmBeaconWriter
from stun.chains.evm.deployments import deploy
from stun.chains.evm.market_contracts import interface
from stun.protocol.audit import actions
from stun.protocol.audit.draws import drawn_tasks, seal_of
from stun.protocol.audit.state import Audit
from stun.protocol.beacon.bls import sign
from stun.protocol.beacon.networks import DEVELOPMENT_SECRET
from stun.protocol.messages import Order
from stun.protocol.parameters import PARAMETERS, PPM, development

EPOCH_SECONDS = 600
SEAT_BOND = 500 * STUN
AUDITORS = 2
ACTS = ("draw", "seal_1", "seal_2", "reveal_1", "reveal_2", "close")
APPROVE = AbiFunction("approve", ("address", "uint256"), ("bool",))


@dataclass
class DrawnLives(Lives):
    """Lives whose orders ask for an audit of every batch, or of one in ten."""

    audit_ppm: int = PPM
    ordered: list[Order] = field(default_factory=list)

    def _order(self, tasks: int, replicas: int, word: int) -> Order:
        order = replace(super()._order(tasks, replicas, word), audit_ppm=self.audit_ppm)
        self.ordered.append(order)
        return order


class Audits:
    """Plays audits on a chain; matcher and settler take the two seats, the newcomer reports."""

    def __init__(self, chain: GasChain) -> None:
        self.chain = chain
        sender, contracts = chain.parties[0].writer.sender, chain.market.contracts
        arguments = (contracts.market, contracts.config, contracts.token, EPOCH_SECONDS)
        self.address = deploy(sender, chain.market.reader, "Audit", arguments).address
        self._publish()
        for party in (chain.matcher, chain.settler):
            self._call(party, contracts.token, APPROVE.encode(self.address, SEAT_BOND), "approve_warm")
            self._take(party, actions.Join(party.id, SEAT_BOND), "join")
        chain.node.travel(EPOCH_SECONDS)

    def play(self, label: str) -> None:
        """A whole life with an audit in it; the acts' gas by name, and their sum as `drawn_two_seats`."""
        chain, tree = self.chain, results(TASKS)
        lives = DrawnLives(chain, 100 + 10 * len(chain.gas))
        played = lives.open(f"{label}_life", TASKS, 1).post(tree)
        audit = self._draw(lives.ordered[-1], played, label)
        tasks = drawn_tasks(audit.randomness, audit.batch_id, audit.count, audit.tasks)
        digests = tuple(tree.results[task].output_digest for task in tasks)
        for seat in range(AUDITORS):
            word = seal_of(audit.batch_id, audit.sittings[seat].account, digests, digest(f"salt {seat}"))
            act = actions.Seal(audit.sittings[seat].account, audit, seat, word)
            audit = self._seat_acts(act, audit, f"seal_{seat + 1}_{label}")
        for seat in range(AUDITORS):
            act = actions.Reveal(audit.sittings[seat].account, audit, seat, 1, digests, digest(f"salt {seat}"))
            audit = self._seat_acts(act, audit, f"reveal_{seat + 1}_{label}")
        played.settle(tree)
        chain.node.travel(max(0, audit.close_at - chain.market.now()))
        self._take(chain.newcomer, actions.Close(chain.newcomer.id, audit), f"close_{label}")
        chain.gas[f"drawn_two_seats_{label}"] = sum(chain.gas[f"{act}_{label}"] for act in ACTS)

    def _draw(self, order: Order, played: Played, label: str) -> Audit:
        chain, batch = self.chain, self.chain.market.batch(played.batch_id)
        assert batch is not None, "a posted batch is open"
        writer = EvmBeaconWriter(chain.newcomer.writer.sender, chain.beacon)
        chain.newcomer.writer.wait(writer.submit(chain.key(), batch.round, sign(DEVELOPMENT_SECRET, batch.round)))
        act = actions.Draw(chain.newcomer.id, played.batch_id, order)
        logs = self._take(chain.newcomer, act, f"draw_{label}", played.terms)
        found: Audit = next(event.fields["audit"] for event in audit_calls.decode_logs(logs) if event.name == "Drawn")
        return found

    def _seat_acts(self, act: actions.Seal | actions.Reveal, audit: Audit, name: str) -> Audit:
        """Let the seat act; return the record as its log made it."""
        party = next(party for party in self.chain.parties if party.id == act.sender)
        self._take(party, act, name)
        return audit_calls.after(audit, act)

    def _take(self, party: Party, act: actions.Action, name: str, terms: Any = None) -> Any:
        return self._call(party, self.address, audit_calls.calldata(act, terms), name)

    def _call(self, party: Party, target: bytes, data: bytes, name: str) -> Any:
        intent = party.writer.sender.submit(self.chain.key(), target, data)
        self.chain.spend(name, party, intent)
        head = self.chain.market.view()
        return head.logs([target], head.block.number, [])

    def _publish(self) -> None:
        """Publish the development values with two auditors, the audit and the beacon."""
        values = development()[0] | {"auditors": AUDITORS, "draw_seconds": 600 - 12, "audit_seconds": 60}
        peers = (bytes(20), bytes(20), self.address, self.chain.beacon.address)
        data = interface("Config").function("publish").encode([values[p.name] for p in PARAMETERS], peers)
        sender = self.chain.parties[0].writer.sender
        sender.wait(sender.submit(self.chain.key(), self.chain.market.contracts.config, data))


def play_audits(chain: GasChain) -> None:
    """Two audits, of which the second finds every balance in use; and lives that are not drawn."""
    audits = Audits(chain)
    for label in ("first", "audit"):
        audits.play(label)
    tree = results(TASKS)
    lives = DrawnLives(chain, 5_000, audit_ppm=PPM // 10)
    lives.open("warm", TASKS, 1).post(tree).settle(tree)
    for label in ("undrawn_1", "undrawn_3"):
        replicas = int(label[-1])
        played = lives.open(label, TASKS, replicas)
        (played.post(tree) if replicas == 1 else played.deliver([tree] * replicas)).settle(tree).end()


def measure(node: str = "auto") -> dict[str, int]:
    """Play audits on a fresh node; return the headline figures, then every act's gas."""
    with gas_chain(node) as chain:
        Lives(chain).prepare()
        known = set(chain.gas)
        play_audits(chain)
        acts = {name: used for name, used in chain.gas.items() if name not in known and not name.endswith("_warm")}
    headline = {
        "gas_drawn_two_seats": acts["drawn_two_seats_audit"],
        "gas_life_1_undrawn": acts["life_undrawn_1"],
        "gas_life_3_undrawn": acts["life_undrawn_3"],
    }
    return headline | {f"gas_audit_{name}": used for name, used in acts.items()}


def main() -> int:
    """Print what each act cost, and end with one JSON object of all figures."""
    figures = measure()
    for name, used in figures.items():
        sys.stdout.write(f"{name:<52}{used:>12,}\n")
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
