"""Order AI computation from a market that pays for agreed results.

from stun_sdk import Model, StunClient, Task

client = StunClient()
model_id = client.upload_model(Model.from_file("my_model.pth"))
result = client.submit_task(Task(model_id=model_id, input_data="path/to/data"))
result.wait()
print(result.get_output())
"""

from stun.models.errors import ModelFileError
from stun.protocol.errors import Rejected, StunError
from stun_sdk.aio import AsyncStunClient, AsyncTaskResult
from stun_sdk.client import StunClient
from stun_sdk.errors import (
    DeliveryMissing,
    DissentUnsettled,
    FundsMissing,
    KeyMissing,
    ModelUnknown,
    NetworkUnknown,
    NotReady,
    OrderCancelled,
    OrderExpired,
    OrderUnknown,
    PriceUnknown,
    PrivacyUnavailable,
    ReplicasDisagree,
    ReplicasFailed,
    SdkError,
    SettingsInvalid,
    TaskInvalid,
    TasksRefused,
    WrongNetwork,
)
from stun_sdk.forms import Text
from stun_sdk.model import Model
from stun_sdk.ordering import Quote
from stun_sdk.result import TaskResult
from stun_sdk.settings import Settings
from stun_sdk.status import BatchStatus, ReplicaStatus, Stage
from stun_sdk.task import Task

__all__ = [
    "AsyncStunClient",
    "AsyncTaskResult",
    "BatchStatus",
    "DeliveryMissing",
    "DissentUnsettled",
    "FundsMissing",
    "KeyMissing",
    "Model",
    "ModelFileError",
    "ModelUnknown",
    "NetworkUnknown",
    "NotReady",
    "OrderCancelled",
    "OrderExpired",
    "OrderUnknown",
    "PriceUnknown",
    "PrivacyUnavailable",
    "Quote",
    "Rejected",
    "ReplicaStatus",
    "ReplicasDisagree",
    "ReplicasFailed",
    "SdkError",
    "Settings",
    "SettingsInvalid",
    "Stage",
    "StunClient",
    "StunError",
    "Task",
    "TaskInvalid",
    "TaskResult",
    "TasksRefused",
    "Text",
    "WrongNetwork",
]
