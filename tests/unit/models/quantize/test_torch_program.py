"""torch.export programs as networks: same results as torch, the same graph as by way of ONNX, refusals by name."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from model_archives import export_members, write_zip

from stun.models.quantize.errors import UnfitArchitecture
from stun.models.quantize.networks.reading import read_model
from stun.models.quantize.networks.report import quantize_network

pytestmark = pytest.mark.unit

Layers = Callable[[Any], list[Any]]
SHAPE = (3, 12, 12)


@pytest.fixture
def torch() -> Any:
    found = pytest.importorskip("torch")
    found.manual_seed(1)
    return found


def export(torch: Any, path: Path, module: Any, shape: tuple[int, ...] = SHAPE, count: int = 1) -> Path:
    program = torch.export.export(module.eval(), (torch.randn(count, *shape),))
    torch.export.save(program, str(path))
    return path


def sequence(torch: Any, layers: Layers) -> Any:
    return torch.nn.Sequential(*layers(torch.nn))


def samples(folder: Path, shape: tuple[int, ...] = SHAPE, count: int = 60) -> Path:
    np.save(folder / "in.npy", np.random.default_rng(1).normal(size=(count, *shape)).astype(np.float32))
    return folder / "in.npy"


SERVED: dict[str, Layers] = {
    "normalized": lambda nn: [
        nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, stride=2),
        nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(), nn.Linear(8, 5),
    ],
    "in groups": lambda nn: [nn.Conv2d(3, 6, 3, groups=3, dilation=2), nn.LeakyReLU(0.1), nn.AvgPool2d(2), nn.Flatten(),
                             nn.Linear(96, 4, bias=False), nn.Softmax(1)],
    "without windows": lambda nn: [nn.Flatten(), nn.Linear(432, 20), nn.Tanh(), nn.Linear(20, 9), nn.GELU(),
                                   nn.Linear(9, 3), nn.Sigmoid()],
    "padded maxima": lambda nn: [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1), nn.Hardswish()],
}  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize("name", SERVED)
@pytest.mark.parametrize("count", [1, 3])
def test_results_are_torchs(torch: Any, tmp_path: Path, name: str, count: int) -> None:
    """The check against the model's own library passes, and the integers are near it."""
    path = export(torch, tmp_path / "m.pt2", sequence(torch, SERVED[name]), count=count)

    _, report = quantize_network(path, samples(tmp_path))

    assert 0 < report.reading_error < 1e-5
    assert report.quality.errors.mean() < 0.04


@pytest.mark.torch
def test_functions_of_a_module_are_read_too(torch: Any, tmp_path: Path) -> None:
    class Net(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = torch.nn.Conv2d(3, 4, 3), torch.nn.Linear(4, 6)

        def forward(self, x: Any) -> Any:
            x = torch.nn.functional.max_pool2d(torch.relu(self.first((x - 0.5) / 2)), 2)
            return self.last(torch.clamp(x, max=1.5).mean(dim=(2, 3)) * 3.0)

    path = export(torch, tmp_path / "m.pt2", Net())

    _, report = quantize_network(path, samples(tmp_path))

    assert [layer.name for layer in report.layers] == [
        "1 Sub", "2 Conv Relu", "3 MaxPool", "4 Clip Clip", "5 ReduceMean", "6 Mul", "7 Gemm",
    ]  # fmt: skip
    assert report.reading_error < 1e-5


@pytest.mark.torch
def test_residual_modules_are_read_too(torch: Any, tmp_path: Path) -> None:
    class Block(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            nn = torch.nn
            self.long = nn.Sequential(
                nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(inplace=True),
                nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6),
            )  # fmt: skip
            self.short = nn.Sequential(nn.Conv2d(3, 6, 1, stride=2, bias=False), nn.BatchNorm2d(6))

        def forward(self, x: Any) -> Any:
            out = self.long(x)
            out += self.short(x)
            return torch.relu(out)

    _, report = quantize_network(export(torch, tmp_path / "m.pt2", Block()), samples(tmp_path))

    assert report.reading_error < 1e-5
    assert report.quality.errors.mean() < 0.04


@pytest.mark.torch
def test_what_is_not_served_is_named(torch: Any, tmp_path: Path) -> None:
    class Gated(torch.nn.Module):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Conv2d(3, 3, 1)

        def forward(self, x: Any) -> Any:
            return x * self.layer(x)

    with pytest.raises(UnfitArchitecture, match="only Add joins"):
        read_model(export(torch, tmp_path / "a.pt2", Gated()))
    with pytest.raises(UnfitArchitecture, match=r"aten\.upsample"):
        read_model(export(torch, tmp_path / "b.pt2", torch.nn.Upsample(scale_factor=2)))


@pytest.mark.torch
def test_scripted_modules_are_sent_to_other_formats(torch: Any, tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(torch.nn.Linear(3, 2)), str(tmp_path / "m.pt"))

    with pytest.raises(UnfitArchitecture, match=r"read from ONNX and torch\.export"):
        read_model(tmp_path / "m.pt")


def test_without_torch_it_is_said_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    write_zip(tmp_path / "m.pt2", export_members())

    with pytest.raises(UnfitArchitecture, match=r"torch is not installed \(requirements/torch\.txt\)"):
        read_model(tmp_path / "m.pt2")
