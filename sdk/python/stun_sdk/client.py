"""The client of a requester: orders tasks, waits, and returns outputs that match the chain."""

import secrets
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from stun.chains.evm.accounts import EvmAccount
from stun.chains.interface import TransactionSigner
from stun.chains.market import MarketWriter, ModelRecord
from stun.models.errors import ManifestError
from stun.models.manifest import Manifest
from stun.pool.envelopes import DeliveryEnvelope, OrderEnvelope
from stun.pool.profiles import listed_prices
from stun.protocol.messages import NOBODY, Order, nonce_of
from stun.protocol.parameters import NumericClass
from stun.protocol.trees.specs import model_id as id_of_model
from stun.protocol.trees.specs import providers_root
from stun.storage.blobs import BlobError
from stun.storage.packages import TaskPackage
from stun_sdk.accounts import Accounts
from stun_sdk.errors import DissentUnsettled, KeyMissing, ModelUnknown, OrderUnknown, PriceUnknown, TaskInvalid
from stun_sdk.forms import input_form
from stun_sdk.keeping import Keeping, KeptOrder
from stun_sdk.logs import keep_off_standard_output
from stun_sdk.manifests import read_manifest
from stun_sdk.model import Model
from stun_sdk.network import Connection, connect, parse_account
from stun_sdk.ordering import Quote, Terms, choose_replicas, make_order, quote
from stun_sdk.outputs import OutputFinder, Outputs
from stun_sdk.result import TaskResult
from stun_sdk.settings import Settings, load_settings
from stun_sdk.status import BatchStatus, read_status
from stun_sdk.task import Input, ModelId, Task, parse_id

NONCE_TRIES = 8
MARGIN_BLOCKS = 64  # events of an order are looked for from so far before its submission: reorganisations move them


class StunClient:
    """Orders on one market for one account. `StunClient()` finds a running devnet, or what STUN_* variables name.

    Arguments are those of `Settings` (network, deployment, rpc_urls, pool_urls, store_urls, store_folder, keystore,
    asset, auto_deposit, timeout_seconds ...), and `account`: a key in memory, or a devnet's account by name. Without a
    key it reads and estimates only. Use it in one thread, or `AsyncStunClient` in an event loop. Errors: SdkError, and
    those of chain, pools and stores.
    """

    def __init__(
        self, *, account: EvmAccount | str | None = None, passphrase: Callable[[], str] | None = None,
        connection: Connection | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        keep_off_standard_output()
        if isinstance(account, str):
            settings["account"] = account
        if connection is None:
            key = account if isinstance(account, EvmAccount) else None
            connection = connect(load_settings(settings), key, passphrase)
        self.connection = connection
        self.settings: Settings = connection.settings
        self.market = connection.market
        self.accounts = Accounts(connection)
        self._keeping = Keeping(connection.folder)

    def __enter__(self) -> "StunClient":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close connections."""
        self.connection.close()

    @property
    def address(self) -> str:
        """The account's address. Errors: KeyMissing."""
        return "0x" + self._writer("an address").account[-20:].hex()

    @property
    def recipient_key(self) -> bytes:
        """The private key that this account's outputs are sealed to. Errors: SettingsInvalid."""
        return self._keeping.recipient().private

    # models

    def upload_model(self, model: Model) -> str:
        """Store a model's files, register it if new; return its id. Errors: KeyMissing, Rejected, BlobError."""
        writer = self._writer("registering a model")
        digest = model.put(self.connection.store)
        name = id_of_model(writer.account, digest)
        if self.market.model(name) is None:
            manifest = model.manifest
            intent = writer.register_model(
                f"model:{digest.hex()}", digest, manifest.weight_root, manifest.graph_root, model.numeric_class
            )
            writer.wait(intent, self.settings.timeout_seconds)
        return "0x" + name.hex()

    def models(self) -> Sequence[ModelRecord]:
        """Every registered model."""
        return self.market.models()

    def model(self, model_id: ModelId) -> ModelRecord:
        """A live model. Errors: TaskInvalid, ModelUnknown."""
        name = parse_id(model_id, "model_id")
        record = self.market.model(name)
        if record is None or not record.live:
            raise ModelUnknown(name)
        return record

    # orders

    def estimate(self, task: Task) -> Quote:
        """What a task would lock; needs no key. Errors: TaskInvalid, ModelUnknown, PriceUnknown."""
        return quote(task, self._terms(task, len(task.read_inputs())))

    def submit_task(self, task: Task) -> TaskResult:
        """Order a task: store it, sign, and bring it to the pools.

        Errors: those of `estimate`; PrivacyUnavailable, KeyMissing, FundsMissing, PoolError, BlobError, ChainError.
        """
        signer = self._signer("ordering")
        task.checked_requirements()
        record = self.model(task.model_id)
        manifest = self._manifest(record)
        inputs = task.read_inputs(input_form(manifest, self.connection.store))
        terms = self._awaited_terms(task, len(inputs))
        offered = quote(task, terms)
        package = self._package(task, inputs, record)
        order = self._order(task, terms, offered, package)
        digest = order.digest(self.market.domain)
        self.accounts.fund(order.asset, offered.total, f"fund:{digest.hex()}")
        envelope = OrderEnvelope(
            order, signer.sign_digest(digest), package.put(self.connection.store), self.connection.store_urls
        )
        form = "" if manifest is None else manifest.output_format
        kept = KeptOrder(envelope, max(0, self.market.head() - MARGIN_BLOCKS), len(inputs) == 1, form)
        self._keeping.keep(digest, kept)
        self.connection.pools.publish(envelope)
        return TaskResult(self, digest, kept)

    def submit_batch(self, inputs: Sequence[Input], *, model_id: ModelId, **terms: Any) -> TaskResult:
        """Order many tasks of one model under one signature; `terms` are fields of `Task`. Errors as `submit_task`."""
        return self.submit_task(Task(model_id, list(inputs), **terms))

    def result(self, order_id: ModelId) -> TaskResult:
        """An order that this account submitted before, on this machine. Errors: TaskInvalid, OrderUnknown."""
        digest = parse_id(order_id, "order_id")
        kept = self._keeping.find(digest)
        if kept is None:
            raise OrderUnknown(digest)
        return TaskResult(self, digest, kept)

    def find_kept(self, order_id: ModelId) -> KeptOrder | None:
        """An order of anybody: kept here, else as a pool holds it; None if nobody has it. Errors: PoolError."""
        digest = parse_id(order_id, "order_id")
        kept = self._keeping.find(digest)
        held = [] if kept is not None else self.connection.pools.order(digest)
        if held:
            return KeptOrder(held[0], self.connection.first_block, held[0].order.count == 1, "")
        return kept

    def orders(self) -> list[TaskResult]:
        """Every order kept on this machine, the newest first."""
        return [self.result(digest) for digest in self._keeping.digests()]

    def status(self, order_id: ModelId, kept: KeptOrder | None = None) -> BatchStatus:
        """How an order or anybody's batch stands. Errors: TaskInvalid, ChainError."""
        digest = parse_id(order_id, "order_id")
        kept = kept or self._keeping.find(digest)
        first = self.connection.first_block if kept is None else kept.first_block
        order = None if kept is None else kept.envelope.order
        return read_status(self.market, digest, first, order, self.settings.confirmations)

    def cancel(self, order_id: ModelId) -> None:
        """Use up an order's nonce, so that nobody can match it. Errors: OrderUnknown, KeyMissing, Rejected."""
        writer = self._writer("cancelling")
        result = self.result(order_id)
        intent = writer.cancel_order(f"cancel:{result.batch_id.hex()}", result.order.nonce)
        writer.wait(intent, self.settings.timeout_seconds)

    def accept(self, result: TaskResult) -> BatchStatus:
        """Pay the agreed result at once; `TaskResult.accept` checks the outputs first.

        Errors: KeyMissing, Rejected, DissentUnsettled.
        """
        writer = self._writer("accepting")
        status = result.status()
        if status.agreed is None or status.terms is None:
            raise TaskInvalid("result", "there is no agreed result to accept yet")
        if status.dissenters:
            raise DissentUnsettled(result.batch_id, status.dissenters)
        root, units = status.agreed
        intent = writer.accept(f"accept:{result.id}", result.batch_id, status.terms, root, units)
        writer.wait(intent, self.settings.timeout_seconds)
        return result.status()

    # money, by the names people use

    def balance(self, asset: str | None = None) -> int:
        """Free balance in the market, smallest units. Errors: KeyMissing."""
        return self.accounts.balance(asset)

    def deposit(self, amount: int, asset: str | None = None) -> int:
        """Move tokens from the wallet into the market; return the new balance. Errors: KeyMissing, Rejected."""
        return self.accounts.deposit(amount, asset)

    def withdraw(self, amount: int, asset: str | None = None, to: str | None = None) -> int:
        """Move free balance out, to the own wallet if `to` is None; return the rest. Errors: KeyMissing, Rejected."""
        return self.accounts.withdraw(amount, asset, to)

    # what results ask for

    def find_outputs(self, status: BatchStatus, kept: KeptOrder, provider: bytes | None = None) -> Outputs:
        """Checked outputs of a batch. Errors: ReplicasDisagree, DeliveryMissing, PoolError, SettingsInvalid."""
        deliveries: Sequence[DeliveryEnvelope] = self.connection.pools.deliveries(status.batch_id)
        private = self._keeping.recipient().private
        finder = OutputFinder(self.connection.store, self.connection.open_store, private)
        sealed = kept.envelope.order.recipient_key != NOBODY
        if provider is None:
            return finder.find(status, deliveries, sealed)
        chosen = [replica for replica in status.replicas if replica.shown and replica.provider == provider]
        return finder.find_of(status, chosen, deliveries, sealed)

    def _terms(self, task: Task, count: int) -> Terms:
        record = self.model(task.model_id)
        asset = self.accounts.asset(task.asset or None)
        prices = self._offers(task, record, asset)
        return Terms(record, self.market.rules(asset), prices, count)

    def _awaited_terms(self, task: Task, count: int) -> Terms:
        """The terms once enough providers offer the model: a new one is advertised a little later."""
        deadline = time.monotonic() + self.settings.offer_seconds
        while True:
            try:
                return self._terms(task, count)
            except PriceUnknown:
                if time.monotonic() >= deadline:
                    raise
            time.sleep(self.settings.poll_seconds)

    def _offers(self, task: Task, record: ModelRecord, asset: bytes) -> tuple[int, ...]:
        """The lowest prices that providers advertise, as many as replicas are wanted."""
        wanted = choose_replicas(task, record.numeric_class)
        asked: dict[bytes, int] = {}
        for envelope in self.connection.pools.profiles():
            price = listed_prices(envelope.document).get(record.model_id, {}).get(asset)
            if price is not None:
                asked[envelope.profile.provider] = price
        if len(asked) < wanted and task.max_price is None:
            raise PriceUnknown(record.model_id, len(asked), wanted)
        return tuple(sorted(asked.values())[:wanted])

    def _package(self, task: Task, inputs: tuple[bytes, ...], record: ModelRecord) -> TaskPackage:
        document: dict[str, Any] = {"requirements": task.checked_requirements()}
        if task.providers:
            document["providers"] = ["0x" + account.hex() for account in self._providers(task)]
        return TaskPackage(dict(task.params), document, inputs, record.numeric_class)

    def _order(self, task: Task, terms: Terms, offered: Quote, package: TaskPackage) -> Order:
        requester = self._writer("ordering").account
        listed = providers_root(self._providers(task)) if task.providers else NOBODY
        asset = self.accounts.asset(task.asset or None)
        now = self.market.now()
        place = self._free_nonce(requester, now + task.expires_in)
        key = self._keeping.recipient().public
        return make_order(task, terms, offered, requester, asset, package.specs_root, key, listed, place, now)

    def _free_nonce(self, requester: bytes, expires_at: int) -> tuple[int, int]:
        """A random (word, bit) that was not used; a clash in 2^40 places is luck, eight are a lying endpoint."""
        for _ in range(NONCE_TRIES):
            place = secrets.randbits(32), secrets.randbits(8)
            if not self.market.nonce_used(requester, nonce_of(expires_at, *place)):
                return place
        raise TaskInvalid("nonce", f"{NONCE_TRIES} random nonces are all used; the endpoint does not tell the truth")

    def _manifest(self, record: ModelRecord) -> Manifest | None:
        """The model's manifest, None where this client's stores do not have it and its class does not need it."""
        try:
            return read_manifest(self.connection.store, record)
        except (BlobError, ManifestError):
            if record.numeric_class == NumericClass.EXACT:
                raise  # it says how inputs are written
            return None

    def _providers(self, task: Task) -> list[bytes]:
        return [parse_account(text, "providers") for text in task.providers]

    def _writer(self, act: str) -> MarketWriter:
        if self.connection.writer is None:
            raise KeyMissing(act)
        return self.connection.writer

    def _signer(self, act: str) -> TransactionSigner:
        if self.connection.signer is None:
            raise KeyMissing(act)
        return self.connection.signer
