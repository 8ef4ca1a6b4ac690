"""Exit codes of the command, and which error ends with which; docs/operator.md has the same table."""

from enum import IntEnum

from stun_sdk.errors import FundsMissing, KeyMissing, NetworkUnknown, NotReady, SettingsInvalid, TaskInvalid, WrongNetwork

from stun.chains.evm.accounts import KeyUnavailable
from stun.chains.evm.deployments import DeploymentInvalid
from stun.chains.evm.errors import EndpointsDisagree, InsufficientFunds, Unreachable
from stun.chains.evm.nodes import NodeUnavailable
from stun.chains.interface import WaitTimeout
from stun.pool.errors import PoolsExhausted, PoolUnavailable
from stun.protocol.errors import Rejected, StunError
from stun.provider.settings import SettingsInvalid as ProviderSettingsInvalid
from stun.storage.blobs import StoreUnavailable


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIGURATION = 3
    REFUSED = 4
    TIMEOUT = 5
    UNAVAILABLE = 6


MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.FAILED: "anything else, told in the message",
    ExitCode.USAGE: "the command was called wrongly",
    ExitCode.CONFIGURATION: "a setting or the key is missing or wrong; what would be done is told",
    ExitCode.REFUSED: "the chain refuses, with its reason; or there is too little money",
    ExitCode.TIMEOUT: "not finished in time; it goes on",
    ExitCode.UNAVAILABLE: "chain, pool or store does not answer",
}
_CAUSES: tuple[tuple[ExitCode, tuple[type[StunError], ...]], ...] = (
    (ExitCode.USAGE, (TaskInvalid,)),
    (
        ExitCode.CONFIGURATION,
        (
            SettingsInvalid, ProviderSettingsInvalid, NetworkUnknown, WrongNetwork, KeyMissing, KeyUnavailable,
            DeploymentInvalid,
        ),
    ),
    (ExitCode.REFUSED, (Rejected, FundsMissing, InsufficientFunds)),
    (ExitCode.TIMEOUT, (NotReady, WaitTimeout)),
    (ExitCode.UNAVAILABLE, (Unreachable, EndpointsDisagree, NodeUnavailable, PoolUnavailable, StoreUnavailable)),
)  # fmt: skip


def code_of(error: StunError) -> ExitCode:
    """The exit code that an error ends with; pools that failed together are judged by the reachable one's word."""
    if isinstance(error, PoolsExhausted):
        away = all(isinstance(failure, PoolUnavailable) for failure in error.failures)
        return ExitCode.UNAVAILABLE if away else ExitCode.FAILED
    for code, causes in _CAUSES:
        if isinstance(error, causes):
            return code
    return ExitCode.FAILED


def name_of(error: StunError) -> str:
    """The error's own code ("sdk: no key", "ledger: balance"), else its class, for programs."""
    code = getattr(error, "code", "")
    return code if isinstance(code, str) and code else type(error).__name__
