"""From a task's bytes to the digests that its order and its result name: a tensor's root in class `exact`, else a root
over chunks of the bytes. Source: PROTOCOL.md section 5 ("output digest") and section 9.
"""

from typing import Final

from stun.protocol.graph.tensors import TensorTree, decode_tensor
from stun.protocol.parameters import NumericClass
from stun.protocol.trees import specs

REFUSED: Final = (b"", 0)  # the canonical error result: no bytes, no units


def digest_input(data: bytes, numeric_class: NumericClass) -> bytes:
    """Return a task's input root. Errors: "tensors: length", "tensors: shape" for what is no tensor in `exact`."""
    if numeric_class == NumericClass.EXACT:
        return TensorTree(decode_tensor(data)).root
    return specs.input_root(data)


def digest_output(delivered: bytes, units: int, numeric_class: NumericClass) -> bytes:
    """Return a task's output digest; that of the error result is one for all classes. Errors as `digest_input`."""
    if numeric_class == NumericClass.EXACT and (delivered, units) != REFUSED:
        return TensorTree(decode_tensor(delivered)).root
    return specs.output_digest(delivered)
