"""Steps a specification beside a contract, and counts what is accepted: a rule is never compared by refusals alone."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from evm_contracts import rejection
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from stun.protocol.errors import Rejected


def verdict(step: Callable[..., Any], *args: Any) -> tuple[str | None, Any]:
    """Run a function of the specification; return (code, None) if it refuses, else (None, what it returns)."""
    try:
        return None, step(*args)
    except Rejected as refusal:
        return refusal.code, None


class Comparison:
    """Counts accepted and refused actions by rule, over all the sequences of one test."""

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def same(self, rule: str, expected: str | None, call: Callable[..., Any], *args: Any, **options: Any) -> bool:
        """Make the call; assert that the contract answers as the specification did; return whether both accept."""
        got = rejection(call, *args, **options)
        assert got == expected, f"{rule}{args}: contract {got!r}, specification {expected!r}"
        if expected is None:
            self.accepted[rule] += 1
        else:
            self.refused[expected] += 1
        return expected is None


def run_machine(machine: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    """Run a machine over `examples` reproducible sequences of `steps` actions."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=chosen)
