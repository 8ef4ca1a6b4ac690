"""Finds open batches in a state that an action needs."""

from collections.abc import Callable
from random import Random

from market_moves import Move, Moves
from market_plans import Plan
from side_by_side import World

from stun.protocol.market import actions
from stun.protocol.market.state import Batch, Phase, ReplicaState

Wanted = Callable[[Batch], bool]


class Seeker:
    """`plans` are the answers of the open batches."""

    def __init__(self, world: World, rng: Random, plans: dict[bytes, Plan]) -> None:
        self.world = world
        self.rng = rng
        self.plans = plans
        self.moves = Moves(world, rng)

    def find(self, wanted: Wanted) -> tuple[Plan, Batch] | None:
        """Return some open batch that fits."""
        fitting = [key for key in self.plans if wanted(self.world.market.batches[key])]
        if not fitting:
            return None
        key = self.rng.choice(fitting)
        return self.plans[key], self.world.market.batches[key]

    def find_next(self, wanted: Wanted, moment: Callable[[Batch], int]) -> tuple[Plan, Batch] | None:
        """Return the open batch whose moment is the next to come, so that a jump to it leaves the others alone."""
        fitting = [key for key in self.plans if wanted(self.world.market.batches[key])]
        coming = [key for key in fitting if self.world.now < moment(self.world.market.batches[key])]
        if not coming:
            return None
        key = min(coming, key=lambda k: moment(self.world.market.batches[k]))
        return self.plans[key], self.world.market.batches[key]

    def find_current(self, phase: Phase, wanted: Wanted = lambda batch: True) -> tuple[Plan, Batch] | None:
        """Return some batch in a phase whose time has not run out."""
        return self.find(lambda batch: batch.phase == phase and self._is_current(batch) and wanted(batch))

    def _is_current(self, batch: Batch) -> bool:
        if batch.phase == Phase.OPEN:
            return self.world.now < batch.terms.post_by
        return batch.phase == Phase.RESULTS or self.world.now < batch.reveal_by

    def pick(self, *choices: actions.Action) -> actions.Action:
        """Return one of several actions."""
        return self.rng.choice(choices)

    def move(self, found: tuple[Plan, Batch], *moves: Move) -> actions.Action:
        """Make one of several moves with a batch."""
        return self.rng.choice(moves)(*found)

    def plans_of(self, batch: Batch) -> Plan:
        """Return the plan of a batch."""
        return next(plan for plan in self.plans.values() if plan.terms is batch.terms)

    def party(self) -> bytes:
        """Return some account."""
        return self.rng.choice(self.world.people.all)

    def has(self, batch: Batch, state: ReplicaState) -> bool:
        """Whether a replica of the batch is in a state."""
        return any(replica.state == state for replica in batch.replicas)
