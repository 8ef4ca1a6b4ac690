"""The document of a provider's profile: hardware, models with prices, region.

`hardware` is any object; `models` is a list of {model_id, prices}, `prices` maps an asset (0x-hex, 32 bytes) to the
price per 10^6 units in its smallest unit (decimal text); `region` is printable text of at most 64 characters.
"""

import re
from typing import Any

from stun.pool.codecs import BYTES32, U64, Codec, require_keys, sequence, text
from stun.pool.errors import WireInvalid
from stun.protocol.errors import Rejected
from stun.protocol.trees.specs import canonical_json

MAX_DOCUMENT_BYTES = 32 * 1024
MAX_MODELS = 256
MAX_ASSETS = 16
_REGION = text(re.compile(r"[ -~]{0,64}"), "printable ASCII text of at most 64 characters")


def _read_model(value: Any, where: str) -> dict[str, Any]:
    require_keys(value, {"model_id", "prices"}, where)
    BYTES32.read(value["model_id"], f"{where}.model_id")
    prices = value["prices"]
    if not isinstance(prices, dict) or len(prices) > MAX_ASSETS:
        raise WireInvalid(f"{where}.prices", f"needs an object of at most {MAX_ASSETS} assets")
    for asset, price in prices.items():
        BYTES32.read(asset, f"{where}.prices")
        U64.read(price, f"{where}.prices")
    return dict(value)


_MODELS = sequence(Codec(dict, _read_model), MAX_MODELS)


def _read_document(value: Any, where: str) -> dict[str, Any]:
    require_keys(value, {"hardware", "models", "region"}, where)
    if not isinstance(value["hardware"], dict):
        raise WireInvalid(f"{where}.hardware", "needs an object")
    models = _MODELS.read(value["models"], f"{where}.models")
    named = [model["model_id"] for model in models]
    if len(set(named)) != len(named):
        raise WireInvalid(f"{where}.models", "names a model twice")
    _REGION.read(value["region"], f"{where}.region")
    try:
        size = len(canonical_json(value))
    except Rejected as error:
        raise WireInvalid(where, "has no canonical JSON (numbers beyond 2^53, NaN, or nested too deep)") from error
    if size > MAX_DOCUMENT_BYTES:
        raise WireInvalid(where, f"is larger than {MAX_DOCUMENT_BYTES} bytes")
    return dict(value)


DOCUMENT = Codec(dict, _read_document)


def profile_document(
    hardware: dict[str, Any], prices: dict[bytes, dict[bytes, int]], region: str = ""
) -> dict[str, Any]:
    """Make a profile's document; `prices` maps model id to {asset: price per 10^6 units}. Errors: WireInvalid."""
    models = [
        {"model_id": BYTES32.write(model), "prices": {BYTES32.write(a): str(p) for a, p in sorted(by_asset.items())}}
        for model, by_asset in sorted(prices.items())
    ]
    return _read_document({"hardware": hardware, "models": models, "region": region}, "document")


def listed_prices(document: dict[str, Any]) -> dict[bytes, dict[bytes, int]]:
    """The prices of a checked document: model id to {asset: price per 10^6 units}."""
    return {
        BYTES32.read(model["model_id"], "model_id"): {
            BYTES32.read(asset, "asset"): U64.read(price, "price") for asset, price in model["prices"].items()
        }
        for model in document["models"]
    }
