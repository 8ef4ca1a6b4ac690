"""A user's inputs that cannot calibrate or judge a network are refused by name, whatever the file holds."""

from pathlib import Path
from random import Random

import numpy as np
import pytest
from network_onnx import save_onnx
from onnx import helper

from stun.models.quantize.errors import UnfitSamples
from stun.models.quantize.networks.report import quantize_network
from stun.models.quantize.networks.samples import read_samples

pytestmark = pytest.mark.unit

UNFIT = {
    "shape": np.zeros((20, 5)),
    "few": np.zeros((9, 6)),
    "many": np.broadcast_to(np.zeros(6), (20_001, 6)),
    "words": np.array([["x"] * 6] * 20),
    "infinite": np.full((20, 6), np.inf),
    "past every format": np.full((20, 6), 1e60),
    "past float64": np.full((20, 6), 1e308),
    "complex": np.zeros((20, 6), complex),
}


@pytest.mark.parametrize("name", UNFIT)
def test_unfit_samples_are_refused(tmp_path: Path, name: str) -> None:
    weights = {"w": np.full((6, 2), 9, np.float32)}
    save_onnx(tmp_path / "m", [helper.make_node("Gemm", ["x", "w"], ["y"])], weights, ["batch", 6], None)
    np.save(tmp_path / "in.npy", UNFIT[name])

    with pytest.raises(UnfitSamples):
        quantize_network(tmp_path / "m", tmp_path / "in.npy")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"text"])
def test_files_that_are_no_samples_are_refused(tmp_path: Path, content: bytes) -> None:
    weights = {"w": np.ones((6, 2), np.float32)}
    save_onnx(tmp_path / "m", [helper.make_node("Gemm", ["x", "w"], ["y"])], weights, ["batch", 6], None)
    (tmp_path / "in.npy").write_bytes(content)

    with pytest.raises(UnfitSamples):
        quantize_network(tmp_path / "m", tmp_path / "in.npy")


def test_altered_headers_never_end_in_another_error(tmp_path: Path) -> None:
    path, draw = tmp_path / "in.npy", Random(2)
    np.save(path, np.ones((20, 6), np.float32))
    whole, refused = path.read_bytes(), 0
    for _ in range(600):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 3)):
            data[draw.randrange(130)] = draw.randrange(256)
        path.write_bytes(data)
        try:
            read_samples(path, (6,))
        except UnfitSamples:
            refused += 1
    assert refused > 200


def test_pickled_samples_are_refused(tmp_path: Path) -> None:
    weights = {"w": np.ones((6, 2), np.float32)}
    save_onnx(tmp_path / "m", [helper.make_node("Gemm", ["x", "w"], ["y"])], weights, ["batch", 6], None)
    np.save(tmp_path / "in.npy", np.array([[object()] * 6] * 20), allow_pickle=True)

    with pytest.raises(UnfitSamples):
        quantize_network(tmp_path / "m", tmp_path / "in.npy")
