"""Draws what holders do with their STUN: moving, naming delegates, staking, being slashed, crossing the bridge."""

from random import Random

from votes_world import UNBONDING_SECONDS, VotesWorld, check_votes

from stun.protocol.governance import actions
from stun.protocol.governance.state import NOBODY

WAITS = (0, 0, 0, 1, 1, 12, 60) * 3 + (UNBONDING_SECONDS,)
PAST_EVERY = 5


class VotesRun:
    """A drawn history of one world."""

    def __init__(self, world: VotesWorld, seed: int) -> None:
        self.world = world
        self.rng = Random(seed)

    def attempt(self, count: int) -> None:
        """Take actions, comparing all of the present after each and some of the past."""
        for number in range(count):
            self.world.pass_time(self.rng.choice(WAITS))
            self.world.act(self._draw())
            self.world.compare()
            check_votes(self.world.votes)
            if number % PAST_EVERY == 0 and len(self.world.moments) > 1:
                self.world.compare_past(self.rng.choice(self.world.moments[:-1]) - self.rng.randint(0, 1))

    def _draw(self) -> actions.VoteAction:
        rng, world = self.rng, self.world
        who = rng.choice(world.holders)
        kind = rng.choice((self._move, self._move, self._name, self._name, self._custody, self._custody, self._other))
        return kind(who)

    def _someone(self) -> bytes:
        return self.rng.choice((*self.world.holders, self.world.bridge, self.world.votes.custodian, NOBODY))

    def _share(self, amount: int) -> int:
        return self.rng.choice((amount, amount // 2, amount // 3, 0, 1, amount + 1))

    def _move(self, who: bytes) -> actions.VoteAction:
        if self.rng.random() < 0.15:
            who = self.world.bridge
        return actions.Transfer(who, self._someone(), self._share(self.world.votes.balance(who)))

    def _name(self, who: bytes) -> actions.VoteAction:
        if self.rng.random() < 0.1:
            who = self.world.bridge
        return actions.Delegate(who, self.rng.choice((*self.world.holders, NOBODY, who)))

    def _custody(self, who: bytes) -> actions.VoteAction:
        votes = self.world.votes
        drawn = self.rng.randrange(4)
        if drawn == 0:
            return actions.Stake(who, self._share(votes.balance(who)))
        if drawn == 1:
            return actions.Unstake(who, self._share(votes.stake(who).active), UNBONDING_SECONDS)
        if drawn == 2:
            return actions.Collect(who, self.rng.choice((who, who, self._someone())))
        return actions.Slash(self.world.owner, who, self.rng.choice((1, 500, 10_000, 10_001)))

    def _other(self, who: bytes) -> actions.VoteAction:
        drawn, owner = self.rng.randrange(4), self.world.owner
        if drawn == 0:
            return actions.Burn(who, self.rng.choice((0, 5, 10**13, 2**63)))
        if drawn == 1:
            return actions.SetBridge(owner, self.rng.choice((self.world.bridge, NOBODY, self.world.votes.custodian)))
        if drawn == 2:
            return actions.Mint(owner, self.rng.choice((who, self._someone())), self.rng.choice((10**14, 2**64)))
        return actions.Transfer(owner, who, 10**13)
