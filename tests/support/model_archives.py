"""Archives as PyTorch writes them, and hostile ones, made without PyTorch."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

PROTOCOL_2 = b"\x80\x02"
EMPTY_TUPLE = PROTOCOL_2 + b")."
RUNS_A_COMMAND = PROTOCOL_2 + b"cposix\nsystem\nX\x04\x00\x00\x00true\x85R."
SCRIPT_OBJECT = PROTOCOL_2 + b"c__torch__\nNet\n)\x81}X\x08\x00\x00\x00training\x89sb."
TENSORS = PROTOCOL_2 + b"ctorch._utils\n_rebuild_tensor_v2\nctorch\nFloatStorage\n\x86."


def write_zip(path: Path, members: Mapping[str, bytes], compressed: frozenset[str] = frozenset()) -> Path:
    """A zip of members, stored unless named in `compressed`."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            kind = zipfile.ZIP_DEFLATED if name in compressed else zipfile.ZIP_STORED
            archive.writestr(name, data, compress_type=kind)
    return path


def torchscript_members() -> dict[str, bytes]:
    """The members of a small TorchScript archive."""
    return {
        "net/data.pkl": SCRIPT_OBJECT,
        "net/code/__torch__.py": b"class Net(Module):\n  def forward(self, x):\n    return x\n" * 40,
        "net/constants.pkl": EMPTY_TUPLE,
        "net/data/0": bytes(64),
        "net/version": b"3\n",
    }


def export_program() -> dict[str, object]:
    """The JSON of a small exported program with static shapes."""
    node = {"target": "torch.ops.aten.relu.default", "inputs": [{"name": "self", "arg": {"as_tensor": {"name": "x"}}}]}
    spec = json.dumps([1, {"type": "builtins.tuple", "context": "null", "children_spec": []}])
    return {
        "graph_module": {"graph": {"nodes": [node]}, "module_call_graph": [{"signature": {"in_spec": spec}}]},
        "guards_code": [],
        "range_constraints": {},
    }


def export_members(program: object | None = None) -> dict[str, bytes]:
    """The members of a small torch.export archive."""
    weights = {"config": {"w": {"path_name": "weight_0", "use_pickle": False}}}
    return {
        "net/archive_format": b"pt2",
        "net/models/model.json": json.dumps(export_program() if program is None else program).encode(),
        "net/data/weights/model_weights_config.json": json.dumps(weights).encode(),
        "net/data/weights/weight_0": bytes(64),
    }
