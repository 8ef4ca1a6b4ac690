"""Nodes that compute constants from constants: weights that are turned, and the sizes with which exporters flatten.

Sizes count one sample. Source: the operators of ONNX.
"""

from collections.abc import Callable
from typing import Final

import numpy as np

from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.networks.onnx_file import Node
from stun.models.quantize.networks.onnx_tensors import MAX_AXES, MAX_SETTINGS, Array
from stun.models.quantize.networks.walk import Walk

Fold = Callable[[Walk, Node], Array]
_INT64: Final = 7
_FLOAT: Final = 1


def fold(walk: Walk, node: Node) -> bool:
    """Keep what a node of constants makes; False if it is none. UnfitArchitecture."""
    flows = [name for name in node.inputs if name and not walk.is_constant(name)]
    if node.operator == "Shape" and len(flows) == 1 and walk.shape_of(flows[0]) is not None:
        walk.keep(node.outputs[0], _shape(walk, node))
    elif flows or node.operator not in _FOLDS:
        return False
    else:
        try:
            walk.keep(node.outputs[0], _FOLDS[node.operator](walk, node))
        except (ValueError, IndexError, TypeError) as error:
            raise UnfitArchitecture(f"{node}: {str(error)[:200]}") from error
    return True


def _shape(walk: Walk, node: Node) -> Array:
    found = walk.shape_of(node.inputs[0]) or ()
    if "start" in node.settings or "end" in node.settings:
        raise UnfitArchitecture(f"{node}: a part of a shape")
    return np.array([1, *found])


def _constant(walk: Walk, node: Node) -> Array:
    names = ("value", "value_float", "value_int", "value_ints")
    found = [node.settings[name] for name in names if name in node.settings]
    if len(found) != 1 or isinstance(found[0], str):
        raise UnfitArchitecture(f"{node} holds no numbers")
    return np.asarray(found[0])


def _transpose(walk: Walk, node: Node) -> Array:
    values, axes = walk.constant(node, 0), node.settings.get("perm")
    return values.transpose(axes if isinstance(axes, list) else None)


def _gather(walk: Walk, node: Node) -> Array:
    places = _small(walk, node, 1)
    return np.take(_small(walk, node, 0), places, axis=_axis(node))


def _unsqueeze(walk: Walk, node: Node) -> Array:
    axes = node.settings.get("axes")
    chosen = axes if isinstance(axes, list) else _small(walk, node, 1).ravel().tolist()
    values = _small(walk, node, 0)
    if values.ndim + len(chosen) > MAX_AXES:
        raise UnfitArchitecture(f"{node}: more than {MAX_AXES} axes")
    return np.expand_dims(values, tuple(chosen))


def _concat(walk: Walk, node: Node) -> Array:
    parts = [_small(walk, node, place) for place in range(len(node.inputs))]
    if sum(part.size for part in parts) > MAX_SETTINGS:
        raise UnfitArchitecture(f"{node}: more than {MAX_SETTINGS} numbers")
    return np.concatenate(parts, axis=_axis(node))


def _cast(walk: Walk, node: Node) -> Array:
    kinds = {_INT64: np.int64, _FLOAT: np.float32}
    kind = node.settings.get("to")
    if not isinstance(kind, int) or kind not in kinds:
        raise UnfitArchitecture(f"{node}: to type {kind}")
    return _small(walk, node, 0).astype(kinds[kind])


def _small(walk: Walk, node: Node, place: int) -> Array:
    values = walk.constant(node, place)
    if values.size > MAX_SETTINGS:
        raise UnfitArchitecture(f"{node}: more than {MAX_SETTINGS} numbers; fold constants before exporting")
    return values


def _axis(node: Node) -> int:
    axis = node.settings.get("axis", 0)
    if not isinstance(axis, int):
        raise UnfitArchitecture(f"{node}: axis {axis}")
    return axis


_FOLDS: Final[dict[str, Fold]] = {
    "Constant": _constant,
    "Identity": lambda walk, node: walk.constant(node, 0),
    "Transpose": _transpose,
    "Gather": _gather,
    "Unsqueeze": _unsqueeze,
    "Concat": _concat,
    "Cast": _cast,
}
