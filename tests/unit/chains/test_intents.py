"""The store of intents: unique keys, one nonce each, ends that stay ends."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from stun.chains.evm.intents import IntentStore
from stun.chains.interface import ChainError, Intent, IntentConflict, IntentState, SignedTransaction

pytestmark = pytest.mark.unit

_KEEPER, _OTHER, _MARKET = b"\x01" * 20, b"\x02" * 20, b"\x03" * 20


@pytest.fixture
def store(tmp_path: Path) -> IntentStore:
    return IntentStore.open(tmp_path / "deep" / "intents.db", clock=lambda: 1_000.9)


def _plan(store: IntentStore, key: str = "post:1", account: bytes = _KEEPER) -> Intent:
    return store.plan(1, account, key, _MARKET, b"data", 2**200, 7)[0]


def _form(nonce: int, mark: int = 0) -> SignedTransaction:
    return SignedTransaction(bytes([mark]) * 24 + nonce.to_bytes(8, "big"), b"raw", nonce, 2**70, 2**65, 1_000)


def _sign(store: IntentStore, intent: Intent, chain_nonce: int = 0, mark: int = 0) -> Intent:
    return store.sign(intent, 8, chain_nonce, lambda nonce: _form(nonce, mark), 21_000)


def test_an_intent_is_kept_whole(store: IntentStore) -> None:
    planned = _plan(store)
    assert (planned.state, planned.nonce) == (IntentState.PLANNED, None)
    assert (planned.value, planned.planned_at) == (2**200, 1_000)
    signed = _sign(store, planned, 5)
    assert store.get(planned.id) == signed
    assert (signed.state, signed.nonce, signed.signed, signed.signed_block) == (IntentState.SIGNED, 5, (_form(5),), 8)
    assert store.find(1, _KEEPER, "post:1") == signed
    assert store.find(2, _KEEPER, "post:1") is None


def test_a_key_is_unique_for_an_account_on_a_chain(store: IntentStore) -> None:
    first = _plan(store)
    assert store.plan(1, _KEEPER, "post:1", _MARKET, b"data", 2**200, 99) == (first, False)
    assert _plan(store, account=_OTHER).id != first.id
    assert store.plan(2, _KEEPER, "post:1", _MARKET, b"data", 2**200, 7)[1] is True
    for to, data, value in ((None, b"data", 2**200), (_MARKET, b"dat", 2**200), (_MARKET, b"data", 0)):
        with pytest.raises(IntentConflict):
            store.plan(1, _KEEPER, "post:1", to, data, value, 7)


@pytest.mark.parametrize(
    ("key", "to", "value"),
    [
        ("", _MARKET, 0),
        ("k" * 201, _MARKET, 0),
        ("k", b"\x01" * 19, 0),
        ("k", b"", 0),
        ("k", _MARKET, -1),
    ],
)
def test_malformed_intents_are_refused(store: IntentStore, key: str, to: bytes, value: int) -> None:
    with pytest.raises(ValueError, match="intent"):
        store.plan(1, _KEEPER, key, to, b"", value, 0)


def test_nonces_follow_the_chain_and_the_open_intents(store: IntentStore) -> None:
    first, second, third = (_plan(store, f"post:{i}") for i in range(3))
    assert _sign(store, first, 5).nonce == 5
    assert _sign(store, second, 5).nonce == 6
    assert _sign(store, third, 9).nonce == 9
    assert _sign(store, _plan(store, "other", _OTHER), 0, mark=1).nonce == 0


def test_a_stale_reader_signs_nothing(store: IntentStore) -> None:
    planned = _plan(store)
    signed = _sign(store, planned)
    assert _sign(store, planned, mark=1) == signed
    bumped = _sign(store, signed, mark=2)
    assert [form.nonce for form in bumped.signed] == [0, 0]
    assert _sign(store, signed, mark=3) == bumped


def test_a_signature_that_fails_leaves_nothing_behind(store: IntentStore) -> None:
    planned = _plan(store)

    def refuse(nonce: int) -> SignedTransaction:
        raise ChainError("the key is gone")

    with pytest.raises(ChainError, match="gone"):
        store.sign(planned, 8, 0, refuse, 21_000)
    assert store.get(planned.id) == planned


def test_ends_stay_ends(store: IntentStore) -> None:
    ended = store.change(_plan(store).id, state=IntentState.FINAL)
    assert store.change(ended.id, state=IntentState.BROADCAST, reason="late").state is IntentState.FINAL
    assert store.open_intents(1, _KEEPER) == []
    with pytest.raises(ChainError, match="only failed and replaced"):
        store.reopen(ended)
    with pytest.raises(ChainError, match="no intent 99"):
        store.get(99)


def test_a_failed_intent_reopens_with_another_nonce(store: IntentStore) -> None:
    signed = _sign(store, _plan(store))
    failed = store.change(signed.id, state=IntentState.FAILED, reason="orders: expired", landed_ok=False)
    again = store.reopen(failed)
    assert (again.state, again.nonce, again.reason, again.ok) == (IntentState.PLANNED, None, None, None)
    resigned = _sign(store, again, 1)
    assert (resigned.nonce, [form.nonce for form in resigned.signed]) == (1, [0, 1])


def test_threads_never_share_a_nonce(tmp_path: Path) -> None:
    path = tmp_path / "intents.db"
    IntentStore.open(path)
    nonces: list[int | None] = []

    def work(worker: int) -> None:
        mine = IntentStore.open(path)
        for index in range(5):
            intent = _plan(mine, f"{worker}:{index}")
            nonces.append(_sign(mine, intent).nonce)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(nonce for nonce in nonces if nonce is not None) == list(range(20))


def test_racing_submits_of_one_key_plan_once(tmp_path: Path) -> None:
    path = tmp_path / "intents.db"
    IntentStore.open(path)
    results: list[tuple[Intent, bool]] = []

    def work() -> None:
        results.append(IntentStore.open(path).plan(1, _KEEPER, "post:1", _MARKET, b"", 0, 7))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [new for _, new in results].count(True) == 1
    assert len({intent.id for intent, _ in results}) == 1


def test_the_file_survives_power_cuts_as_far_as_sqlite_can(store: IntentStore) -> None:
    with store.transaction() as session:
        connection = session.connection()
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_a_store_in_memory_works_for_tests() -> None:
    assert _plan(IntentStore(create_engine("sqlite://"))).id == 1
