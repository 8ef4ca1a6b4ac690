"""A provider of the demonstration as a process: honest, or one that returns wrong embeddings.

`python -m demo.provider SETTINGS.json`; the key comes in STUN_KEY. The dishonest one runs the same bot, but the workers
it asks mix noise into the embeddings of small batches: what anyone could do who changes the code on his own machine. In
the first, large batch it is honest, whichever two providers the matcher finds first.
"""

import json
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from demo.network import STUN
from stun.chains.evm.accounts import from_environment
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.market import connect_market
from stun.chains.evm.market_writer import EvmMarketWriter
from stun.chains.evm.sender import Sender
from stun.chains.market import ModelRecord
from stun.pool.client import PoolClient
from stun.pool.pool_set import PoolSet
from stun.protocol.graph.arrays import stored_array, to_tensor
from stun.protocol.graph.tensors import Dtype, decode_tensor
from stun.provider.model_cache import ModelCache
from stun.provider.policy import BiddingPolicy, ModelPrice
from stun.provider.runners.base import TaskOutput
from stun.provider.service import build_provider
from stun.provider.settings import ProviderSettings
from stun.provider.storehouse import Storehouse, http_store
from stun.provider.workshop import SandboxWorkshop, Worker, Workshop
from stun.storage.folder import FolderBlobStore

SMALL_TASKS = 8  # fewer than a chunk of the first order has


class NoisyWorker:
    """A worker whose embeddings of few texts are wrong: each has noise mixed in."""

    def __init__(self, honest: Worker) -> None:
        self._honest = honest

    def validate(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[str | None]:
        """Validate as an honest worker does."""
        return self._honest.validate(inputs, params)

    def run(self, inputs: Sequence[bytes], params: Mapping[str, Any]) -> list[TaskOutput]:
        """Return embeddings, a little off where they are few."""
        outputs = self._honest.run(inputs, params)
        if len(inputs) > SMALL_TASKS:
            return outputs
        return [TaskOutput(_noisy(out.output), out.units) for out in outputs]

    def close(self) -> None:
        """End it."""
        self._honest.close()


class NoisyWorkshop:
    """A workshop whose workers are wrong."""

    def __init__(self, honest: Workshop) -> None:
        self._honest = honest

    def worker(self, record: ModelRecord) -> Worker:
        """Return a wrong worker."""
        return NoisyWorker(self._honest.worker(record))

    def discard(self, model_id: bytes) -> None:
        """End a model's worker."""
        self._honest.discard(model_id)

    def close(self) -> None:
        """End every worker."""
        self._honest.close()


def _noisy(embedding: bytes) -> bytes:
    vector = stored_array(decode_tensor(embedding)).astype(np.int64)
    noise = np.random.default_rng(1).integers(-900, 900, vector.shape)
    return to_tensor(np.clip(vector + noise, -(2**15), 2**15 - 1), Dtype.INT16).encode()


def main(path: str) -> None:
    """Run until asked to end."""
    given = json.loads(Path(path).read_text())
    account = from_environment()
    if account is None:
        raise SystemExit("STUN_KEY is not set")
    market = connect_market(Path(given["deployment"]), [given["rpc_url"]])
    folder = Path(given["folder"])
    writer = EvmMarketWriter(Sender(account, market.reader, IntentStore.open(folder / "intents.db")), market)
    price = ModelPrice(bytes.fromhex(given["model_id"]), market.stun, floor=given["price"])
    settings = ProviderSettings(
        folder=folder,
        policy=BiddingPolicy((price,), min_pay={market.stun: STUN // 1_000}),
        store_urls=(given["blob_url"],),
        poll_seconds=0.5,
    )
    workshop: Workshop | None = None
    if given["noisy"]:
        opener = http_store(settings.max_package_bytes)
        house = Storehouse(FolderBlobStore(folder / "blobs"), [(given["blob_url"], opener(given["blob_url"]))], opener)
        workshop = NoisyWorkshop(SandboxWorkshop(house, ModelCache(folder / "models", house), None))
    pools = PoolSet([PoolClient(given["pool_url"], market)])
    service = build_provider(settings, market, writer, account, pools, workshop=workshop)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    service.run_forever(stop)


if __name__ == "__main__":
    main(sys.argv[1])
