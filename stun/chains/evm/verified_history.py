"""Comparing recorded creations and calls with the transactions that made them, argument by argument."""

from collections.abc import Sequence
from typing import Any

from eth_abi.exceptions import EncodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from stun.chains.evm.abi import AbiFunction, AbiMismatch
from stun.chains.evm.artifacts import Artifact
from stun.chains.evm.deployments import CallRecord, ContractRecord, DeploymentInvalid, from_json, named_json
from stun.chains.evm.endpoint import Content, Receipt
from stun.chains.evm.findings import Findings
from stun.chains.evm.rpc import ChainReader


def check_creation(
    name: str,
    record: ContractRecord,
    artifact: Artifact,
    arguments: Sequence[Any],
    reader: ChainReader,
    findings: Findings,
) -> bool:
    """Compare a contract's creation; return whether its transaction proves code and arguments."""
    receipt, content = _look_up(record.transaction, reader)
    if receipt is None or content is None:
        findings.doubt(f"{name}: the node does not have its creation's transaction {record.transaction}")
        return False
    before = len(findings.mismatches)
    created = None if receipt.created is None else to_checksum_address(receipt.created)
    findings.same(name, "address that its transaction created", record.address, str(created))
    findings.same(name, "block", str(record.block), str(receipt.block_number))
    code = artifact.deploy_bytecode
    sent, rest = content.data[: len(code)], content.data[len(code) :]
    if findings.same(name, "creation code", digest_of(code), digest_of(sent)):
        constructor = AbiFunction("__init__", tuple(kind for _, kind in artifact.interface.constructor), ())
        _compare(name, "argument", artifact.interface.constructor, constructor, arguments, rest, findings)
    return len(findings.mismatches) == before


def check_call(record: CallRecord, address: bytes, artifact: Artifact, reader: ChainReader, findings: Findings) -> None:
    """Compare a recorded call with its transaction."""
    what = f"{record.function}()"
    try:
        function = artifact.interface.function(record.function, len(record.arguments))
        inputs = list(zip(function.input_names, function.inputs, strict=True))
        if not findings.same(record.contract, what, ", ".join(function.input_names), ", ".join(record.arguments)):
            return
        arguments = [from_json(record.arguments[name], kind) for name, kind in inputs]
    except (AbiMismatch, DeploymentInvalid) as error:
        findings.same(record.contract, what, "well-formed", str(error))
        return
    receipt, content = _look_up(record.transaction, reader)
    if receipt is None or content is None:
        findings.doubt(f"{record.contract}: the node does not have the transaction of {what}, {record.transaction}")
        return
    target = "a creation" if content.to is None else to_checksum_address(content.to)
    findings.same(record.contract, f"{what} was sent to", to_checksum_address(address), target)
    findings.same(record.contract, f"{what} was", "done", "done" if receipt.ok else "reverted")
    findings.same(record.contract, f"{what} in block", str(record.block), str(receipt.block_number))
    if findings.same(
        record.contract, f"{what} selector", "0x" + function.selector.hex(), "0x" + content.data[:4].hex()
    ):
        _compare(record.contract, what, inputs, function, arguments, content.data[4:], findings)


def digest_of(code: bytes) -> str:
    """Code in one line: its size and hash."""
    return f"{len(code)} bytes, keccak 0x{keccak(code).hex()}"


def same_value(contract: str, what: str, expected: Any, found: Any, findings: Findings) -> bool:
    """Compare two values of the file, lists item by item; return whether they agree."""
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        told = [
            same_value(contract, f"{what}[{index}]", *pair, findings)
            for index, pair in enumerate(zip(expected, found, strict=True))
        ]
        return all(told)  # every item is compared, also behind one that differs
    return findings.same(contract, what, str(expected), str(found))


def _look_up(transaction: str, reader: ChainReader) -> tuple[Receipt | None, Content | None]:
    number = bytes.fromhex(transaction[2:])
    return reader.receipt(number), reader.content(number)


def _compare(
    contract: str,
    what: str,
    inputs: Sequence[tuple[str, str]],
    function: AbiFunction,
    arguments: Sequence[Any],
    sent: bytes,
    findings: Findings,
) -> None:
    """Compare encoded arguments with recorded ones, each by its name."""
    try:
        expected = function.encode(*arguments)[4:]
    except EncodingError as error:
        findings.same(contract, what, "well-formed", str(error))
        return
    try:
        values = function.decode_input(function.selector + sent)
    except AbiMismatch as error:
        findings.same(contract, what, "0x" + expected.hex(), f"0x{sent.hex()} ({error})")
        return
    recorded, found = named_json(inputs, arguments), named_json(inputs, values)
    told = [same_value(contract, f"{what} {name}", recorded[name], found[name], findings) for name, _ in inputs]
    if all(told):
        findings.same(contract, f"{what}, as encoded", digest_of(expected), digest_of(sent))
