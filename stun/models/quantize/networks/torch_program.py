"""A torch.export program (.pt2) as the nodes of an ONNX model, where the torch extra is installed.

Only programs that `inspect_model_file` lets through are loaded: ATen operators, fixed sizes, raw weights. What an
operator is called in ONNX is below; onnx_layers then takes it as if it came from there. Source: torch's ATen schemas.
"""

from collections.abc import Callable, Mapping
from operator import getitem
from pathlib import Path
from typing import Any, Final

import numpy as np

from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.networks.onnx_file import MAX_NODES, Node, OnnxModel, Setting
from stun.models.quantize.networks.onnx_tensors import Array

Arguments = Mapping[str, Any]
Translated = tuple[str, list[Any], dict[str, Setting]]  # ONNX's operator, what it reads, its settings
Translate = Callable[[Arguments], Translated]


def load_program(path: Path) -> Any:
    """The program of a file that was inspected. UnfitArchitecture: no torch, or a file that torch refuses."""
    try:
        import torch
    except ImportError as error:
        raise UnfitArchitecture(
            f"{path.name} is a torch.export program, and torch is not installed (requirements/torch.txt); "
            "or export the model as ONNX"
        ) from error
    try:
        return torch.export.load(str(path)).run_decompositions({})  # nothing is changed in place any more
    except (RuntimeError, ValueError, KeyError, AttributeError, TypeError, AssertionError) as error:
        raise UnfitArchitecture(f"torch refuses {path.name}: {str(error)[:300]}") from error


def read_program(program: Any) -> OnnxModel:
    """Its nodes, constants, input and output. UnfitArchitecture names what is not known."""
    stored = {**program.state_dict, **program.constants}
    signature = program.graph_signature
    named = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    named |= dict(getattr(signature, "inputs_to_lifted_tensor_constants", {}))
    constants = {name: _array(stored[target]) for name, target in named.items()}
    inputs, outputs = signature.user_inputs, signature.user_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        raise UnfitArchitecture(f"{len(inputs)} inputs and {len(outputs)} outputs; one of each is wanted")
    nodes: list[Node] = []
    sizes: tuple[int, ...] = ()
    for node in program.graph.nodes:
        if node.op == "placeholder" and node.name == inputs[0]:
            sizes = tuple(int(size) for size in node.meta["val"].shape)
        elif node.op == "call_function":
            nodes.append(_translate(node, constants))
        if len(nodes) > MAX_NODES:
            raise UnfitArchitecture(f"more than {MAX_NODES} nodes")
    return OnnxModel(tuple(nodes), constants, str(inputs[0]), sizes, str(outputs[0]))


def run_program(program: Any, sizes: tuple[int, ...]) -> Callable[[Array], Array]:
    """The program on one sample [1, ...], repeated to the number of samples that it was exported for."""
    import torch

    module = program.module()

    def run(sample: Array) -> Array:
        repeated = np.repeat(sample.astype(np.float32), sizes[0], axis=0)
        with torch.inference_mode():
            result: Array = module(torch.from_numpy(repeated)).numpy()[:1]
        return result

    return run


def _array(tensor: Any) -> Array:
    values: Array = tensor.detach().cpu().double().numpy() if tensor.is_floating_point() else tensor.cpu().numpy()
    return values


def _translate(node: Any, constants: dict[str, Array]) -> Node:
    if node.target is getitem and node.args[1] == 0:
        return Node("Identity", str(node.name), (str(node.args[0].name),), (str(node.name),), {})
    target = str(node.target)
    translate = _TRANSLATIONS.get(target.removeprefix("aten.").removesuffix(".default"))
    if translate is None or not hasattr(node.target, "_schema"):
        known = ", ".join(sorted(_TRANSLATIONS))
        raise UnfitArchitecture(f"{target[:80]} (node {str(node.name)[:80]!r}) is not supported. Supported are {known}")
    schema = node.target._schema.arguments
    given = {each.name: each.default_value for each in schema if each.has_default_value()}
    given |= dict(zip((each.name for each in schema), node.args, strict=False)) | dict(node.kwargs)
    try:
        operator, reads, settings = translate(given)
        inputs = tuple(_name(each, node, place, constants) for place, each in enumerate(reads))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnfitArchitecture(f"{target} (node {str(node.name)[:80]!r}) has unfit arguments: {error!r}") from error
    while inputs and not inputs[-1]:
        inputs = inputs[:-1]
    return Node(operator, str(node.name), inputs, (str(node.name),), settings)


def _name(value: Any, node: Any, place: int, constants: dict[str, Array]) -> str:
    """What an input is called; numbers become constants."""
    if value is None:
        return ""
    if isinstance(value, int | float | list | tuple):
        name = f"{node.name}.{place}"
        constants[name] = np.array(value)
        return name
    return str(value.name)


def _pair(value: Any) -> list[int]:
    both = list(value) if isinstance(value, list | tuple) else [value]
    return both * 2 if len(both) == 1 else both


def _kernel(given: Arguments) -> dict[str, Setting]:
    """Strides, pads, dilations and ceil_mode as ONNX has them; a pool's stride is its kernel by default."""
    stride = given.get("stride") or given.get("kernel_size")
    settings: dict[str, Setting] = {"strides": _pair(stride), "pads": _pair(given["padding"]) * 2}
    if "dilation" in given:
        settings["dilations"] = _pair(given["dilation"])
    if "kernel_size" in given:
        settings |= {"kernel_shape": _pair(given["kernel_size"]), "ceil_mode": int(given["ceil_mode"])}
    return settings


def _conv(given: Arguments) -> Translated:
    settings = _kernel(given) | {"group": int(given["groups"])}
    return "Conv", [given["input"], given["weight"], given["bias"]], settings


def _batch_norm(given: Arguments) -> Translated:
    names = ("input", "weight", "bias", "running_mean", "running_var")
    settings: dict[str, Setting] = {"epsilon": float(given["eps"])}
    return "BatchNormalization", [given[name] for name in names], settings


def _average(given: Arguments) -> Translated:
    if given["divisor_override"] is not None:
        raise UnfitArchitecture("avg_pool2d with a divisor of its own")
    settings = _kernel(given) | {"count_include_pad": int(given["count_include_pad"])}
    return "AveragePool", [given["self"]], settings


def _adaptive(given: Arguments) -> Translated:
    if list(given["output_size"]) != [1, 1]:
        raise UnfitArchitecture(f"adaptive_avg_pool2d to {given['output_size']}; to one pixel is known")
    return "GlobalAveragePool", [given["self"]], {}


def _mean(given: Arguments) -> Translated:
    return "ReduceMean", [given["self"]], {"axes": list(given["dim"] or []), "keepdims": int(given["keepdim"])}


def _flatten(given: Arguments) -> Translated:
    if given["end_dim"] != -1:
        raise UnfitArchitecture(f"flatten to axis {given['end_dim']}; to the last is known")
    return "Flatten", [given["self"]], {"axis": int(given["start_dim"])}


def _arithmetic(operator: str) -> Translate:
    def translate(given: Arguments) -> Translated:
        if given.get("alpha", 1) != 1:
            raise UnfitArchitecture(f"{operator} with a factor")
        return operator, [given["self"], given["other"]], {}

    return translate


def _clip(low: str, high: str) -> Translate:
    return lambda given: ("Clip", [given["self"], given[low], given[high]], {})


def _plain(operator: str, **settings: str) -> Translate:
    """The same operator with some settings under ONNX's names."""
    return lambda given: (operator, [given["self"]], {name: given[own] for name, own in settings.items()})


_TRANSLATIONS: Final[dict[str, Translate]] = {
    "linear": lambda given: ("Gemm", [given["input"], given["weight"], given["bias"]], {"transB": 1}),
    "conv2d": _conv,
    "_native_batch_norm_legit_no_training": _batch_norm,
    **dict.fromkeys(
        ("max_pool2d", "max_pool2d_with_indices"), lambda given: ("MaxPool", [given["self"]], _kernel(given))
    ),
    "avg_pool2d": _average,
    "adaptive_avg_pool2d": _adaptive,
    "mean.dim": _mean,
    "flatten.using_ints": _flatten,
    "view": lambda given: ("Reshape", [given["self"], given["size"]], {}),
    "reshape": lambda given: ("Reshape", [given["self"], given["shape"]], {}),
    **dict.fromkeys(("softmax.int", "_softmax"), _plain("Softmax", axis="dim")),
    "relu": _plain("Relu"),
    "hardtanh": _clip("min_val", "max_val"),
    "clamp": _clip("min", "max"),
    "leaky_relu": _plain("LeakyRelu", alpha="negative_slope"),
    "sigmoid": _plain("Sigmoid"),
    "tanh": _plain("Tanh"),
    "gelu": _plain("Gelu", approximate="approximate"),
    "hardswish": _plain("HardSwish"),
    "add.Tensor": _arithmetic("Add"),
    "sub.Tensor": _arithmetic("Sub"),
    "mul.Tensor": _arithmetic("Mul"),
    "div.Tensor": _arithmetic("Div"),
}  # fmt: skip
