"""What a provider decides, on every standing that a batch of 1 to 3 replicas can have."""

from dataclasses import replace

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from stun.protocol.market.state import LIVE, Batch, Cast, Phase, Replica, ReplicaState, Terms
from stun.protocol.messages import Domain
from stun.protocol.parameters import NumericClass, development, pack
from stun.provider.duties import (
    Duty,
    JournalFacts,
    PoolFacts,
    contradicts,
    decide,
    next_deadline,
)
from stun.provider.settings import Margins
from stun.provider.standing import Standing, advanced

pytestmark = pytest.mark.unit

DOMAIN, STUN = Domain(1, b"\x01" * 20), b"\x02" * 32
BATCH, OPENED = b"\x0b" * 32, 1_000_000
OWN, OTHER = b"\x01" * 32, b"\x02" * 32
MARGINS = Margins(post=300, reveal=600, leave=60, patience=120)
RULES = pack(development()[0])["rules"]
PENDING, COMMITTED, REVEALED = ReplicaState.PENDING, ReplicaState.COMMITTED, ReplicaState.REVEALED


def terms_of(replicas: int, numeric_class: NumericClass = NumericClass.TOKEN) -> Terms:
    casts = tuple(Cast(bytes([k + 1]) * 32, 10, bytes(32), 100) for k in range(replicas))
    return Terms(
        b"\x0f" * 32, b"\x05" * 32, bytes(32), 4, 10, OPENED, 600, 200, numeric_class, 0, 0, RULES, 0, casts
    )  # fmt: skip


def standing_of(
    states: list[ReplicaState], phase: Phase, now: int, phase_at: int = 0, mine: int = 0, **changes: object
) -> Standing:
    replicas = tuple(_replica(state, k, mine) for k, state in enumerate(states))
    stored = replace(Batch(terms_of(len(states)), phase, replicas, phase_at), **changes)
    return Standing(BATCH, mine, stored, advanced(DOMAIN, STUN, BATCH, stored, now), now)


def _replica(state: ReplicaState, index: int, mine: int) -> Replica:
    if state == COMMITTED:
        return Replica(state, commitment=OWN if index == mine else OTHER)
    return Replica(state, outputs_root=b"\x0a" * 32, total_units=1) if state == REVEALED else Replica(state)


DONE = JournalFacts(computed=True, commitment=OWN, published=True)


@st.composite
def standings(draw: st.DrawFn) -> Standing:
    """Any stored batch with any moment: what a provider may find however late it looks."""
    count = draw(st.integers(1, 3))
    phase = draw(
        st.sampled_from([Phase.OPEN, Phase.RESULTS] if count == 1 else [Phase.OPEN, Phase.REVEALING, Phase.RESULTS])
    )
    allowed = {
        Phase.OPEN: [PENDING, COMMITTED] if count > 1 else [PENDING],
        Phase.REVEALING: [COMMITTED, REVEALED],
        Phase.RESULTS: [REVEALED],
    }[phase]
    out = [ReplicaState.WITHDRAWN, ReplicaState.SILENT, ReplicaState.CONVICTED]
    states = [draw(st.sampled_from(allowed + out)) for _ in range(count)]
    if not set(states) & set(LIVE):
        states[0] = allowed[0]
    phase_at = 0 if phase == Phase.OPEN else OPENED + draw(st.integers(0, 600))
    return standing_of(states, phase, OPENED + draw(st.integers(0, 2_000)), phase_at, draw(st.integers(0, count - 1)))


FACTS = st.builds(
    JournalFacts,
    computed=st.booleans(), failed=st.booleans(), commitment=st.sampled_from([None, OWN]), published=st.booleans(),
    opened=st.booleans(), delivered=st.booleans(), leaves=st.booleans(),
)  # fmt: skip
POOLS = st.builds(
    PoolFacts,
    commits=st.dictionaries(st.integers(0, 2), st.frozensets(st.sampled_from([OWN, OTHER, b"\x03" * 32]), max_size=2)),
    leaves=st.frozensets(st.integers(0, 2)),
)
ON_CHAIN = {Duty.POST, Duty.COMMIT, Duty.REVEAL, Duty.LEAVE}


@given(standings(), FACTS, POOLS, st.booleans())
def test_an_opening_leaves_only_against_all_live_commitments_or_after_post_by(
    standing: Standing, journal: JournalFacts, pool: PoolFacts, native: bool
) -> None:
    duties = decide(standing, journal, pool, MARGINS, native)
    if not {Duty.RELEASE_OPENING, Duty.REVEAL} & set(duties):
        return
    event("released")
    stored = standing.stored
    others = [k for k in stored.live if k != standing.replica]
    sealed = all(stored.replicas[k].state != PENDING or len(pool.commits.get(k, ())) == 1 for k in others)
    assert sealed or standing.now >= standing.terms.post_by
    assert journal.commitment is not None


@given(standings(), FACTS, POOLS, st.booleans())
def test_no_second_commitment_is_made_where_another_is_known(
    standing: Standing, journal: JournalFacts, pool: PoolFacts, native: bool
) -> None:
    if contradicts(standing, journal, pool) and len(standing.terms.casts) > 1:
        event("contradicted")
        duties = set(decide(standing, journal, pool, MARGINS, native))
        assert not duties & {Duty.PUBLISH_COMMIT, Duty.COMMIT, Duty.RELEASE_OPENING, Duty.REVEAL}


@given(standings(), FACTS, POOLS, st.booleans())
def test_nothing_is_sent_too_late(standing: Standing, journal: JournalFacts, pool: PoolFacts, native: bool) -> None:
    duties = set(decide(standing, journal, pool, MARGINS, native))
    if duties & ON_CHAIN:
        deadline = next_deadline(standing)
        assert deadline is not None
        assert standing.now < deadline
    if Duty.SETTLE in duties or Duty.RESOLVE in duties:
        assert standing.batch is not None
        assert standing.batch.phase == Phase.RESULTS


@given(standings(), FACTS, POOLS, st.booleans())
def test_outputs_are_not_delivered_before_all_have_committed(
    standing: Standing, journal: JournalFacts, pool: PoolFacts, native: bool
) -> None:
    duties = decide(standing, journal, pool, MARGINS, native)
    if Duty.DELIVER_OUTPUTS in duties and len(standing.terms.casts) > 1:
        assert journal.opened or standing.state in (REVEALED, ReplicaState.ACCEPTED)


@given(standings(), FACTS, POOLS)
def test_a_provider_near_its_deadline_always_acts(standing: Standing, journal: JournalFacts, pool: PoolFacts) -> None:
    """Silence is never decided: a live replica without a foreign commitment does something in its last minute."""
    deadline = next_deadline(standing)
    if deadline is None or contradicts(standing, journal, pool) or standing.lapsed:
        return
    made = journal.commitment is not None or standing.state != COMMITTED
    if standing.now >= deadline - 20 and made and standing.state == PENDING:
        assert set(decide(standing, journal, pool, MARGINS)) & ON_CHAIN
    if standing.now >= deadline - 20 and made and standing.state == COMMITTED:
        waiting = standing.batch is not None and standing.batch.phase == Phase.OPEN
        assert waiting or Duty.REVEAL in decide(standing, journal, pool, MARGINS)


@pytest.mark.parametrize(
    ("states", "journal", "pool", "elapsed", "expected"),
    [
        ([PENDING], JournalFacts(), PoolFacts(), 0, [Duty.COMPUTE]),
        ([PENDING], JournalFacts(failed=True), PoolFacts(), 0, [Duty.LEAVE]),
        ([PENDING], JournalFacts(), PoolFacts(), 539, [Duty.COMPUTE]),
        ([PENDING], JournalFacts(), PoolFacts(), 540, [Duty.LEAVE]),
        ([PENDING], JournalFacts(computed=True), PoolFacts(), 0, [Duty.PUBLISH_POST]),
        ([PENDING], JournalFacts(computed=True), PoolFacts(), 400, [Duty.PUBLISH_POST, Duty.POST]),
        ([PENDING], JournalFacts(computed=True, published=True), PoolFacts(), 399, [Duty.DELIVER_OUTPUTS]),
        ([PENDING, PENDING], JournalFacts(computed=True), PoolFacts(), 0, [Duty.PUBLISH_COMMIT]),
        ([PENDING, PENDING], DONE, PoolFacts(), 0, []),
        ([PENDING, PENDING], DONE, PoolFacts(), 400, [Duty.COMMIT]),
        ([PENDING, PENDING], DONE, PoolFacts({1: frozenset({OTHER})}), 0, [Duty.RELEASE_OPENING]),
        ([PENDING, PENDING], DONE, PoolFacts({1: frozenset({OTHER, OWN})}), 0, []),
        ([PENDING, COMMITTED], DONE, PoolFacts(), 0, [Duty.RELEASE_OPENING]),
        ([PENDING, PENDING], DONE, PoolFacts({0: frozenset({OTHER})}), 400, []),
        ([COMMITTED, PENDING], DONE, PoolFacts(), 599, []),
        ([COMMITTED, PENDING], DONE, PoolFacts(), 600, [Duty.RELEASE_OPENING]),
        ([COMMITTED, PENDING], DONE, PoolFacts(), 640, [Duty.RELEASE_OPENING, Duty.REVEAL]),
    ],
)  # fmt: skip
def test_open_batch(
    states: list[ReplicaState], journal: JournalFacts, pool: PoolFacts, elapsed: int, expected: list[Duty]
) -> None:
    assert decide(standing_of(states, Phase.OPEN, OPENED + elapsed), journal, pool, MARGINS) == expected


def test_a_replica_that_is_out_by_the_clock_calls_time_after_its_turn() -> None:
    late = standing_of([PENDING], Phase.OPEN, OPENED + 600)
    assert late.lapsed
    assert decide(late, JournalFacts(), PoolFacts(), MARGINS) == []
    later = standing_of([PENDING], Phase.OPEN, OPENED + 720)
    assert decide(later, JournalFacts(), PoolFacts(), MARGINS) == [Duty.EXPIRE]


def test_replicas_settle_in_turn_after_keepers() -> None:
    told = replace(DONE, opened=True, delivered=True)
    for mine, patience in ((0, 120), (1, 240)):
        for elapsed, expected in ((199 + patience, []), (200 + patience, [Duty.SETTLE])):
            standing = standing_of([REVEALED, REVEALED], Phase.RESULTS, OPENED + elapsed, OPENED, mine)
            assert decide(standing, told, PoolFacts(), MARGINS) == expected


def test_native_acts_at_once() -> None:
    standing = standing_of([PENDING], Phase.OPEN, OPENED)
    assert decide(standing, JournalFacts(computed=True), PoolFacts(), MARGINS, native=True) == [
        Duty.PUBLISH_POST,
        Duty.POST,
    ]


def test_margins_never_take_more_than_their_share_of_a_window() -> None:
    assert (MARGINS.post_before(30), MARGINS.reveal_before(30), MARGINS.leave_before(30)) == (10, 10, 3)
    assert (MARGINS.post_before(10_000), MARGINS.leave_before(5)) == (300, 1)
