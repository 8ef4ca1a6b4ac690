"""The journal: a step stands once written, outputs follow each other, one process and one account hold it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from stun.pool.envelopes import BidEnvelope
from stun.protocol.messages import NOBODY, Bid
from stun.provider.journal import MAX_BACKOFF_SECONDS, Earning, Journal, JournalError, Step

pytestmark = pytest.mark.unit

BATCH, OTHER = b"\x01" * 32, b"\x02" * 32
ASSET = b"\x05" * 32


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    made = Journal(path, "chain account")
    yield made
    made.close()


def promise_of(matcher: bytes, expires_at: int, price: int = 5) -> BidEnvelope:
    return BidEnvelope(Bid(b"\x09" * 32, BATCH, price, matcher, expires_at), b"\x01" * 65)


def test_the_first_payload_of_a_step_stands(journal: Journal) -> None:
    assert journal.record(BATCH, Step.SALT, b"first") == b"first"
    assert journal.record(BATCH, Step.SALT, b"second") == b"first"
    assert journal.read(BATCH, Step.SALT) == b"first"
    assert journal.read(OTHER, Step.SALT) is None
    assert journal.steps(BATCH) == {Step.SALT: b"first"}


def test_everything_is_there_after_a_restart(path: Path) -> None:
    first = Journal(path, "owner")
    first.record(BATCH, Step.SEEN, b"7", at=3)
    first.add_outputs(BATCH, 0, [(b"a", 1), (b"", 0)])
    first.promise(promise_of(NOBODY, 100), ASSET, 2**64 - 1)
    first.close()
    second = Journal(path, "owner")
    assert second.active() == [BATCH]
    assert second.outputs(BATCH) == [(b"a", 1), (b"", 0)]
    (promise,) = second.promises(99)
    assert (promise.bond, promise.published, promise.envelope) == (2**64 - 1, False, promise_of(NOBODY, 100))
    second.close()


def test_a_second_process_is_refused(path: Path, journal: Journal) -> None:
    with pytest.raises(JournalError, match="another process works with this folder"):
        Journal(path, "chain account")


def test_another_account_is_refused(path: Path) -> None:
    Journal(path, "one").close()
    with pytest.raises(JournalError, match="the journal's owner is one, not two"):
        Journal(path, "two")
    Journal(path, "one").close()


def test_outputs_follow_each_other(journal: Journal) -> None:
    journal.add_outputs(BATCH, 0, [(b"a", 1), (b"b", 2)])
    for first in (0, 1, 3):
        with pytest.raises(JournalError, match=f"task {first}"):
            journal.add_outputs(BATCH, first, [(b"x", 1)])
    journal.add_outputs(BATCH, 2, [(b"c", 3)])
    assert journal.progress(BATCH) == 3
    assert journal.outputs(BATCH) == [(b"a", 1), (b"b", 2), (b"c", 3)]
    journal.drop_outputs(BATCH)
    assert (journal.progress(BATCH), journal.outputs(BATCH)) == (0, [])


def test_a_settled_batch_is_active_no_more(journal: Journal) -> None:
    journal.record(BATCH, Step.SEEN, b"1", at=2)
    journal.record(OTHER, Step.SEEN, b"1", at=1)
    assert journal.active() == [OTHER, BATCH]
    journal.record(OTHER, Step.SETTLED, ASSET + (7).to_bytes(8, "big"), at=9)
    assert journal.active() == [BATCH]
    assert journal.settled() == [Earning(OTHER, ASSET, 7, 9)]


def test_promises_are_one_an_order_and_matcher(journal: Journal) -> None:
    journal.promise(promise_of(NOBODY, 100, 5), ASSET, 1)
    journal.promise(promise_of(OTHER, 100, 5), ASSET, 1)
    (first, _) = journal.promises(0)
    journal.mark_published(first)
    assert sorted(p.published for p in journal.promises(0)) == [False, True]
    journal.promise(promise_of(NOBODY, 200, 6), ASSET, 2)
    assert [p.envelope.bid.price for p in journal.promises(150)] == [6]


def test_attempts_back_off(journal: Journal) -> None:
    assert journal.attempt(BATCH, "post") == (0, 0)
    journal.next_attempt(BATCH, "post", now=100, wait=15)
    assert journal.attempt(BATCH, "post") == (1, 115)
    journal.next_attempt(BATCH, "post", now=200, wait=15)
    assert journal.attempt(BATCH, "post") == (2, 230)
    for _ in range(20):
        journal.next_attempt(BATCH, "post", now=300, wait=15)
    assert journal.attempt(BATCH, "post") == (22, 300 + MAX_BACKOFF_SECONDS)


def test_each_durable_write_is_announced(path: Path) -> None:
    seen: list[str] = []
    journal = Journal(path, "owner", seen.append)
    journal.record(BATCH, Step.SALT, b"x")
    journal.record(BATCH, Step.SALT, b"y")
    journal.add_outputs(BATCH, 0, [(b"a", 1)])
    journal.promise(promise_of(NOBODY, 1), ASSET, 1)
    journal.close()
    assert seen == ["salt", "outputs", "bid"]
