"""Tell a pickle from its opcodes, and list what it would import, without ever running it."""

import pickletools
from collections.abc import Iterator

MAX_PICKLE_BYTES = 32 * 2**20

# What plain tensors are rebuilt from. A name that ends in a dot admits everything below it.
TENSOR_NAMES = (
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_qtensor",
    "collections.OrderedDict",
    *(
        f"torch.{kind}Storage"
        for kind in ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
    ),
    *(f"torch.{kind}Storage" for kind in ("ComplexFloat", "ComplexDouble", "QInt8", "QUInt8", "QInt32", "Untyped")),
)
# TorchScript's own reader resolves these by name in C++ and calls nothing else.
TORCHSCRIPT_NAMES = ("__torch__.", "torch.jit._pickle.", "torch.device", *TENSOR_NAMES)

_IMPORTS_BY_STACK = {"STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4"}


class NotAPickle(ValueError):
    """The bytes are not one well-formed pickle."""


def opcodes(data: bytes) -> Iterator[tuple[str, object]]:
    """The opcodes of one pickle, by name with their argument; NotAPickle where they make none. Nothing is run."""
    if len(data) > MAX_PICKLE_BYTES:
        raise NotAPickle(f"larger than {MAX_PICKLE_BYTES} bytes")
    try:
        for opcode, argument, _ in pickletools.genops(data):
            yield opcode.name, argument
    except (ValueError, UnicodeDecodeError, IndexError, OverflowError) as error:
        raise NotAPickle(str(error)) from error


def looks_like_pickle(head: bytes, data_size: int) -> bool:
    """Whether a file that starts with `head` is a pickle: protocol 2 and later by marker, 0 and 1 by its opcodes."""
    if len(head) >= 2 and head[0] == 0x80 and head[1] <= 5:
        return True
    whole = len(head) == data_size
    count = 0
    try:
        for _ in opcodes(head):
            count += 1
    except NotAPickle:
        return not whole and count >= 16
    return count >= 2


def forbidden_import(data: bytes, allowed: tuple[str, ...]) -> str | None:
    """The first name that the pickle would import and `allowed` does not hold, or None. NotAPickle if malformed."""
    for name, argument in opcodes(data):
        if name in _IMPORTS_BY_STACK:
            return f"opcode {name}"
        if name == "GLOBAL":
            imported = str(argument).replace(" ", ".")
            if not _is_allowed(imported, allowed):
                return imported
    return None


def _is_allowed(imported: str, allowed: tuple[str, ...]) -> bool:
    return any(imported == name or (name.endswith(".") and imported.startswith(name)) for name in allowed)
