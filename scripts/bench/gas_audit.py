"""A drawn batch with two honest seats, each act a transaction on a node: `python -m scripts.bench.gas_audit`.

Also a life that is not drawn, under a config with a beacon and auditors. What all acts of an audit cost together is
`drawn_two_seats`; the round itself is a figure of its own (scripts.bench.gas_beacon).
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scripts.bench.gas_chain import GasChain, Party, digest, gas_chain
from scripts.bench.gas_lives import TASKS, Lives, Played, results
from stun.chains.evm import audit_calls
from stun.chains.evm.abi import AbiFunction
from stun.chains.evm.beacon import EvmBeaconWriter
from stun.chains.evm.deployments import deploy
from stun.chains.evm.market_contracts import interface
from stun.protocol.audit import actions
from stun.protocol.audit.draws import drawn_tasks, seal_of, verdict_of
from stun.protocol.audit.messages import SeatSeal, SeatVerdict
from stun.protocol.audit.state import Audit
from stun.protocol.beacon.bls import sign
from stun.protocol.beacon.networks import DEVELOPMENT_SECRET
from stun.protocol.messages import NOBODY, Order
from stun.protocol.parameters import BY_NAME, PARAMETERS, PPM, development

EPOCH_SECONDS = 600
SEAT_BOND = BY_NAME["seat_bond"].default
AUDITORS = 2
OWN_ACTS = ("draw", "seal_1", "seal_2", "reveal_1", "reveal_2", "close")
LANE_ACTS = ("draw", "seal", "reveal", "close")
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

    def play(self, label: str, lane: bool) -> None:
        """A whole life with an audit in it; the acts' gas by name, and their sum as `drawn_two_seats`.

        In the `lane` a keeper brings what both seats have signed, else each seat makes its own calls.
        """
        chain, tree = self.chain, results(TASKS)
        lives = DrawnLives(chain, 100 + 10 * len(chain.gas))
        played = lives.open(f"{label}_life", TASKS, 1).post(tree)
        audit = self._draw(lives.ordered[-1], played, label)
        tasks = drawn_tasks(audit.randomness, audit.batch_id, audit.count, audit.tasks)
        verdict = verdict_of([tree.results[task].output_digest for task in tasks])
        seals = []
        for seat, sitting in enumerate(audit.sittings):
            word = seal_of(audit.batch_id, sitting.account, verdict, digest(f"salt {seat}"))
            seals.append(actions.Sealing(seat, word, sitting.account))
        openings = [
            actions.Opening(k, 1, verdict, digest(f"salt {k}"), s.account) for k, s in enumerate(audit.sittings)
        ]
        groups = [(0, 1)] if lane else [(0,), (1,)]
        for group in groups:
            name = "seal" if lane else f"seal_{group[0] + 1}"
            act = actions.Seal(NOBODY, audit, tuple(seals[k] for k in group))
            audit = self._seat_acts(act, audit, f"{name}_{label}")
        for group in groups:
            name = "reveal" if lane else f"reveal_{group[0] + 1}"
            opened = actions.Reveal(NOBODY, audit, tuple(openings[k] for k in group))
            audit = self._seat_acts(opened, audit, f"{name}_{label}")
        played.settle(tree)
        chain.node.travel(max(0, audit.close_at - chain.market.now()))
        self._take(chain.newcomer, actions.Close(chain.newcomer.id, audit), f"close_{label}")
        acts = LANE_ACTS if lane else OWN_ACTS
        chain.gas[f"drawn_two_seats_{label}"] = sum(chain.gas[f"{act}_{label}"] for act in acts)

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
        """Let a seat act alone, or the newcomer bring what several signed; return the record as the logs make it."""
        parts = act.seals if isinstance(act, actions.Seal) else act.openings
        accounts = [audit.sittings[part.seat].account for part in parts]
        alone = len(accounts) == 1
        sender = accounts[0] if alone else self.chain.newcomer.id
        party = next(party for party in self.chain.parties if party.id == sender)
        signatures = [] if alone else [self._signed(audit, part) for part in parts]
        self._take(party, act, name, None, signatures)
        return audit_calls.after(audit, act)

    def _signed(self, audit: Audit, part: actions.Sealing | actions.Opening) -> bytes:
        account = audit.sittings[part.seat].account
        party = next(party for party in self.chain.parties if party.id == account)
        if isinstance(part, actions.Sealing):
            return self.chain.sign(party, SeatSeal(audit.batch_id, account, part.seal))
        return self.chain.sign(party, SeatVerdict(audit.batch_id, account, part.verdict, part.agrees))

    def _take(
        self, party: Party, act: actions.Action, name: str, terms: Any = None, signatures: Sequence[bytes] = ()
    ) -> Any:
        return self._call(party, self.address, audit_calls.calldata(act, terms, signatures), name)

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
    """An audit in which every balance is new, one in which none is, one by the lane; and lives that are not drawn."""
    audits = Audits(chain)
    for label in ("first", "alone", "lane"):
        audits.play(label, lane=label == "lane")
    tree = results(TASKS)
    lives = DrawnLives(chain, 5_000, audit_ppm=PPM // 10)
    lives.open("warm", TASKS, 3).deliver([tree] * 3).settle(tree)
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
        "gas_drawn_two_seats": acts["drawn_two_seats_lane"],
        "gas_drawn_two_seats_alone": acts["drawn_two_seats_alone"],
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
