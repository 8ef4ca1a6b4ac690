"""A counter contract with a module, two immutables and an argument getter, for the tests of the EVM plumbing."""

from pathlib import Path

from eth_utils.crypto import keccak

from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.rpc import ChainReader

COUNTER = """
# pragma version ~=0.4.3
from .modules import limits

event Counted:
    by: indexed(address)
    total: uint256

struct Step:
    size: uint256
    label: Bytes[8]

OWNER: immutable(address)
HERE: immutable(address)
total: public(uint256)
start: public(uint256)

@deploy
def __init__(owner: address, _start: uint256):
    OWNER = owner
    HERE = self
    self.total = _start
    self.start = _start

@external
def count(size: uint256):
    limits.check(size)
    self.total += size
    log Counted(by=msg.sender, total=self.total)

@external
def restart(begin: uint256):
    self.start = begin

@external
@view
def owner() -> address:
    return OWNER

@external
@view
def echo(step: Step, many: DynArray[address, 4]) -> (Step, DynArray[address, 4]):
    return step, many
"""
LIMITS = """
ERR_ZERO: constant(String[32]) = "counter: zero"
MOST: constant(uint256) = 100

@internal
@pure
def check(size: uint256):
    assert size > 0, ERR_ZERO
    assert size <= MOST, "counter: too many"
"""
COUNT = bytes(keccak(text="count(uint256)")[:4])
TOTAL = bytes(keccak(text="total()")[:4])


def counter_store(folder: Path) -> ArtifactStore:
    """An artifact store over the two sources, written into a folder."""
    sources = folder / "contracts"
    (sources / "modules").mkdir(parents=True)
    (sources / "mocks").mkdir()
    (sources / "Counter.vy").write_text(COUNTER)
    (sources / "modules" / "limits.vy").write_text(LIMITS)
    return ArtifactStore(sources, folder / "cache")


def count_data(size: int) -> bytes:
    """Calldata of count(size)."""
    return COUNT + size.to_bytes(32, "big")


def total_of(reader: ChainReader, counter: bytes) -> int:
    """The counter's total at the newest block."""
    return int.from_bytes(reader.view().call(counter, TOTAL), "big")
