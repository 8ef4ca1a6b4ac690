"""How a charge stands, and why one is not begun."""

from dataclasses import dataclass
from enum import StrEnum

from stun.checking.errors import CheckingError


class Fate(StrEnum):
    """What became of a charge."""

    OPEN = "open"
    CONVICTED = "convicted"  # by whomever; what the court owes the challenger is taken
    RIGHT = "right"  # what was withheld turned out to be right
    GONE = "gone"  # the replica was accepted or went out, or its batch is final
    LATE = "late"  # the court takes no further demand or evidence
    ACQUITTED = "acquitted"  # the evidence was judged, and shows nothing
    REFUSED = "refused"  # the court refuses an act for a reason that no second try changes
    FOUND = "found"  # a search's end: the task whose withheld result is wrong is known
    BLIND = "blind"  # nobody shows a result or a top node from which one could be demanded


@dataclass(frozen=True, slots=True)
class Progress:
    """How a charge stands: what was done or is waited for, and until when (chain's seconds, 0: at once)."""

    fate: Fate
    said: str
    until: int = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.fate is not Fate.OPEN


class NotBegun(CheckingError):
    """A charge that is not begun, since it could not be brought to its end; nothing was sent."""


class TooLate(NotBegun):
    """The court's windows end before a dispute could."""

    def __init__(self, needed: int, left: int) -> None:
        super().__init__(f"a dispute may take {needed} s and the court has {left} s left for this batch")
        self.needed = needed
        self.left = left


class OverBudget(NotBegun):
    """The dispute may need more native coin than is set aside, amounts in its smallest unit."""

    def __init__(self, needed: int, left: int) -> None:
        super().__init__(
            f"a dispute may need {needed / 10**18:.6f} of native coin, the budget has {left / 10**18:.6f} left"
        )
        self.needed = needed
        self.left = left


class CoinMissing(NotBegun):
    """The account holds less native coin than the dispute may need, amounts in its smallest unit."""

    def __init__(self, needed: int, held: int) -> None:
        super().__init__(
            f"a dispute may need {needed / 10**18:.6f} of native coin, the account holds {held / 10**18:.6f}"
        )
        self.needed = needed
        self.held = held


class TooDeep(NotBegun):
    """More demands would have to follow each other than the court allows."""

    def __init__(self, needed: int, most: int) -> None:
        super().__init__(f"{needed} demands would have to follow each other, the court allows {most}")


class NoVerdict(NotBegun):
    """The batch is not one that the court can judge now: no results, final, or a replica that is out."""
