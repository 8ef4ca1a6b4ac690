"""A model file as a network, and the check that it was read rightly: its own library must compute the same."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime

from stun.models.formats import ModelFormat, inspect_model_file
from stun.models.quantize.activations import Doubles
from stun.models.quantize.errors import ReadingDiffers, UnfitArchitecture, UnfitSamples
from stun.models.quantize.networks.layers import Network
from stun.models.quantize.networks.onnx_file import HOW, MAX_BYTES, read_onnx
from stun.models.quantize.networks.onnx_layers import make_network
from stun.models.quantize.networks.onnx_tensors import Array
from stun.models.quantize.networks.samples import run_packs
from stun.models.quantize.networks.torch_program import load_program, read_program, run_program

CHECKED_SAMPLES: Final = 16
TOLERANCE: Final = 1e-3  # float32 against float64, of the largest value
_FLOATS: Final = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(float16)": np.float16}
_STATE: Final = onnxruntime.capi.onnxruntime_pybind11_state
_ERRORS: Final = tuple(each for each in vars(_STATE).values() if isinstance(each, type) and issubclass(each, Exception))

Original = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Reading:
    """A network as it was read, and the file's model as its own library runs it on one sample [1, *shape]."""

    network: Network
    original: Original

    def check(self, samples: Array) -> float:
        """The largest difference on a few samples, as a share of the largest value.

        Errors: ReadingDiffers (more than rounding), UnfitSamples (its own library's result is not finite).
        """
        chosen = samples[:CHECKED_SAMPLES]
        found = np.concatenate([_as_onnx(self.network, out) for _, out in run_packs(self.network, chosen)])
        shape = (1, *self.network.shape)
        wanted = np.concatenate([self.original(each.reshape(shape)).reshape(1, -1) for each in np.asarray(chosen)])
        if not np.isfinite(wanted).all():
            raise UnfitSamples("a result of the model's own library is not finite")
        if found.shape != wanted.shape:
            raise ReadingDiffers(f"{found.shape[1]} values where the model's own library makes {wanted.shape[1]}")
        difference = float(np.abs(found - wanted).max() / max(float(np.abs(wanted).max()), 1e-30))
        if not difference <= TOLERANCE:
            raise ReadingDiffers(f"results are {difference:.2g} of the largest value away from its own library's")
        return difference


def read_model(path: Path) -> Reading:
    """Read an ONNX file or, with the torch extra, a torch.export program. ModelFileError, UnfitArchitecture."""
    if path.stat().st_size > MAX_BYTES:
        raise UnfitArchitecture(f"{path.name} is larger than {MAX_BYTES} bytes")
    found = inspect_model_file(path).format
    if found is ModelFormat.ONNX:
        return Reading(make_network(read_onnx(path)), _onnx(path))
    if found is not ModelFormat.TORCH_EXPORT:
        raise UnfitArchitecture(f"{path.name} is {found}; networks are read from ONNX and torch.export. {HOW}")
    program = load_program(path)
    model = read_program(program)
    return Reading(make_network(model), run_program(program, model.sizes))


def _onnx(path: Path) -> Original:
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except _ERRORS as error:
        raise UnfitArchitecture(f"onnxruntime refuses {path.name}: {str(error)[:300]}") from error
    given = session.get_inputs()[0]
    if given.type not in _FLOATS:
        raise UnfitArchitecture(f"it reads {given.type}; numbers of float16, float32 or float64 are known")

    def run(sample: Array) -> Array:
        try:
            result: Array = session.run(None, {given.name: sample.astype(_FLOATS[given.type])})[0]
        except _ERRORS as error:
            raise UnfitArchitecture(f"onnxruntime refuses one sample of {path.name}: {str(error)[:300]}") from error
        return result

    return run


def _as_onnx(network: Network, out: Doubles) -> Doubles:
    """Laid results as ONNX has them, flat: channels first."""
    return (out.swapaxes(1, 2) if network.by_channel else out).reshape(len(out), -1)
