"""Every error of the SDK: one class per cause, with the values it is about and what to do."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from stun.protocol.errors import StunError


class SdkError(StunError):
    """Base class of the SDK's errors; `code` names the cause for programs."""

    code: ClassVar[str] = "sdk: error"


class SettingsInvalid(SdkError):
    """A setting, or the file it stands in, that cannot be used."""

    code = "sdk: settings"


class NetworkUnknown(SdkError):
    """No network was named, or nothing is known of the one that was."""

    code = "sdk: network unknown"

    def __init__(self, network: str) -> None:
        named = f"nothing is known of the network {network!r}" if network else "no network is set and no devnet runs"
        super().__init__(
            f"{named}; start one with `stun devnet up`, or give deployment, rpc_urls, pool_urls and store_urls "
            "(arguments, STUN_* variables, or [networks.NAME] in the configuration file)"
        )
        self.network = network


class WrongNetwork(SdkError):
    """The endpoints serve another chain than the deployment file names, or there is no market on it."""

    code = "sdk: wrong network"


class KeyMissing(SdkError):
    """An act that needs a key, and none is configured."""

    code = "sdk: no key"

    def __init__(self, act: str) -> None:
        super().__init__(
            f"{act} needs a key: set STUN_KEYSTORE to an encrypted keystore file (`stun account new` makes one), or "
            "STUN_KEY to the private key"
        )
        self.act = act


class FundsMissing(SdkError):
    """Neither the market nor the wallet holds enough. Amounts in the asset's smallest unit."""

    code = "sdk: funds"

    def __init__(self, asset: str, needed: int, free: int, wallet: int, auto_deposit: bool) -> None:
        short = auto_deposit or free + wallet < needed
        advice = "get tokens into the wallet" if short else "deposit, or set auto_deposit"
        super().__init__(
            f"{needed} of {asset} are needed; {free} are free in the market, {wallet} in the wallet: {advice}"
        )
        self.asset, self.needed, self.free, self.wallet = asset, needed, free, wallet


class ModelUnknown(SdkError):
    """No live model of this id is registered on this chain."""

    code = "sdk: model"

    def __init__(self, model_id: bytes) -> None:
        super().__init__(f"no live model 0x{model_id.hex()} on this chain; see client.models(), or upload it")
        self.model_id = model_id


class TaskInvalid(SdkError):
    """A task that no order can be made of; `field` names the part at fault."""

    code = "sdk: task"

    def __init__(self, field: str, cause: str) -> None:
        super().__init__(f"task: {field}: {cause}")
        self.field = field
        self.cause = cause


class PrivacyUnavailable(SdkError):
    """A level of privacy that nothing on this network can keep yet; the task was not sent."""

    code = "sdk: privacy"

    def __init__(self, level: str) -> None:
        super().__init__(
            f'privacy "{level}" cannot be kept yet: providers read the inputs in the clear, and no evidence of a '
            'sealed machine is checked. "none" still seals the outputs to your key. Nothing was sent'
        )
        self.level = level


class PriceUnknown(SdkError):
    """No provider's profile offers the model, so there is nothing to estimate a price from."""

    code = "sdk: price"

    def __init__(self, model_id: bytes, found: int, wanted: int) -> None:
        super().__init__(
            f"{found} providers offer model 0x{model_id.hex()} and {wanted} are wanted; wait for more, ask for fewer "
            "replicas, or set max_price yourself"
        )
        self.found, self.wanted = found, wanted


class OrderUnknown(SdkError):
    """No order of this id is kept here or in a pool."""

    code = "sdk: order"

    def __init__(self, order_id: bytes) -> None:
        super().__init__(f"no order 0x{order_id.hex()} is kept here or in a pool, and no batch of it is on the chain")
        self.order_id = order_id


class OrderExpired(SdkError):
    """Nobody matched the order before it expired; it locked nothing."""

    code = "sdk: expired"

    def __init__(self, batch_id: bytes, expires_at: int) -> None:
        super().__init__(
            f"order 0x{batch_id.hex()} expired at {expires_at} without a match; nothing was locked. Offer a higher "
            "max_price, fewer requirements, or more time"
        )
        self.batch_id, self.expires_at = batch_id, expires_at


class OrderCancelled(SdkError):
    """The order's nonce was used up without a match."""

    code = "sdk: cancelled"

    def __init__(self, batch_id: bytes) -> None:
        super().__init__(f"order 0x{batch_id.hex()} was cancelled before it was matched; nothing was locked")
        self.batch_id = batch_id


class ReplicasFailed(SdkError):
    """Every replica went out without a result; the price was returned."""

    code = "sdk: no result"

    def __init__(self, batch_id: bytes) -> None:
        super().__init__(f"batch 0x{batch_id.hex()} ended without a result; the price was returned. Order again")
        self.batch_id = batch_id


class ReplicasDisagree(SdkError):
    """The replicas revealed different results; `roots` by provider."""

    code = "sdk: disagreement"

    def __init__(self, batch_id: bytes, roots: Mapping[bytes, bytes]) -> None:
        told = ", ".join(f"0x{provider[-20:].hex()}: {root.hex()[:16]}" for provider, root in roots.items())
        super().__init__(
            f"the replicas of batch 0x{batch_id.hex()} disagree ({told}); tasks in which they differ are refunded "
            "unless most agree. Ask for one replica's outputs by get_outputs(provider=...), and judge them yourself"
        )
        self.batch_id, self.roots = batch_id, dict(roots)


class DissentUnsettled(SdkError):
    """An acceptance would pay another result as well: the rest of a batch is judged as if it was ordered alone."""

    code = "sdk: dissent"

    def __init__(self, batch_id: bytes, providers: Sequence[bytes]) -> None:
        told = ", ".join("0x" + provider[-20:].hex() for provider in providers)
        super().__init__(
            f"batch 0x{batch_id.hex()} has another result, of {told}: once the majority is accepted and gone, it would "
            "be judged alone and paid. Let the window end: settled together, the minority is not paid"
        )
        self.batch_id, self.providers = batch_id, tuple(providers)


class DeliveryMissing(SdkError):
    """No replica delivered outputs that hash to its own revealed root; `reasons` by provider."""

    code = "sdk: delivery"

    def __init__(self, batch_id: bytes, reasons: Mapping[bytes, str]) -> None:
        told = "; ".join(f"0x{provider[-20:].hex()}: {reason}" for provider, reason in reasons.items())
        super().__init__(
            f"no outputs of batch 0x{batch_id.hex()} can be had that match the chain ({told or 'nobody delivered'}). "
            "Try again later; do not accept the result"
        )
        self.batch_id, self.reasons = batch_id, dict(reasons)


class TasksRefused(SdkError):
    """The model refused some inputs: their results are the canonical error, 0 units, unpaid."""

    code = "sdk: refused input"

    def __init__(self, indices: tuple[int, ...]) -> None:
        super().__init__(
            f"the model refused the inputs {list(indices[:10])}{' ...' if len(indices) > 10 else ''}; they were not "
            "paid. Pass allow_refused=True to get the others"
        )
        self.indices = indices


class NotReady(SdkError):
    """The wait ended before the result was there; the batch goes on, wait again."""

    code = "sdk: timeout"

    def __init__(self, batch_id: bytes, stage: str, seconds: float) -> None:
        super().__init__(f"batch 0x{batch_id.hex()} is {stage} after {seconds:g} s; it goes on, wait again")
        self.batch_id, self.stage, self.seconds = batch_id, stage, seconds
