"""Sending each action exactly once, across crashes, lost answers, fee markets and reorganisations.

Order of every step: what is about to happen is written first. An intent is planned before it is simulated, its nonce
and signed bytes are kept before they are broadcast, and all signed forms of one intent share one nonce: whichever
lands, the others cannot. A nonce is given up only when a final block is seen to hold another transaction with it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from eth_utils.address import to_checksum_address

from stun.chains.evm.accounts import EvmAccount
from stun.chains.evm.endpoint import Call, Receipt
from stun.chains.evm.errors import EndpointRefused, Reverted, Unreachable
from stun.chains.evm.fees import FeePolicy, Fees, bumped_fees, first_fees, gas_limit
from stun.chains.evm.intents import IntentStore
from stun.chains.evm.revival import revive
from stun.chains.evm.rpc import ChainReader, ChainView
from stun.chains.interface import ChainError, Intent, IntentState, SignedTransaction, WaitTimeout

_log = structlog.get_logger(__name__)


def _no_step(_step: str) -> None:
    return None


class Sender:
    """The one sender of an account on a chain; implements TransactionSender. Safe for several threads.

    `on_step` is called after each durable step with its name (planned, simulated, signed, sent, broadcast, included,
    final, failed, replaced). `poll` is the pause in seconds between the ticks of `wait`.
    """

    def __init__(
        self,
        account: EvmAccount,
        reader: ChainReader,
        intents: IntentStore,
        policy: FeePolicy | None = None,
        *,
        on_step: Callable[[str], None] = _no_step,
        poll: float = 0.2,
    ) -> None:
        self._account = account
        self._reader = reader
        self._intents = intents
        self._policy = policy or FeePolicy()
        self._on_step = on_step
        self._poll = poll
        self._lock = threading.RLock()

    @property
    def account(self) -> bytes:
        """The address that pays and signs."""
        return self._account.address

    @property
    def reader(self) -> ChainReader:
        """What the sender reads the chain with."""
        return self._reader

    def find(self, key: str) -> Intent | None:
        """The intent with a key, if one was ever submitted."""
        return self._intents.find(self._reader.chain_id, self.account, key)

    def submit(self, key: str, to: bytes | None, data: bytes, value: int = 0) -> Intent:
        """Plan, simulate, sign, broadcast. The same key again returns the same intent, moved on if it was only planned.

        Errors: Reverted (kept as failed, nothing signed), IntentConflict, ValueError, ChainError (the intent stays
        planned or signed, later ticks move it on).
        """
        with self._lock:
            view = self._reader.view()
            chain = self._reader.chain_id
            intent, new = self._intents.plan(chain, self.account, key, to, data, value, view.block.number)
            if new:
                self._on_step("planned")
            return self._start(intent, view) if intent.state is IntentState.PLANNED else intent

    def retry(self, intent: Intent) -> Intent:
        """Send an intent that failed or was replaced once more, with a new nonce; same errors as `submit`."""
        with self._lock:
            return self._start(self._intents.reopen(intent), self._reader.view())

    def tick(self) -> Sequence[Intent]:
        """Move every open intent on; returns those that changed state.

        An error about one intent is kept as its reason and logged, and the others go on. Errors: ChainError when not
        even the newest block can be read.
        """
        with self._lock:
            if not self._intents.any_of(self._reader.chain_id, self.account):
                return []
            view = self._reader.view()
            changed = {intent.id: intent for intent in self._revive(view, view.nonce(self.account))}
            waiting = self._intents.open_intents(self._reader.chain_id, self.account)
            final = view.final() if waiting else view
            for intent in waiting:
                moved = self._advance(intent, view, final)
                if moved.state is not intent.state:
                    changed[moved.id] = moved
            return list(changed.values())

    def wait(self, intent: Intent, until: IntentState = IntentState.INCLUDED, timeout: float = 60.0) -> Intent:
        """Move the intent on until it is included or final; `timeout` in seconds.

        Errors: Reverted, ChainError when another transaction took the nonce, WaitTimeout.
        """
        goals = (IntentState.FINAL,) if until is IntentState.FINAL else (IntentState.INCLUDED, IntentState.FINAL)
        deadline = time.monotonic() + timeout
        while True:
            with self._lock:
                view = self._reader.view()
                intent = self._advance(self._intents.get(intent.id), view, view.final())
            if intent.state is IntentState.FAILED or intent.ok is False:
                raise Reverted(intent.reason or "")
            if intent.state is IntentState.REPLACED:
                raise ChainError(f"intent {intent.key!r}: {intent.reason}")
            if intent.state in goals:
                return intent
            if time.monotonic() >= deadline:
                raise WaitTimeout(f"intent {intent.key!r} is {intent.state} after {timeout} s: {intent.reason}")
            time.sleep(self._poll)

    def _advance(self, intent: Intent, view: ChainView, final: ChainView) -> Intent:
        if intent.state.terminal:
            return intent
        try:
            if intent.state is IntentState.PLANNED:
                return self._start(intent, view)
            return self._follow(intent, view, final)
        except Reverted:
            return self._intents.get(intent.id)
        except ChainError as error:
            _log.warning("intent waits", key=intent.key, state=intent.state.value, error=str(error))
            return self._intents.change(intent.id, reason=str(error))

    def _start(self, intent: Intent, view: ChainView) -> Intent:
        """Simulate and sign a planned intent, then broadcast it."""
        call = Call(intent.to, intent.data, self.account, intent.value)
        try:
            view.call(call.to, call.data, call.sender, call.value)
            gas = gas_limit(self._policy, view.estimate(call))
        except Reverted as error:
            self._intents.change(intent.id, state=IntentState.FAILED, ok=None, reason=error.reason)
            self._on_step("failed")
            raise
        self._on_step("simulated")
        fees = first_fees(self._policy, view.block.base_fee, self._reader.priority_fee())
        if gas is None or fees is None:
            what = "gas estimate" if gas is None else "base fee"
            return self._intents.change(intent.id, reason=f"the {what} is above the owner's cap")
        return self._broadcast(self._sign(intent, view, fees, gas))

    def _sign(self, intent: Intent, view: ChainView, fees: Fees, gas: int) -> Intent:
        def make(nonce: int) -> SignedTransaction:
            fields: dict[str, Any] = {
                "type": 2,
                "chainId": intent.chain_id,
                "nonce": nonce,
                "gas": gas,
                "value": intent.value,
                "data": intent.data,
                "maxFeePerGas": fees.max_fee,
                "maxPriorityFeePerGas": fees.priority,
            }
            if intent.to is not None:
                fields["to"] = to_checksum_address(intent.to)
            raw, digest = self._account.sign_transaction(fields)
            return SignedTransaction(digest, raw, nonce, fees.max_fee, fees.priority, self._intents.now())

        spent = view.nonce(self.account)
        self._revive(view, spent)
        signed = self._intents.sign(intent, view.block.number, spent, make, gas)
        self._on_step("signed")
        return signed

    def _revive(self, view: ChainView, spent: int) -> Sequence[Intent]:
        """Open again what the chain at `view`, which counts `spent` transactions, has taken back."""
        revived = revive(self._intents, self._reader.chain_id, self.account, spent, view.block.number)
        for intent in revived:
            _log.warning("end undone", key=intent.key, nonce=intent.nonce)
        return revived

    def _broadcast(self, intent: Intent) -> Intent:
        """Hand out the newest signed form; what a node refuses is kept as the reason and tried again."""
        if intent.state not in (IntentState.SIGNED, IntentState.BROADCAST):
            return intent
        try:
            self._reader.broadcast(intent.signed[-1].raw)
        except (EndpointRefused, Unreachable) as error:
            _log.info("broadcast refused", key=intent.key, error=str(error))
            return self._intents.change(intent.id, reason=str(error))
        self._on_step("sent")
        moved = self._intents.change(intent.id, state=IntentState.BROADCAST, reason=None)
        self._on_step("broadcast")
        return moved

    def _follow(self, intent: Intent, view: ChainView, final: ChainView) -> Intent:
        """Find out what became of the signed forms, all of them, before anything else is signed."""
        for form in self._forms(intent):
            receipt = self._reader.receipt(form.hash)
            if receipt is not None:
                return self._landed(intent, receipt, final)
        if intent.state is IntentState.INCLUDED:
            if view.block.number < (intent.block_number or 0):
                return intent  # the endpoint lags; that is no reorganisation
            _log.warning("inclusion undone", key=intent.key, block=intent.block_number)
            intent = self._intents.change(
                intent.id,
                state=IntentState.BROADCAST,
                landed=None,
                landed_ok=None,
                block_number=None,
                block_hash=None,
                gas_used=None,
                created=None,
                reason="its block was replaced",
            )
        if intent.nonce is not None and final.nonce(self.account) > intent.nonce:
            return self._replaced(intent, final)
        return self._broadcast(self._bump(intent, view))

    @staticmethod
    def _forms(intent: Intent) -> list[SignedTransaction]:
        """The signed forms with the current nonce, newest first."""
        return [form for form in reversed(intent.signed) if form.nonce == intent.nonce]

    def _landed(self, intent: Intent, receipt: Receipt, final: ChainView) -> Intent:
        reason = None if receipt.ok else intent.reason if intent.ok is False else self._why(intent, receipt)
        moved = self._intents.change(
            intent.id,
            state=IntentState.INCLUDED,
            landed=receipt.hash,
            landed_ok=receipt.ok,
            reason=reason,
            block_number=receipt.block_number,
            block_hash=receipt.block_hash,
            gas_used=receipt.gas_used,
            created=receipt.created,
        )
        if intent.state is not IntentState.INCLUDED:
            self._on_step("included")
        if final.block.number < receipt.block_number:
            return moved
        if final.at(receipt.block_number).block.hash != receipt.block_hash:
            return moved  # the receipt is of a block that is being replaced
        end = IntentState.FINAL if receipt.ok else IntentState.FAILED
        moved = self._intents.change(intent.id, state=end)
        self._on_step(end.value)
        return moved

    def _why(self, intent: Intent, receipt: Receipt) -> str:
        """The reason of a failure on the chain, found by running the call again on the block before."""
        try:
            before = self._reader.view(max(0, receipt.block_number - 1))
            before.call(intent.to, intent.data, self.account, intent.value)
        except Reverted as error:
            return error.reason
        except (EndpointRefused, ChainError) as error:
            return f"reverted; its reason cannot be read: {error}"
        return "reverted after a change in the same block, or out of gas"

    def _bump(self, intent: Intent, view: ChainView) -> Intent:
        """Sign again with higher fees when the next nonce in turn waits for too many blocks and the caps allow it."""
        waited = view.block.number - (intent.signed_block or view.block.number)
        if waited < self._policy.bump_blocks or view.nonce(self.account) != intent.nonce or intent.gas is None:
            return intent
        forms = self._forms(intent)
        first, last = (Fees(form.max_fee, form.priority_fee) for form in (forms[-1], forms[0]))
        fees = bumped_fees(self._policy, first, last, view.block.base_fee, self._reader.priority_fee())
        return intent if fees is None else self._sign(intent, view, fees, intent.gas)

    def _replaced(self, intent: Intent, final: ChainView) -> Intent:
        """End an intent whose nonce a final block gives to another transaction; without that proof it stays open."""
        nonce = intent.nonce or 0
        high = final.block.number
        low = min(intent.planned_block, high)
        while low < high:  # the first block after which the nonce is spent
            middle = (low + high) // 2
            if final.at(middle).nonce(self.account) > nonce:
                high = middle
            else:
                low = middle + 1
        ours = {form.hash for form in intent.signed}
        for sent in final.at(high).transactions():
            if sent.sender == self.account and sent.nonce == nonce and sent.hash not in ours:
                reason = f"nonce {nonce} was used by transaction 0x{sent.hash.hex()}, which this store did not sign"
                moved = self._intents.change(intent.id, state=IntentState.REPLACED, reason=reason)
                self._on_step("replaced")
                return moved
        return self._intents.change(intent.id, reason=f"nonce {nonce} is spent; waiting for the receipt")
