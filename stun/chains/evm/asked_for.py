"""Whether an answer is to the question: a node may answer another one, late or on purpose, and such an answer is none.

Each function returns what fits and raises ValueError at what does not, which an endpoint takes for a malformed answer.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from eth_utils.address import to_checksum_address

from stun.chains.evm.answers import BlockRef, Log, Receipt


def the_block(which: int | str, block: BlockRef) -> BlockRef:
    if isinstance(which, int) and block.number != which:
        raise ValueError("another block than the one asked for")
    return block


def the_receipt(transaction: bytes, receipt: Receipt | None) -> Receipt | None:
    if receipt is not None and receipt.hash != transaction:
        raise ValueError("a receipt of another transaction")
    return receipt


def the_log(query: Mapping[str, Any], topics: Sequence[Any], log: Log) -> Log:
    fits = len(log.topics) >= len(topics) and all(
        wanted is None or topic in ([wanted] if isinstance(wanted, bytes) else wanted)
        for wanted, topic in zip(topics, log.topics, strict=False)
    )
    in_range = query["fromBlock"] <= log.block_number <= query["toBlock"]
    if not fits or not in_range or to_checksum_address(log.address) not in query["address"]:
        raise ValueError("a log that was not asked for")
    return log
