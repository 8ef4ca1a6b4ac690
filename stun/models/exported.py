"""Judge a torch.export program from its JSON, because loading one evaluates parts of it.

`torch.export.load` resolves operator names by attribute access from the torch module, evaluates symbolic shapes and
shape guards as Python, and unpickles what says so. So only what cannot reach further is served: ATen operators,
static shapes, plain containers, raw weights. Source: torch/_export/serde/serialize.py, torch/export/_unlift.py.
"""

import re
from collections.abc import Iterator
from typing import Any

from stun.models.bounded_json import JsonRefused, read_bounded_json
from stun.models.errors import MalformedModelFile, UnsafeModelFile

_OPERATOR = re.compile(
    r"torch\.ops\.(aten|prims)\.[A-Za-z_]\w*(\.[A-Za-z_]\w*)?|_operator\.(add|sub|mul|floordiv|mod|neg|eq|ne|lt|le|gt|ge|getitem)"
)
_CONTAINERS = {None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict"}
_SYMBOLIC = ("expr_str", "as_sym_int", "as_sym_float", "as_sym_bool", "as_sym_ints", "as_sym_floats", "as_sym_bools")


def check_program(data: bytes, name: str) -> None:
    """Check one JSON member of the archive. Raises UnsafeModelFile or MalformedModelFile."""
    try:
        document = read_bounded_json(data)
    except JsonRefused as error:
        raise MalformedModelFile("torch.export", f"{name}: {error}") from error
    if not isinstance(document, dict):
        raise MalformedModelFile("torch.export", f"{name} is not an object")
    for key, value in _entries(document):
        _check_entry(key, value)


def _check_entry(key: str, value: Any) -> None:
    if key in ("target", "as_operator") and not (isinstance(value, str) and _OPERATOR.fullmatch(value)):
        raise UnsafeModelFile(f"a torch.export program that calls {str(value)[:80]!r}, no ATen operator")
    if key == "use_pickle" and value is not False:
        raise UnsafeModelFile("a torch.export archive whose tensors are pickled")
    if key in ("guards_code", "range_constraints") and value:
        raise UnsafeModelFile("a torch.export program with dynamic shapes, which torch evaluates as Python")
    if key in _SYMBOLIC and value is not None:
        raise UnsafeModelFile("a torch.export program with symbolic sizes, which torch evaluates as Python")
    if key.startswith("as_custom_obj"):
        raise UnsafeModelFile("a torch.export program with custom objects")
    if key in ("in_spec", "out_spec", "treespec", "treespec_spec") and isinstance(value, str):
        _check_containers(value)


def _check_containers(text: str) -> None:
    try:
        spec = read_bounded_json(text.encode()) if text else None
    except (JsonRefused, UnicodeEncodeError) as error:
        raise MalformedModelFile("torch.export", f"an input or output structure: {error}") from error
    for key, value in _entries(spec):
        if key == "type" and (isinstance(value, list | dict) or value not in _CONTAINERS):
            raise UnsafeModelFile(f"a torch.export program with inputs or outputs of type {str(value)[:80]}")


def _entries(document: Any) -> Iterator[tuple[str, Any]]:
    """Every (key, value) of every object inside, however deep; without recursion."""
    waiting = [document]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield from item.items()
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
