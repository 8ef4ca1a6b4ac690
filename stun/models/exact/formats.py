"""What manifests call the tensors of class `exact`, so that clients can write inputs and read outputs.

`tensor-int32-ids-256`: a text's token ids, int32 [n, 1], n at most 256; `tensor-int16-vector-384`: int16 [1, 384] in
units of 2^-15. Models of other shapes say `tensor`.
"""

from typing import Final

TOKENIZER_ROLE: Final = "tokenizer"
TENSOR: Final = "tensor"
_IDS: Final = "tensor-int32-ids-"
_VECTOR: Final = "tensor-int16-vector-"


def ids_format(most: int) -> str:
    """Return the input format of a model that reads at most so many token ids."""
    return f"{_IDS}{most}"


def vector_format(width: int) -> str:
    """Return the output format of a model that makes one vector."""
    return f"{_VECTOR}{width}"


def most_ids(form: str) -> int | None:
    """Return how many token ids an input may have; None of a format that has none."""
    digits = form.removeprefix(_IDS)
    return int(digits) if form.startswith(_IDS) and digits.isdecimal() and len(digits) < 8 else None


def is_vector(form: str) -> bool:
    """Return whether an output is one vector in units of 2^-15."""
    return form.startswith(_VECTOR)


def is_tensor(form: str) -> bool:
    """Return whether a format is one of class `exact`."""
    return form == TENSOR or form.startswith(f"{TENSOR}-")
