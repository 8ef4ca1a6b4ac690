"""A market whose provider, matcher and settler processes are killed (-9) at random moments: nothing is done twice, and
every unit of money arrives."""

import random
import signal
from collections.abc import Sequence

import pytest
from chaos_actors import KEEPER_MARGIN, keeper_part, provider_part
from chaos_books import (
    Books,
    Silent,
    caught_up,
    check_fates,
    check_journals,
    check_money,
    check_pool,
    check_transactions,
    read_books,
    read_stories,
)
from chaos_network import CHALLENGE_SECONDS, POST_SECONDS, PROVIDERS, REVEAL_SECONDS, Network, chaos_network, phases
from chaos_storm import Storm

from stun.pool.envelopes import Kind
from stun.pool.inspection import fields_of
from stun.protocol.market.state import Phase

pytestmark = pytest.mark.e2e
WAVE = 10
LONG_WAVES = 20
OUTAGE_EVERY = 5  # so many waves, of which one loses a provider past its deadlines
OUT = PROVIDERS[1]


def _storm(network: Network, seed: int, gentle: float) -> Storm:
    """Everybody; the first provider posts by itself and so races with the settler."""
    parts = [keeper_part(network, "matcher"), keeper_part(network, "settler")]
    parts += [provider_part(network, name, native=name == PROVIDERS[0]) for name in PROVIDERS]
    return Storm(parts, random.Random(seed), gentle=gentle)


def _wave(network: Network, storm: Storm, count: int, kills: int | None = None) -> list[bytes]:
    """Run orders from publication to their end while the storm rages, until everybody was killed `kills` times."""
    batches = network.random_orders(count, storm.chance)

    def done(phase: Phase) -> bool:
        storm.calm_once(kills)
        return all(found == phase for found in phases(network, batches))

    storm.until(lambda: done(Phase.RESULTS))
    check_pool(network, batches)
    network.travel(CHALLENGE_SECONDS)
    storm.until(lambda: done(Phase.NONE))
    return batches


def _outage(network: Network, storm: Storm, count: int) -> tuple[list[bytes], Silent]:
    """The same with a provider that is away from its bid until its deadlines are past: it alone falls silent.

    What it had released before, if it was quick, stands; so it is silent where no pool has its opening.
    """
    lost = network.account(OUT)
    batches = [network.order(3, 2, storm.chance.choice(network.assets)) for _ in range(count)]
    storm.until(lambda: all(lost in _authors(network, Kind.BID, batch_id) for batch_id in batches))
    storm.send_away(OUT)
    storm.until(lambda: all(phases(network, batches)))
    silent = {(batch_id, lost) for batch_id in batches if lost not in _authors(network, Kind.OPENING, batch_id)}
    pending = [batch_id for batch_id, _ in silent]
    loyal = {network.account(name) for name in PROVIDERS} - {lost}
    storm.until(lambda: all(loyal <= _authors(network, Kind.COMMIT, batch_id) for batch_id in pending))
    network.travel(POST_SECONDS - KEEPER_MARGIN)
    storm.until(lambda: _count(network, pending, "Committed", lost) == 2 * len(pending))
    network.travel(KEEPER_MARGIN)
    storm.until(lambda: _count(network, pending, "Revealed", lost) == 2 * len(pending))
    network.travel(REVEAL_SECONDS)
    storm.until(lambda: _ready(network, batches))
    network.travel(CHALLENGE_SECONDS)
    storm.until(lambda: not any(phases(network, batches)))
    storm.call_back(OUT)
    return batches, silent


def _authors(network: Network, kind: Kind, batch_id: bytes) -> set[bytes]:
    found = network.pools.read(kind, batch_id=batch_id)
    return {author for envelope in found if (author := fields_of(envelope)["account"]) is not None}


def _count(network: Network, batches: Sequence[bytes], name: str, but: bytes) -> int:
    """How many events of a name there are, those of one provider left out."""
    stories = read_stories(network, batches)
    return sum(entry["provider"] != but for story in stories for entry in story.named(name))


def _ready(network: Network, batches: Sequence[bytes]) -> bool:
    return set(phases(network, batches)) <= {Phase.NONE, Phase.RESULTS}


def _check(network: Network, storm: Storm, before: Books, batches: Sequence[bytes], silent: Silent) -> None:
    """Calm down, let everybody end, and look at everything."""
    storm.raging = False
    storm.until(lambda: caught_up(network))
    codes = storm.end()
    assert set(codes.values()) <= {0, -signal.SIGTERM, -signal.SIGKILL}, codes  # a fuse may still burn
    assert storm.ended == [], "a process ended that nobody killed"
    stories = read_stories(network, batches)
    check_fates(stories, silent)
    check_money(network, before, read_books(network), stories)
    check_transactions(network)
    check_journals(network, stories)


def test_killed_at_random_over_ten_batches() -> None:
    with chaos_network() as network:
        storm = _storm(network, seed=1, gentle=1.0)
        try:
            before = read_books(network)
            batches = _wave(network, storm, WAVE, kills=2)
            _check(network, storm, before, batches, set())
        finally:
            storm.end()
    assert min(storm.kills[part.name] for part in storm.parts) >= 2


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2])
def test_killed_at_random_over_two_hundred_batches(seed: int) -> None:
    with chaos_network() as network:
        storm = _storm(network, seed, gentle=2.0)
        batches: list[bytes] = []
        silent: set[tuple[bytes, bytes]] = set()
        try:
            before = read_books(network)
            for wave in range(LONG_WAVES):
                if wave % OUTAGE_EVERY == OUTAGE_EVERY - 1:
                    more, out = _outage(network, storm, WAVE)
                    silent |= out
                else:
                    more = _wave(network, storm, WAVE)
                batches += more
            _check(network, storm, before, batches, silent)
        finally:
            storm.end()
    assert len(batches) == LONG_WAVES * WAVE
    assert silent
    assert min(storm.kills[part.name] for part in storm.parts) >= 50
