"""What pools say about a batch, checked against the signers that its terms name."""

from collections.abc import Sequence

from keepers.jobs.facts import FactBook
from keepers.pools import SettlerPools
from keepers.services.settler_state import SeenCommit, SeenOpening, SeenPost
from stun.protocol.errors import Rejected
from stun.protocol.market.state import Terms
from stun.protocol.messages import Domain, Post
from stun.protocol.trees.results import derive

MOST_OPENINGS = 64  # openings carry no signature, so a stranger could send any number of them


class Evidence:
    """Reads commitments, posts and openings, each dated when this keeper first saw it."""

    def __init__(self, pools: SettlerPools, facts: FactBook, domain: Domain) -> None:
        self._pools = pools
        self._facts = facts
        self._domain = domain
        self._seen: dict[bytes, dict[object, int]] = {}

    def commits(self, batch_id: bytes, terms: Terms, now: int) -> Sequence[SeenCommit]:
        """Commitments that a provider of the batch or its operator signed."""
        providers, found = _providers(terms), []
        for envelope in self._pools.commits(batch_id):
            commit = envelope.commit
            if commit.batch_id != batch_id or commit.provider not in providers:
                continue
            digest = commit.digest(self._domain)
            signer = self._facts.duty_signer(commit.provider, digest, envelope.signature, now)
            if signer is not None:
                at = self._date(batch_id, (commit.provider, commit.commitment), now)
                found.append(SeenCommit(commit.provider, commit.commitment, envelope.signature, signer, at))
        return found

    def posts(self, batch_id: bytes, terms: Terms, now: int) -> Sequence[SeenPost]:
        """Posts whose top is what the provider or its operator signed."""
        providers, found = _providers(terms), []
        for envelope in self._pools.posts(batch_id):
            post = envelope.post
            try:
                shown = Post(batch_id, post.provider, *derive(terms.count, envelope.top))
            except Rejected:  # a top that is none
                continue
            if post.provider not in providers or shown != post:
                continue
            digest = post.digest(self._domain)
            signer = self._facts.duty_signer(post.provider, digest, envelope.signature, now)
            if signer is not None:
                at = self._date(batch_id, (post.provider, post.outputs_root), now)
                found.append(SeenPost(post.provider, envelope.top, envelope.signature, signer, at))
        return found

    def openings(self, batch_id: bytes, terms: Terms, now: int) -> Sequence[SeenOpening]:
        """Openings of the batch's providers; they open their commitment or the decision passes them over."""
        providers, found = _providers(terms), []
        for envelope in self._pools.openings(batch_id)[:MOST_OPENINGS]:
            if envelope.batch_id == batch_id and envelope.provider in providers:
                at = self._date(batch_id, (envelope.provider, envelope.salt, envelope.top), now)
                found.append(SeenOpening(envelope.provider, envelope.top, envelope.salt, at))
        return found

    def keep_only(self, batch_ids: Sequence[bytes]) -> None:
        """Forget what was seen of other batches."""
        self._seen = {batch_id: self._seen[batch_id] for batch_id in batch_ids if batch_id in self._seen}

    def _date(self, batch_id: bytes, what: object, now: int) -> int:
        return self._seen.setdefault(batch_id, {}).setdefault(what, now)


def _providers(terms: Terms) -> set[bytes]:
    return {cast.provider for cast in terms.casts}
