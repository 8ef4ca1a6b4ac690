"""Which batches a provider has a part in, found by its bids and by events, and found again after a reorganisation.

Nothing is concluded from having seen an event once: every tick reads the batch itself. A batch that the chain no
longer has, and that did not end, keeps its work in the journal until it is matched again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from stun.chains.market import BatchUnknown, ChainEvent
from stun.protocol.market.state import Terms
from stun.protocol.parameters import BPS, PROVIDER_BPS
from stun.provider.computation import unpack_answer
from stun.provider.context import ProviderContext
from stun.provider.journal import Step
from stun.provider.standing import Standing, read_standing, replica_of

OVERLAP_BLOCKS = 32
BID_GRACE_SECONDS = 3_600  # a bid's match may come into sight this long after the bid expired
_CURSOR = "newest_block"


@dataclass(frozen=True, slots=True)
class Ended:
    """A batch that is final; `earned` is what this provider was paid, in the order's asset."""

    batch_id: bytes
    asset: bytes
    earned: int


@dataclass(frozen=True, slots=True)
class Vanished:
    """A batch that the chain does not have (any more): a reorganisation undid its match, or, `ending`, its end is not
    final."""

    batch_id: bytes
    ending: bool = False


class BatchWatch:
    """The provider's eyes. Errors of every method: ChainError."""

    def __init__(self, context: ProviderContext) -> None:
        self._context = context
        self._gone: dict[bytes, int] = {}

    def discover(self) -> list[bytes]:
        """Note every batch that this provider is cast in; return the new ones."""
        found = self._from_bids() | self._from_events()
        return [batch_id for batch_id in sorted(found) if self._note(batch_id)]

    def look(self, batch_id: bytes) -> Standing | Ended | Vanished:
        """Where a batch stands now."""
        journal = self._context.journal
        own = unpack_answer(journal.read(batch_id, Step.COMPUTED))
        first = self._first_block(batch_id)
        standing = read_standing(self._context.reader, batch_id, self._context.account, first, own)
        if standing is not None:
            self._gone.pop(batch_id, None)
            return standing
        return self._end_of(batch_id, first)

    def has_just_gone(self, batch_id: bytes) -> bool:
        """Whether a batch is seen to be gone for the first time since it was there."""
        is_new = batch_id not in self._gone
        self._gone.setdefault(batch_id, self._context.reader.now())
        return is_new

    def is_lost(self, batch_id: bytes) -> bool:
        """Whether a batch was gone for so long, and its bid expired so long ago, that it will not be matched again."""
        journal, now = self._context.journal, self._context.reader.now()
        bids = [promise.expires_at for promise in journal.promises(0) if promise.order_digest == batch_id]
        since = max(bids, default=0)
        return now >= max(since, self._gone.get(batch_id, now)) + BID_GRACE_SECONDS

    def _from_bids(self) -> set[bytes]:
        reader, journal = self._context.reader, self._context.journal
        since = reader.now() - BID_GRACE_SECONDS
        digests = {promise.order_digest for promise in journal.promises(since)} - set(journal.active())
        return {digest for digest in digests if journal.read(digest, Step.SETTLED) is None and reader.batch(digest)}

    def _from_events(self) -> set[bytes]:
        reader, journal = self._context.reader, self._context.journal
        head, cursor = reader.head(), journal.note(_CURSOR)
        back = self._context.settings.lookback_blocks if cursor is None else OVERLAP_BLOCKS
        first = max(0, min(head, head if cursor is None else int(cursor)) - back)
        found = {
            event.fields["batch_id"]
            for event in reader.events(first, head)
            if event.name == "BatchOpened" and self._is_cast(event.fields["terms"])
        }
        journal.set_note(_CURSOR, str(head))
        return found

    def _is_cast(self, terms: Terms) -> bool:
        return replica_of(terms, self._context.account) is not None

    def _note(self, batch_id: bytes) -> bool:
        """Take a batch in if this provider has a part in it; return whether it is new."""
        journal, reader = self._context.journal, self._context.reader
        if journal.read(batch_id, Step.SEEN) is not None:
            return False
        try:
            terms = reader.terms(batch_id)
        except BatchUnknown:
            return False
        if not self._is_cast(terms):
            return False
        journal.record(batch_id, Step.SEEN, str(reader.head()).encode(), reader.now())
        return True

    def _first_block(self, batch_id: bytes) -> int:
        seen = self._context.journal.read(batch_id, Step.SEEN)
        lookback = self._context.settings.lookback_blocks
        return 0 if seen is None else max(0, int(seen) - lookback)

    def _end_of(self, batch_id: bytes, first: int) -> Ended | Vanished:
        reader = self._context.reader
        head = reader.head()
        events = reader.events(first, head, batch_id)
        ends = [event for event in events if event.name == "Settled"]
        if not ends or ends[-1].block_number > head - self._context.settings.final_blocks:
            return Vanished(batch_id, ending=bool(ends))
        terms = reader.terms(batch_id)
        return Ended(batch_id, terms.asset, self._earned(terms, events, ends[-1]))

    def _earned(self, terms: Terms, events: Sequence[ChainEvent], end: ChainEvent) -> int:
        replica = replica_of(terms, self._context.account)
        if replica is None:
            return 0
        accepted = [
            event.fields["paid"]
            for event in events
            if event.name == "Accepted" and event.fields["provider"] == self._context.account
        ]
        return sum(paid * PROVIDER_BPS // BPS for paid in (*accepted, end.fields["paid"][replica]))
