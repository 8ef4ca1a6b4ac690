"""What evidence shows, in values: which operator, which element, what it should be and what is claimed. Pure."""

from dataclasses import dataclass

from stun.protocol.court.evidence import BadInput, BadOutput, BadStep, BadUnits, Evidence
from stun.protocol.graph import referee
from stun.protocol.graph.operators import Opcode, decode_operator


@dataclass(frozen=True, slots=True)
class Proven:
    """The fault that evidence shows; `row` and `col` of an element, None of anything larger. Values as text."""

    kind: str
    task: int | None
    operator: int | None = None
    opcode: str | None = None
    row: int | None = None
    col: int | None = None
    expected: str | None = None
    claimed: str | None = None


def read_evidence(evidence: Evidence) -> Proven:
    """What evidence shows. Errors: Rejected, for evidence that the referee could not judge."""
    if isinstance(evidence, BadStep):
        return _step(evidence)
    kind = type(evidence).__name__
    if isinstance(evidence, BadUnits):
        case = evidence.trace.case
        expected = referee.units(evidence.header.data, evidence.input.shape.rows)
        return Proven(kind, case.task, expected=f"{expected} units", claimed=f"{case.units} units")
    if isinstance(evidence, BadInput | BadOutput):
        case, shown = evidence.trace.case, evidence.operator
        ordered = case.input_root if isinstance(evidence, BadInput) else shown.output_root
        claimed = shown.output_root if isinstance(evidence, BadInput) else case.output_digest
        return Proven(kind, case.task, shown.index, expected=_hex(ordered), claimed=_hex(claimed))
    return Proven(kind, None)


def describe(proven: Proven) -> str:
    """One sentence."""
    where = "" if proven.task is None else f" in task {proven.task}"
    if proven.kind == "BadStep" and proven.row is not None:
        return (
            f"operator {proven.operator} ({proven.opcode}){where}: element [{proven.row}, {proven.col}] is "
            f"{proven.claimed}, it should be {proven.expected}"
        )
    if proven.kind == "BadStep":
        return f"operator {proven.operator} ({proven.opcode}){where}: its output has a wrong shape"
    if proven.kind == "Equivocation":
        return "it signed two different commitments"
    said = {
        "BadInput": "its trace does not begin with the task's input",
        "BadOutput": "its result is not what its own trace ends in",
        "BadUnits": "it claims wrong units",
    }[proven.kind]
    return f"{said}{where}: {proven.claimed}, it should be {proven.expected}"


def _step(evidence: BadStep) -> Proven:
    leaf, case = evidence.leaf.data, evidence.trace.case
    roots = tuple(predecessor.output_root for predecessor in evidence.predecessors)
    opcode = Opcode(decode_operator(leaf).opcode).name.lower()
    found = referee.judge(
        leaf, evidence.input.shape.rows, roots, evidence.operator.output_root, case.weight_root, evidence.opened
    )
    if found.verdict is not referee.Verdict.BAD_OP:
        return Proven("BadStep", case.task, evidence.operator.index, opcode)
    return Proven(
        "BadStep", case.task, evidence.operator.index, opcode, found.row, found.col, str(found.expected),
        str(found.claimed),
    )  # fmt: skip


def _hex(root: bytes) -> str:
    return f"0x{root.hex()}"
