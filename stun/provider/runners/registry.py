"""The runners that ship with a provider. A model names one of them by id and version; there is no other way in."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from stun.provider.runners.base import Runner, UnknownRunner
from stun.provider.runners.exact_graph import ExactGraphRunner
from stun.provider.runners.onnx_model import OnnxRunner
from stun.provider.runners.text_embedding import TextEmbeddingRunner
from stun.provider.runners.torch_model import TorchExportRunner, TorchScriptRunner

RunnerTable = Mapping[tuple[str, str], Callable[[], Runner]]

RUNNERS: RunnerTable = MappingProxyType(
    {
        (runner.id, runner.version): runner
        for runner in (TextEmbeddingRunner, OnnxRunner, TorchScriptRunner, TorchExportRunner, ExactGraphRunner)
    }
)


def create_runner(runner: str, version: str, table: RunnerTable = RUNNERS) -> Runner:
    """A fresh runner of that id and version; UnknownRunner if none ships."""
    if (runner, version) not in table:
        raise UnknownRunner(runner, version)
    return table[runner, version]()
