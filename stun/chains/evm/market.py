"""The market on an EVM chain, read: implements stun.chains.market.MarketReader."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stun.chains.evm import deployments
from stun.chains.evm.abi import AbiFunction
from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.endpoint import connect
from stun.chains.evm.errors import AnswerInvalid, Reverted
from stun.chains.evm.market_contracts import MarketContracts, contracts_of, interface
from stun.chains.evm.market_encoding import terms_digest
from stun.chains.evm.market_events import decode_logs
from stun.chains.evm.rpc import ChainReader, ChainView, Finality
from stun.chains.evm.signatures import recover
from stun.chains.interface import ChainError
from stun.chains.market import BatchRecord, BatchUnknown, ChainEvent, ModelRecord, Rules
from stun.protocol.market.state import Phase, ReplicaState, Terms
from stun.protocol.messages import NOBODY, Domain
from stun.protocol.parameters import NumericClass, asset_rules_from_word, version_of

_ERC1271_MAGIC = bytes.fromhex("1626ba7e")
_IS_VALID_SIGNATURE = AbiFunction("isValidSignature", ("bytes32", "bytes"), ("bytes4",))


class EvmMarket:
    """Reads of one market. Each call reads at one block; `at` pins several calls to one."""

    def __init__(self, chain: ChainReader, contracts: MarketContracts, view: ChainView | None = None) -> None:
        self.reader = chain
        self.contracts = contracts
        self._view = view
        self._terms: dict[bytes, Terms] = {}  # by batch, as last read of a log

    def at(self, view: ChainView | None = None) -> "EvmMarket":
        """Return the market pinned to one block, the newest unless a view is given."""
        pinned = EvmMarket(self.reader, self.contracts, view or self.reader.view())
        pinned._terms = self._terms
        return pinned

    def view(self) -> ChainView:
        """The block that reads see."""
        return self._view or self.reader.view()

    @property
    def domain(self) -> Domain:
        """The domain of this market's messages."""
        return Domain(chain_id=self.reader.chain_id, market=self.contracts.market)

    @property
    def chain(self) -> str:
        """A short name of the chain."""
        return f"evm:{self.reader.chain_id}"

    @property
    def stun(self) -> bytes:
        """The STUN token as an asset."""
        return widen(self.contracts.token)

    def now(self) -> int:
        """The newest block's time, seconds."""
        return self.view().block.timestamp

    def head(self) -> int:
        """The newest block's number."""
        return self.view().block.number

    def rules(self, asset: bytes) -> Rules:
        """The current config version and one asset's rules."""
        rules, limits, times, word, audit = self._read("Config", "match_rules", narrow(asset))
        return Rules(version_of(rules), rules, limits, times, asset_rules_from_word(word, audit) if word else None)

    def balance(self, asset: bytes, account: bytes) -> int:
        """Free balance inside the market."""
        return int(self._read("Marketplace", "balance_of", narrow(asset), narrow(account)))

    def wallet_balance(self, asset: bytes, account: bytes) -> int:
        """Tokens the account holds outside the market."""
        return int(self.view().read(narrow(asset), interface("StunToken").function("balanceOf"), narrow(account)))

    def allowance(self, asset: bytes, owner: bytes, spender: bytes) -> int:
        """How much of the owner's tokens the spender (20 bytes) may take."""
        function = interface("StunToken").function("allowance")
        return int(self.view().read(narrow(asset), function, narrow(owner), spender))

    def stake(self, account: bytes) -> int:
        """Active stake in STUN."""
        return int(self._read("Staking", "stake_of", narrow(account)))

    def stake_position(self, account: bytes) -> tuple[int, int, int]:
        """Active stake, unbonding stake, and when the latter unlocks (seconds)."""
        active, unbonding, unlock_at = self._read("Staking", "position_of", narrow(account))
        return active, unbonding, unlock_at

    def reputation(self, account: bytes) -> int:
        """Score in [0, 10^6]."""
        return int(self._read("Reputation", "score", narrow(account)))

    def operator(self, account: bytes) -> bytes:
        """The account's operator key, NOBODY if none."""
        return widen(self._read("Marketplace", "operator_of", narrow(account)))

    def operator_nonce(self, account: bytes) -> int:
        """The nonce that the account's next signed Operator message must carry."""
        return int(self._read("Marketplace", "operator_nonce_of", narrow(account)))

    def nonce_used(self, account: bytes, nonce: int) -> bool:
        """Whether an order nonce was matched or cancelled."""
        word = int(self._read("Marketplace", "used_word", narrow(account), nonce >> 8))
        return bool(word >> (nonce & 255) & 1)

    def share(self, kind: str, asset: bytes) -> int:
        """The market's own money: `treasury`, `insurance` or `audit`."""
        return int(self._read("Marketplace", f"{kind}_of", narrow(asset)))

    def model(self, model_id: bytes) -> ModelRecord | None:
        """A registered model, or None."""
        creator, kind, live, manifest, weights, graph, *_ = self._read("ModelRegistry", "record", model_id)
        if creator == bytes(20):
            return None
        return ModelRecord(model_id, widen(creator), manifest, weights, graph, NumericClass(kind), live)

    def models(self) -> Sequence[ModelRecord]:
        """Every registered model, in order of registration."""
        pinned = self.at(self.view())
        topic = interface("ModelRegistry").event("ModelRegistered").topic
        logs = pinned.view().logs([self.contracts.registry], self.contracts.first_block, [topic])
        found = (pinned.model(log.topics[1]) for log in logs)
        return [model for model in found if model is not None]

    def batch(self, batch_id: bytes) -> BatchRecord | None:
        """The stored part of an unfinished batch, or None. Errors: AnswerInvalid, BatchUnknown."""
        digest, phase, *stored = self._read("Marketplace", "batch", batch_id)
        if phase == Phase.NONE:
            return None
        replicas = len(self._terms_under(batch_id, bytes(digest)).casts)
        try:
            return _record(batch_id, replicas, phase, *stored)
        except ValueError as error:
            raise AnswerInvalid(f"batch 0x{batch_id.hex()} in a state that there is not: {error}") from error

    def terms(self, batch_id: bytes) -> Terms:
        """What its match fixed, by its event; `batch` checks it against the digest that the chain stores."""
        known = self._terms.get(batch_id)
        if known is not None and self._view is not None:
            return known
        topic = interface("Marketplace").event("BatchOpened").topic
        logs = self.view().logs([self.contracts.market], self.contracts.first_block, [topic, batch_id])
        if not logs:
            self._terms.pop(batch_id, None)
            raise BatchUnknown(f"no batch 0x{batch_id.hex()} was opened on {self.chain}")
        terms: Terms = decode_logs(logs)[-1].fields["terms"]
        self._terms[batch_id] = terms
        return terms

    def _terms_under(self, batch_id: bytes, digest: bytes) -> Terms:
        """The terms that a stored digest fixes. What a node says in its log counts once it has that digest."""
        known = self._terms.get(batch_id)
        if known is not None and terms_digest(known) == digest:
            return known
        self._terms.pop(batch_id, None)
        terms = self.terms(batch_id)
        if terms_digest(terms) != digest:
            self._terms.pop(batch_id, None)
            raise AnswerInvalid(f"the terms of batch 0x{batch_id.hex()} are not those that the chain stores")
        return terms

    def events(self, first: int, last: int, batch_id: bytes | None = None) -> Sequence[ChainEvent]:
        """Protocol events of blocks first..last in order, of one batch if given."""
        view = self.view()
        if last > view.block.number:
            raise ChainError(f"block {last} is not there yet; the chain is at {view.block.number}")
        addresses = [self.contracts.market]
        topics: list[Any] = []
        if batch_id is None:
            addresses += [self.contracts.registry, self.contracts.staking, self.contracts.reputation]
        else:
            topics = [None, batch_id]
        logs = view.logs(addresses, first, topics)
        return decode_logs(log for log in logs if log.block_number <= last)

    def is_signed_by(self, account: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether the account stands behind a digest: by its key, or as a contract by ERC-1271."""
        address = narrow(account)
        if account == NOBODY:
            return False
        if recover(digest, signature) == address:
            return True
        view = self.view()
        if not view.code(address):
            return False
        try:
            answer = view.call(address, _IS_VALID_SIGNATURE.encode(digest, signature))
        except Reverted:
            return False
        return len(answer) == 32 and answer[:4] == _ERC1271_MAGIC and not any(answer[4:])

    def _read(self, contract: str, name: str, *arguments: Any) -> Any:
        return self.view().read(self._address(contract), interface(contract).function(name), *arguments)

    def _address(self, contract: str) -> bytes:
        return {
            "Marketplace": self.contracts.market,
            "Config": self.contracts.config,
            "ModelRegistry": self.contracts.registry,
            "Staking": self.contracts.staking,
            "Reputation": self.contracts.reputation,
        }[contract]


def _record(
    batch_id: bytes, replicas: int, phase: int, phase_at: int, hold_until: int, posted: bool, tip_paid: bool,
    resolved: bool, seq: int, states: Sequence[int], digests: Sequence[bytes], dues: Sequence[int], round_: int,
) -> BatchRecord:  # fmt: skip
    return BatchRecord(
        batch_id=batch_id,
        phase=Phase(phase),
        phase_at=phase_at,
        hold_until=hold_until,
        posted=posted,
        tip_paid=tip_paid,
        dues=tuple(dues[:replicas]) if resolved else None,
        seq=seq,
        states=tuple(ReplicaState(state) for state in states[:replicas]),
        digests=tuple(bytes(digest) for digest in digests[:replicas]),
        round=round_,
    )


class ChainMismatch(ChainError):
    """The endpoints serve another chain than the deployment file is of."""


def connect_market(
    deployment: Path, urls: Sequence[str], finality: Finality | None = None, needed: int = 1
) -> EvmMarket:
    """Return the market of a deployment file over one or several endpoints.

    Errors: DeploymentInvalid; ChainMismatch if an endpoint serves another chain than the file says.
    """
    file = deployments.load(deployment)
    chain = ChainReader([connect(url) for url in urls], finality, needed)
    if chain.chain_id != file.chain_id:
        raise ChainMismatch(f"the endpoint serves chain {chain.chain_id}, {deployment} is of chain {file.chain_id}")
    return EvmMarket(chain, contracts_of(file))
