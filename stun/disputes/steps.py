"""The next step of a challenger."""

from dataclasses import dataclass

from stun.protocol.court.actions import Parent
from stun.protocol.court.evidence import Evidence
from stun.protocol.court.state import Demand


@dataclass(frozen=True, slots=True)
class Right:
    """The result is what the model makes of the input: nothing to do."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A demand waits for its answer until `demand.due`; after that it can be expired."""

    demand: Demand


@dataclass(frozen=True, slots=True)
class AskTop:
    """The upper nodes of the results tree have to be demanded: nothing shows the task's result yet."""


@dataclass(frozen=True, slots=True)
class AskTrace:
    """The task's trace has to be demanded."""


@dataclass(frozen=True, slots=True)
class AskBelow:
    """A node of an answer has to be opened."""

    parent: Parent


@dataclass(frozen=True, slots=True)
class Show:
    """The evidence is complete: announce and open it."""

    evidence: Evidence


Step = Right | Wait | AskTop | AskTrace | AskBelow | Show
