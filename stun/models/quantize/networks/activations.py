"""Elementwise functions after a layer: ReLU is a clamp of the integers, every other one a table of 4,096 entries."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from stun.models.quantize.activations import Doubles, error_function

Function = Callable[[Doubles], Doubles]
Maker = Callable[[Mapping[str, float]], "Activation"]


@dataclass(frozen=True, slots=True)
class Activation:
    """A function of one number, by ONNX's name.

    A rising one may be moved before a maximum; one that is never negative makes zero a harmless border of a maximum.
    """

    name: str
    function: Function
    is_rising: bool = True
    is_positive: bool = False

    @property
    def is_clamp(self) -> bool:
        """Whether clamping integers at zero is all of it."""
        return self.name == "Relu"


def _relu(settings: Mapping[str, float]) -> Activation:
    return Activation("Relu", lambda x: np.maximum(x, 0.0), is_positive=True)


def _leaky(settings: Mapping[str, float]) -> Activation:
    alpha = settings.get("alpha", 0.01)
    return Activation("LeakyRelu", lambda x: np.where(x < 0, alpha * x, x), is_rising=alpha >= 0)


def _elu(settings: Mapping[str, float]) -> Activation:
    alpha = settings.get("alpha", 1.0)
    return Activation("Elu", lambda x: np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x), is_rising=alpha >= 0)


def _clip(settings: Mapping[str, float]) -> Activation:
    low, high = settings.get("min", -np.inf), settings.get("max", np.inf)
    return Activation("Clip", lambda x: np.minimum(np.maximum(x, low), high), is_positive=low >= 0)


def _sigmoid(settings: Mapping[str, float]) -> Activation:
    return Activation("Sigmoid", lambda x: 0.5 * (1 + np.tanh(x / 2)), is_positive=True)


def _tanh(settings: Mapping[str, float]) -> Activation:
    return Activation("Tanh", np.tanh)


def _gelu(settings: Mapping[str, float]) -> Activation:
    return Activation("Gelu", lambda x: x * 0.5 * (1 + error_function(x / np.sqrt(2))), is_rising=False)


def _hard_swish(settings: Mapping[str, float]) -> Activation:
    return Activation("HardSwish", lambda x: x * np.clip(x / 6 + 0.5, 0.0, 1.0), is_rising=False)


ACTIVATIONS: Final[dict[str, Maker]] = {
    "Relu": _relu,
    "LeakyRelu": _leaky,
    "Elu": _elu,
    "Clip": _clip,
    "Sigmoid": _sigmoid,
    "Tanh": _tanh,
    "Gelu": _gelu,
    "HardSwish": _hard_swish,
}
