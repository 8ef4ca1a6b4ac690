"""A provider in a process of its own that is killed (-9) after the n-th act, and the world it works in.

The world (market, pools, keeper, a rival) lives in the test's process and is reached over a pipe, so that it survives.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from provider_bench import MACHINE, STORE_URL, Bench, Party, ShoutWorkshop

from stun.pool.envelopes import BidEnvelope, CommitEnvelope, Kind, OpeningEnvelope
from stun.protocol.market.state import Phase
from stun.provider.journal import Step
from stun.provider.policy import BiddingPolicy
from stun.provider.service import build_provider
from stun.provider.settings import ProviderSettings
from stun.storage.folder import FolderBlobStore

KEY = b"only this test"
PROPERTIES = ("domain", "chain", "stun", "account")
ROUNDS = 120


class World:
    """One order of 1 or 2 replicas. With `lane` the keeper brings results; without, everyone acts near deadlines."""

    def __init__(self, folder: Path, replicas: int, lane: bool) -> None:
        self.bench = Bench(folder)
        self.party = Party(self.bench.market, "provider").fund()
        self.rivals = [self.bench.provider("rival")] if replicas == 2 else []
        self._lane = lane
        self.order = self.bench.order(replicas, [b"task %d" % k for k in range(5)])
        self.batch_id = self.order.digest(self.bench.market.domain)
        for account in (self.party.account, *(rival.context.account for rival in self.rivals)):
            self.bench.ask(self.order, account)
        self.policy = self.bench.policy(bid_seconds=3_600)
        self.targets = {"market": self.bench.market, "pools": self.bench.pools, "writer": self.party.writer}
        self.targets["world"] = self

    def order_digest(self) -> bytes:
        """The batch that all this is about."""
        return self.batch_id

    def turn(self) -> bool:
        """Let everybody else act and time pass; return whether the batch is over."""
        for rival in self.rivals:
            rival.tick()
        market = self.bench.market
        opened = any(event.name == "BatchOpened" for event in market.log)
        bids = [e for e in self.bench.pools.read(Kind.BID) if isinstance(e, BidEnvelope)]
        if not opened and len({e.bid.provider for e in bids}) == self.order.replicas:
            self.bench.match(self.order)
        if self._lane and self.bench.phase(self.batch_id) is Phase.OPEN and self._is_ready():
            self.bench.bring(self.batch_id)
        market.clock += 12 if self.bench.phase(self.batch_id) is Phase.REVEALING else 40
        return opened and self.bench.phase(self.batch_id) is Phase.NONE

    def _is_ready(self) -> bool:
        kind = Kind.POST if self.order.replicas == 1 else Kind.OPENING
        return len(self.bench.pools.read(kind, batch_id=self.batch_id)) == self.order.replicas

    def commits(self) -> list[CommitEnvelope]:
        """The provider's commitments in the pools."""
        found = self.bench.pools.read(Kind.COMMIT)
        return [e for e in found if isinstance(e, CommitEnvelope) and e.commit.provider == self.party.account]

    def openings(self) -> list[OpeningEnvelope]:
        """The provider's openings in the pools."""
        found = self.bench.pools.read(Kind.OPENING)
        return [e for e in found if isinstance(e, OpeningEnvelope) and e.provider == self.party.account]

    def events(self, name: str) -> list[Any]:
        """Events about the provider."""
        return [e for e in self.bench.market.log if e.name == name and e.fields.get("provider") == self.party.account]


class Serving:
    """Answers calls on a world's targets, one process at a time."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._listener = Listener(authkey=KEY)
        self.address = self._listener.address
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                with self._listener.accept() as caller:
                    while True:
                        caller.send(self._answer(*caller.recv()))
            except EOFError:
                continue  # the process is gone
            except OSError:
                return  # the listener is closed

    def _answer(self, target: str, name: str, args: Any, kwargs: Any) -> tuple[bool, Any]:
        found = getattr(self._world.targets[target], name)
        if name in PROPERTIES:
            return True, found
        try:
            return True, found(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - travels to the caller as it is
            return False, error


class Remote:
    """A target of a world, from another process; `after` is told each call that came back."""

    def __init__(self, pipe: Connection, target: str, after: Callable[[str], None] = lambda _: None) -> None:
        self._pipe = pipe
        self._target = target
        self._after = after

    def __getattr__(self, name: str) -> Any:
        if name in PROPERTIES:
            return self._call(name)
        return lambda *args, **kwargs: self._call(name, *args, **kwargs)

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        self._pipe.send((self._target, name, args, kwargs))
        fine, value = self._pipe.recv()
        if not fine:
            raise value
        self._after(f"{self._target}.{name}")
        return value


def work(address: Any, folder: Path, policy: BiddingPolicy, crash_at: int) -> None:
    """Run the provider until the batch is settled in its journal, or until its n-th act kills it."""
    acts = 0

    def act(name: str) -> None:
        nonlocal acts
        acts += 1
        if acts == crash_at:
            os.kill(os.getpid(), signal.SIGKILL)

    with Client(address, authkey=KEY) as pipe:
        store = FolderBlobStore(folder / "store")
        party = Party(Remote(pipe, "market"), "provider")  # type: ignore[arg-type]
        provider = build_provider(
            ProviderSettings(folder / "provider", policy=policy, chunk_tasks=2),
            Remote(pipe, "market"), Remote(pipe, "writer", act), party.signer, Remote(pipe, "pools", _only(act)),
            [(STORE_URL, store)], courts=None, workshop=ShoutWorkshop(), hardware=MACHINE,
            open_store=lambda _: store, on_step=act,
        )  # fmt: skip
        batch_id = Remote(pipe, "world").order_digest()
        for _ in range(ROUNDS):
            provider.tick()
            if provider.context.journal.read(batch_id, Step.SETTLED) is not None:
                return
            Remote(pipe, "world").turn()
    raise SystemExit(3)


def _only(act: Callable[[str], None]) -> Callable[[str], None]:
    return lambda name: act(name) if name == "pools.publish" else None


def live(serving: Serving, folder: Path, policy: BiddingPolicy, crash_at: int) -> int:
    """One life of the provider; returns its exit code (-9: killed)."""
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)  # what the fork server imports from
    context = get_context("forkserver")
    context.set_forkserver_preload(["crashing_provider"])
    process = context.Process(target=work, args=(serving.address, folder, policy, crash_at))
    process.start()
    process.join(60)
    assert process.exitcode is not None, "the provider hangs"
    return process.exitcode
