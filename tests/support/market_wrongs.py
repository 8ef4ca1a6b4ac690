"""Actions that a rule has to refuse, by its code."""

from random import Random

from market_plans import Plan
from market_wrong_deliveries import DeliveryWrongs
from market_wrong_endings import EndingWrongs
from market_wrong_money import MoneyWrongs
from market_wrong_resolutions import ResolutionWrongs
from side_by_side import World

from stun.protocol.market import actions

FAMILIES = (MoneyWrongs, DeliveryWrongs, EndingWrongs, ResolutionWrongs)


class Wrongs:
    """Finds a batch in a fitting state and a wrong action for it; `plans` are the open batches' answers."""

    def __init__(self, world: World, rng: Random, plans: dict[bytes, Plan]) -> None:
        self._families = [family(world, rng, plans) for family in FAMILIES]

    def make(self, code: str) -> actions.Action | None:
        """Return an action for a code, None where no batch is in a state that fits it."""
        name = code.replace(": ", "_")
        family = next(family for family in self._families if hasattr(family, name))
        made: actions.Action | None = getattr(family, name)()
        return made
