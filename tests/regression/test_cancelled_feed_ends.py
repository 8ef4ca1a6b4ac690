"""A feed cancelled at the moment its message was taken went on for ever: wait_for swallowed the cancellation."""

import asyncio
from pathlib import Path
from typing import Any

from stun.pool.envelopes import Kind
from stun.pool.store import PoolStore
from stun.pool.stream import Feed, Hub


async def test_a_feed_cancelled_as_its_message_is_taken_ends(tmp_path: Path) -> None:
    store = PoolStore.open(f"sqlite:///{tmp_path / 'pool.db'}")

    async def take(message: dict[str, Any]) -> None:
        # Let everything else be ready first, so that the cancellation and the end of this send fall into one turn.
        await asyncio.sleep(0)
        running.cancel()

    with Hub().listen("here") as woken:
        running = asyncio.create_task(Feed(store, list(Kind), 0, lambda: 0).run(woken, take, 5.0, 60.0))
        done, _ = await asyncio.wait({running}, timeout=5)
        running.cancel()
    assert done == {running}
    assert running.cancelled()
    store.close()
