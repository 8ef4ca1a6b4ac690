"""Exit codes of the command, the same for every subcommand.

0 done; 1 a defect; 2 wrong usage, or an input that is refused; 3 configuration or key missing; 4 the chain refused (the
reason is told); 5 timeout; 6 a chain, pool, store or provider is not available; 7 no result; 8 not found; 9 funds; 10
what is on a chain is not what its record says; 11 a result is wrong and its replica is not convicted.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from stun_sdk import errors as sdk

from stun.chains.evm.accounts import KeyUnavailable
from stun.chains.evm.deployments import DeploymentInvalid
from stun.chains.evm.launch import LaunchRefused
from stun.chains.interface import ChainError, WaitTimeout
from stun.chains.market import BatchUnknown
from stun.checking.charges import NothingToCharge
from stun.checking.errors import ModelDiffers, NotExact
from stun.checking.material import NothingShown
from stun.checking.progress import CoinMissing, NotBegun, OverBudget
from stun.checking.tasks import TasksMissing
from stun.cli.output import Output
from stun.models.errors import ManifestError, ModelFileError, UnfitNumbers, UnfitTexts
from stun.models.exact.errors import ExactPathError
from stun.models.quantize.errors import QuantizationError, WeightsMissing
from stun.models.quantize.shipped import GraphDiffers
from stun.pool.errors import PoolError
from stun.protocol.errors import Rejected, StunError
from stun.provider.settings import SettingsInvalid as ProviderSettingsInvalid
from stun.storage.blobs import BlobError

DONE, DEFECT, USAGE, CONFIGURATION, REFUSED, TIMEOUT, UNAVAILABLE, NO_RESULT, NOT_FOUND, FUNDS, DIFFERS, WRONG = range(
    12
)

_CODES: tuple[tuple[int, tuple[type[StunError], ...]], ...] = (
    (USAGE, (sdk.TaskInvalid, sdk.PrivacyUnavailable, sdk.DissentUnsettled, ModelFileError, ManifestError)),
    (USAGE, (NotExact, NothingToCharge)),
    (UNAVAILABLE, (ExactPathError, GraphDiffers, ModelDiffers, TasksMissing)),
    (NO_RESULT, (NothingShown,)),
    (FUNDS, (OverBudget, CoinMissing)),
    (REFUSED, (NotBegun,)),
    (CONFIGURATION, (WeightsMissing,)),
    (USAGE, (QuantizationError, UnfitTexts, UnfitNumbers)),
    (CONFIGURATION, (sdk.SettingsInvalid, sdk.NetworkUnknown, sdk.WrongNetwork, sdk.KeyMissing, KeyUnavailable)),
    (CONFIGURATION, (DeploymentInvalid, LaunchRefused, ProviderSettingsInvalid)),
    (TIMEOUT, (sdk.NotReady, WaitTimeout)),
    (NO_RESULT, (sdk.OrderExpired, sdk.OrderCancelled, sdk.ReplicasFailed, sdk.ReplicasDisagree)),
    (NO_RESULT, (sdk.DeliveryMissing, sdk.TasksRefused)),
    (NOT_FOUND, (sdk.ModelUnknown, sdk.OrderUnknown, BatchUnknown)),
    (FUNDS, (sdk.FundsMissing,)),
    (REFUSED, (Rejected,)),
    (UNAVAILABLE, (sdk.PriceUnknown, PoolError, BlobError, ChainError)),
)


def exit_code(error: StunError) -> int:
    """The exit code of an error."""
    for code, kinds in _CODES:
        if isinstance(error, kinds):
            return code
    return DEFECT


def message_of(error: StunError) -> str:
    """What is told to people."""
    told = str(error)
    if isinstance(error, Rejected):
        return "the chain refused this; nothing changed"
    return told or type(error).__name__


def error_name(error: StunError) -> str:
    """The stable name of an error: its own code (a contract's reason among them), else its class."""
    named = getattr(error, "code", "")
    return named if isinstance(named, str) and named else type(error).__name__


@contextmanager
def telling_errors(ctx: click.Context, output: Callable[[], Output]) -> Iterator[None]:
    """End the command with a message and an exit code where one of the project's errors comes up."""
    try:
        yield
    except StunError as error:
        output().error(error_name(error), message_of(error))
        ctx.exit(exit_code(error))
