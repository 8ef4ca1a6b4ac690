"""An ONNX file as nodes and constants, read from its bytes within bounds; which nodes are served is decided later.

Source: onnx.proto (ModelProto, GraphProto, NodeProto, AttributeProto, ValueInfoProto).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from stun.models.errors import MalformedModelFile
from stun.models.formats import ModelFormat, inspect_model_file
from stun.models.onnx_wire import inspect_onnx
from stun.models.protobuf import Value, fields, integers, messages, real, text
from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.networks.onnx_tensors import MAX_AXES, MAX_SETTINGS, Array, read_tensor

MAX_BYTES = 256 * 2**20
MAX_NODES = 4_096
FIRST_OPSET, LAST_OPSET = 7, 28
HOW = "Export it with torch.onnx.export(model.eval(), example, path, dynamo=False), or from any tool that writes ONNX."

_FUNCTIONS, _OPSETS, _GRAPH = 25, 8, 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _SPARSE = 1, 5, 11, 12, 15
_OUTPUTS, _NAME, _OPERATOR, _ATTRIBUTE, _DOMAIN = 2, 3, 4, 5, 7
_FLOAT, _INT, _STRING, _TENSOR, _INTS, _KIND = 2, 3, 4, 5, 8, 20
_ZEROS: dict[int, int | float] = {1: 0.0, 2: 0}  # by kind: what a writer may leave out
_STANDARD = ("", "ai.onnx")

Setting = int | float | str | list[int] | Array


@dataclass(frozen=True, slots=True)
class Node:
    """One operator: what it reads and makes, by name, and its settings (ONNX's attributes)."""

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    settings: Mapping[str, Setting]

    def __str__(self) -> str:
        return f"{self.operator} (node {(self.name or self.outputs[0])[:80]!r})"


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """Nodes in the file's order, constants by name, the one input with its sizes (0: any), the one output."""

    nodes: tuple[Node, ...]
    constants: Mapping[str, Array]
    input: str
    sizes: tuple[int, ...]
    output: str


def read_onnx(path: Path) -> OnnxModel:
    """Read the file at `path`. ModelFileError (no ONNX, damaged, data elsewhere), UnfitArchitecture (too large ...)."""
    if path.stat().st_size > MAX_BYTES:
        raise UnfitArchitecture(f"{path.name} is larger than {MAX_BYTES} bytes")
    found = inspect_model_file(path).format
    if found is not ModelFormat.ONNX:
        raise UnfitArchitecture(f"{path.name} is {found}; networks are read from ONNX. {HOW}")
    data = memoryview(path.read_bytes())
    inspect_onnx(data)
    graph = memoryview(b"")
    for number, value in messages(data):
        if number == _FUNCTIONS:
            raise UnfitArchitecture("it defines functions of its own; export it without (dynamo=False)")
        if number == _OPSETS:
            _check_opset(value)
        elif number == _GRAPH:
            graph = value
    return _read_graph(graph)


def _check_opset(data: memoryview) -> None:
    found: dict[int, Value] = {number: value for number, _, value in fields(data)}
    domain = text(found[1]) if 1 in found else ""
    version = integers(found.get(2, 0), 1)
    if domain in _STANDARD and not FIRST_OPSET <= (version or [0])[0] <= LAST_OPSET:
        raise UnfitArchitecture(f"operator set {version}; {FIRST_OPSET} to {LAST_OPSET} are known")


def _read_graph(graph: memoryview) -> OnnxModel:
    nodes: list[Node] = []
    constants: dict[str, Array] = {}
    inputs: dict[str, tuple[int, ...]] = {}
    outputs: list[str] = []
    for number, value in messages(graph):
        if number == _NODE:
            nodes.append(_read_node(value))
        elif number == _INITIALIZER:
            name, array = read_tensor(value)
            if name in constants:
                raise MalformedModelFile("ONNX", f"two constants are called {name[:80]!r}")
            constants[name] = array
        elif number == _SPARSE:
            raise UnfitArchitecture("it has sparse weights; export them dense")
        elif number == _INPUT:
            name, sizes = _read_input(value)
            inputs[name] = sizes
        elif number == _OUTPUT:
            outputs.append(_read_input(value)[0])
        _require_few(
            "nodes, constants, inputs or outputs", max(map(len, (nodes, constants, inputs, outputs))), MAX_NODES
        )
    free = {name: sizes for name, sizes in inputs.items() if name not in constants}
    if len(free) != 1 or len(outputs) != 1:
        raise UnfitArchitecture(f"{len(free)} inputs and {len(outputs)} outputs; one of each is wanted")
    name, sizes = free.popitem()
    return OnnxModel(tuple(nodes), constants, name, sizes, outputs[0])


def _read_node(data: memoryview) -> Node:
    names: dict[int, list[str]] = {1: [], _OUTPUTS: [], _NAME: [], _OPERATOR: [], _DOMAIN: []}
    settings: dict[str, Setting] = {}
    for number, value in messages(data):
        if number in names:
            names[number].append(text(value))
            _require_few("names in a node", len(names[number]), MAX_SETTINGS)
        elif number == _ATTRIBUTE:
            settings |= _read_setting(value)
            _require_few("settings of a node", len(settings), MAX_SETTINGS)
    if not names[_OPERATOR] or not names[_OUTPUTS]:
        raise MalformedModelFile("ONNX", "a node without operator or output")
    operator, domain = names[_OPERATOR][0], (names[_DOMAIN] or [""])[0]
    full = operator if domain in _STANDARD else f"{domain}.{operator}"
    return Node(full[:120], (names[_NAME] or [""])[0], tuple(names[1]), tuple(names[_OUTPUTS]), settings)


def _read_setting(data: memoryview) -> dict[str, Setting]:
    """One attribute; kinds that no served operator has (graphs, lists of texts) are left out."""
    name, ints, kind = "", [], 0
    setting: Setting | None = None
    for number, _, value in fields(data):
        if number == 1:
            name = text(value)
        elif number == _FLOAT:
            setting = real(value)
        elif number == _INT:
            setting = integers(value, 1)[0]
        elif number == _STRING:
            setting = text(value)
        elif number == _TENSOR and isinstance(value, memoryview):
            setting = read_tensor(value)[1]
        elif number == _INTS:
            ints += integers(value, MAX_SETTINGS)
            _require_few("numbers in a setting", len(ints), MAX_SETTINGS)
        elif number == _KIND:
            kind = integers(value, 1)[0]
    found = ints or (_ZEROS.get(kind) if setting is None else setting)
    return {} if found is None else {name: found}


def _read_input(data: memoryview) -> tuple[str, tuple[int, ...]]:
    """Name and sizes of a ValueInfoProto; 0 for a size that is a word or missing."""
    name, sizes = "", []
    for number, value in messages(data):
        if number == 1:
            name = text(value)
        for path, dim in _dims(value) if number == 2 else ():
            sizes.append(max(0, integers(dim, 1)[0]) if path == 1 and isinstance(dim, int) else 0)
            _require_few("axes of an input", len(sizes), MAX_AXES)
    return name, tuple(sizes)


def _dims(kind: memoryview) -> Iterator[tuple[int, Value]]:
    """The dimensions of a TypeProto: (1, size) or (2, word)."""
    for one, tensor in messages(kind):
        for two, shape in messages(tensor) if one == 1 else ():
            for three, dim in messages(shape) if two == 2 else ():
                if three == 1:
                    yield next(((number, value) for number, _, value in fields(dim)), (2, 0))


def _require_few(what: str, count: int, most: int) -> None:
    if count > most:
        raise UnfitArchitecture(f"more than {most} {what}")
