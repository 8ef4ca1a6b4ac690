"""What a comparison of a chain with its record finds."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as recorded: `what` of which contract, both values as text."""

    contract: str
    what: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The outcome: what contradicts the record, what could be neither proved nor refuted, how many values agreed."""

    mismatches: tuple[Mismatch, ...]
    unproven: tuple[str, ...]
    agreed: int = 0


@dataclass
class Findings:
    """An outcome while it grows."""

    mismatches: list[Mismatch] = field(default_factory=list)
    unproven: list[str] = field(default_factory=list)
    agreed: int = 0

    def same(self, contract: str, what: str, expected: str, found: str) -> bool:
        """Compare two values; return whether they agree."""
        if expected == found:
            self.agreed += 1
        else:
            self.mismatches.append(Mismatch(contract, what, expected, found))
        return expected == found

    def doubt(self, text: str) -> None:
        """Note what proves nothing either way."""
        self.unproven.append(text)

    def outcome(self) -> Verification:
        """The findings as they stand."""
        return Verification(tuple(self.mismatches), tuple(self.unproven), self.agreed)
