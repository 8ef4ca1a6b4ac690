"""What may be done to votes. `sender` is the account that acts; accounts are 32 bytes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transfer:
    """Move STUN of the sender's free balance."""

    sender: bytes
    to: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class Mint:
    """Create STUN; the sender is the minter."""

    sender: bytes
    to: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class Burn:
    """Destroy STUN of the sender's free balance."""

    sender: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class Delegate:
    """Name who votes with the sender's STUN; NOBODY for no one."""

    sender: bytes
    to: bytes


@dataclass(frozen=True, slots=True)
class Stake:
    """Move STUN of the sender into staking's custody."""

    sender: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class Unstake:
    """Start unbonding; `unbonding_seconds` is the config's."""

    sender: bytes
    amount: int
    unbonding_seconds: int


@dataclass(frozen=True, slots=True)
class Collect:
    """Take what is unbonded out of custody."""

    sender: bytes
    to: bytes


@dataclass(frozen=True, slots=True)
class Slash:
    """Burn a share of an account's stake; the sender is a slasher."""

    sender: bytes
    account: bytes
    bps: int


@dataclass(frozen=True, slots=True)
class SetBridge:
    """Name the contract whose STUN is on other chains; the sender is the owner."""

    sender: bytes
    bridge: bytes


VoteAction = Transfer | Mint | Burn | Delegate | Stake | Unstake | Collect | Slash | SetBridge
VOTE_ACTIONS: tuple[type, ...] = (Transfer, Mint, Burn, Delegate, Stake, Unstake, Collect, Slash, SetBridge)
