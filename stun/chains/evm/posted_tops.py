"""What a post or a reveal showed of a results tree, out of its transaction, where no pool holds it.

Events name the root alone; who withholds everything else has shown the market the halves of the top node all the same.
"""

from stun.chains.evm.market import EvmMarket
from stun.chains.market import ChainEvent
from stun.protocol.errors import Rejected
from stun.protocol.parameters import U64
from stun.protocol.trees.results import Top, derive

WORD = 32
TOP_BYTES = 4 * WORD
STEP = 4  # a call within a call is shifted by its selector
MOST_BYTES = 256 * 1024


def find_posted_top(market: EvmMarket, event: ChainEvent, count: int) -> Top | None:
    """The top that the transaction of a Posted or Revealed event carries; None if it cannot be read there.

    However the call was wrapped: what counts is that four words of it have the event's root. Errors: ChainError.
    """
    content = market.reader.content(event.transaction)
    if content is None:
        return None
    wanted = bytes(event.fields["outputs_root"]), int(event.fields["total_units"])
    data = content.data[:MOST_BYTES]
    for at in range(STEP, len(data) - TOP_BYTES + 1, STEP):
        top = _read(data[at : at + TOP_BYTES])
        if top.left_units + top.right_units == wanted[1] and _has_root(top, count, wanted):
            return top
    return None


def _read(words: bytes) -> Top:
    left, left_units, right, right_units = (words[at : at + WORD] for at in range(0, TOP_BYTES, WORD))
    return Top(left, int.from_bytes(left_units, "big"), right, int.from_bytes(right_units, "big"))


def _has_root(top: Top, count: int, wanted: tuple[bytes, int]) -> bool:
    if max(top.left_units, top.right_units) > U64:
        return False
    try:
        return derive(count, top) == wanted
    except Rejected:
        return False
