"""Intents that had ended, and whose end the chain has taken back: a reorganisation went deeper than what counted as
final, or a node showed a receipt of a transaction that was never in its block.

The proof is the account's own count of transactions at a block not below the one that ended them: a nonce that was
spent is free again. They are opened again under the same nonce and the same signed bytes, so nothing is done twice.
"""

from collections.abc import Sequence

from sqlalchemy import select

from stun.chains.evm.intents import IntentRow, IntentStore
from stun.chains.interface import Intent, IntentState

MAX_DEPTH = 256  # blocks; below it a chain that counts less was reset, and old acts are not for the new one
_ENDED = tuple(state.value for state in IntentState if state.terminal)


def revive(store: IntentStore, chain_id: int, account: bytes, chain_nonce: int, head: int) -> Sequence[Intent]:
    """Open every ended intent again whose nonce the chain at block `head` does not count as spent; return them.

    None is opened if one ended above `head` (the endpoint lags), MAX_DEPTH or more below it, or nobody knows where.
    """
    mine = (IntentRow.chain_id == chain_id, IntentRow.account == account, IntentRow.state.in_(_ENDED))
    with store.transaction() as session:
        rows = session.scalars(select(IntentRow).where(*mine, IntentRow.nonce >= chain_nonce)).all()
        heights = [row.block_number or 0 for row in rows if row.state != IntentState.REPLACED.value]
        if not all(head - MAX_DEPTH < height <= head and height for height in heights):
            return []
        for row in rows:
            row.state, row.reason = IntentState.BROADCAST.value, "the block that ended it was replaced"
            row.landed = row.landed_ok = row.block_number = row.block_hash = row.gas_used = row.created = None
            row.updated_at = store.now()
        session.flush()
        return [row.record() for row in rows]
