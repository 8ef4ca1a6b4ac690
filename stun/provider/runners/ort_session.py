"""One way to open an ONNX model: one thread, deterministic kernels, no external data, CPU.

The same machine and the same build of onnxruntime give the same bytes. Another instruction set may not: class
`opaque` at most.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from stun.models.errors import ModelFileError
from stun.models.formats import ModelFormat, inspect_model_file
from stun.provider.runners.base import InputRefused, UnfitModel

# What onnxruntime raises when a model refuses its input (wrong shape inside the graph, index out of range).
_STATE = ort.capi.onnxruntime_pybind11_state
_REFUSALS = (_STATE.InvalidArgument, _STATE.Fail, _STATE.RuntimeException, _STATE.NotImplemented)
_ERRORS = tuple(each for each in vars(_STATE).values() if isinstance(each, type) and issubclass(each, Exception))
_OUT_OF_MEMORY = ("bad_alloc", "failed to allocate", "allocation failed")


def open_session(path: Path) -> ort.InferenceSession:
    """Open a model file after its content was inspected. Raises UnfitModel."""
    try:
        if inspect_model_file(path).format is not ModelFormat.ONNX:
            raise UnfitModel("the weights are not an ONNX model")
        return ort.InferenceSession(str(path), _options(), providers=["CPUExecutionProvider"])
    except ModelFileError as error:
        raise UnfitModel(str(error)) from error
    except _ERRORS as error:
        raise UnfitModel(f"onnxruntime refuses the model: {str(error)[:500]}") from error


def compute_session(session: ort.InferenceSession, feeds: Mapping[str, NDArray[np.generic]]) -> Sequence[object]:
    """Outputs in the graph's order. InputRefused if the model refuses the input, MemoryError if memory ran out."""
    try:
        outputs: Sequence[object] = session.run(None, dict(feeds))
    except _REFUSALS as error:
        message = str(error)
        if any(sign in message.lower() for sign in _OUT_OF_MEMORY):
            raise MemoryError(message[:500]) from error
        raise InputRefused(message[:500]) from error
    return outputs


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    return options
