"""Requirements are read strictly and compared with what the machine is."""

import os
import subprocess
from types import SimpleNamespace
from typing import Any

import pynvml
import pytest

from stun.provider import hardware
from stun.provider.hardware import (
    Cpu,
    Gpu,
    Hardware,
    RequirementError,
    Requirements,
    detect_hardware,
    parse_requirements,
)

pytestmark = pytest.mark.unit

CPU = Cpu("cpu", 8, ("avx2",))
T4 = Gpu("Tesla T4", 15_843_721_216, (7, 5))
A100 = Gpu("A100", 85_899_345_920, (8, 0))
MI300 = Gpu("MI300X", 206_158_430_208, None)


def machine(*gpus: Gpu, tee: str = "") -> Hardware:
    return Hardware(gpus, CPU, 64 * 2**30, tee)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, Requirements()),
        ({"gpu_memory": "16GB"}, Requirements(1, 16 * 10**9)),
        ({"gpu_memory": "1.5GiB", "gpu_count": 2}, Requirements(2, 3 * 2**29)),
        ({"compute_capability": "8.0+"}, Requirements(1, 0, (8, 0))),
        ({"compute_capability": "8.6"}, Requirements(1, 0, (8, 6), or_better=False)),
        ({"privacy": "tee"}, Requirements(privacy="tee")),
        ({"gpu_count": 0}, Requirements()),
    ],
)
def test_requirements_are_read(document: dict[str, Any], expected: Requirements) -> None:
    assert parse_requirements(document) == expected


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"gpu": 1}, "gpu"),
        *(
            ({"gpu_memory": bad}, "gpu_memory")
            for bad in ("16", "16 GB", "-1GB", "16gb", "0GB", "1e3GB", 16, None, "٣GB")
        ),
        *(
            ({"compute_capability": bad}, "compute_capability")
            for bad in ("8", "8.0++", ">=8.0", " 8.0", 8.0, "8.0+\n", None)
        ),
        *(({"gpu_count": bad}, "gpu_count") for bad in (-1, 1.0, True, "1", 1025, None)),
        ({"gpu_count": 0, "gpu_memory": "1GB"}, "gpu_count"),
        *(({"privacy": bad}, "privacy") for bad in ("None", "", None, "tdx")),
    ],
)
def test_sloppy_requirements_are_refused(document: dict[str, Any], key: str) -> None:
    with pytest.raises(RequirementError) as caught:
        parse_requirements(document)
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("have", "document", "unmet"),
    [
        (machine(), {}, ()),
        (machine(), {"gpu_count": 1}, ("gpu_count",)),
        (machine(T4), {"gpu_memory": "15GB"}, ()),
        (machine(T4), {"gpu_memory": "16GB"}, ("gpu_memory",)),
        (machine(T4), {"compute_capability": "8.0+"}, ("compute_capability",)),
        (machine(A100), {"compute_capability": "7.5+"}, ()),
        (machine(A100), {"compute_capability": "7.5"}, ("compute_capability",)),
        (machine(T4, A100), {"gpu_memory": "40GB", "compute_capability": "8.0+"}, ()),
        (machine(T4, A100), {"gpu_memory": "40GB", "gpu_count": 2}, ("gpu_memory",)),
        (machine(MI300), {"gpu_memory": "100GB"}, ()),
        (machine(MI300), {"compute_capability": "1.0+"}, ("compute_capability",)),
        (machine(), {"privacy": "encrypted"}, ()),
        (machine(), {"privacy": "tee"}, ("privacy",)),
        (machine(tee="tdx"), {"privacy": "tee"}, ()),
        (machine(tee="tdx"), {"privacy": "fhe", "gpu_count": 1}, ("gpu_count", "privacy")),
    ],
)
def test_requirements_are_compared(have: Hardware, document: dict[str, Any], unmet: tuple[str, ...]) -> None:
    wanted = parse_requirements(document)
    assert have.unmet(wanted) == unmet
    assert have.meets(wanted) == (not unmet)


def test_this_machine_is_detected() -> None:
    found = detect_hardware()
    assert found.cpu.cores == len(os.sched_getaffinity(0))
    assert found.memory > 2**28
    assert found.cpu.flags == tuple(sorted(set(found.cpu.flags)))


def test_nvidia_gpu_is_read_by_nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    fakes = {
        "nvmlInit": lambda: calls.append("init"),
        "nvmlShutdown": lambda: calls.append("shutdown"),
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: index,
        "nvmlDeviceGetName": lambda handle: b"NVIDIA A100",
        "nvmlDeviceGetCudaComputeCapability": lambda handle: (8, 0),
        "nvmlDeviceGetMemoryInfo": lambda handle: SimpleNamespace(total=80 * 2**30),
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(pynvml, name, fake)
    assert detect_hardware().gpus == (Gpu("NVIDIA A100", 80 * 2**30, (8, 0)),)
    assert calls == ["init", "shutdown"]


@pytest.fixture
def no_nvidia(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)


@pytest.mark.usefixtures("no_nvidia")
@pytest.mark.parametrize(
    ("stdout", "gpus"),
    [
        (b'[{"name": "MI300X", "memory": 206158430208}]', (MI300,)),
        (b"[]", ()),
        (b"KeyError", ()),
        (b'[{"name": "MI300X"}]', ()),
    ],
)
def test_amd_gpu_is_read_in_a_subprocess(monkeypatch: pytest.MonkeyPatch, stdout: bytes, gpus: tuple[Gpu, ...]) -> None:
    monkeypatch.setattr(hardware, "_KFD", hardware.Path("/dev/null"))
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: SimpleNamespace(stdout=stdout))
    assert detect_hardware().gpus == gpus


@pytest.mark.usefixtures("no_nvidia")
def test_amd_library_that_dies_means_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_KFD", hardware.Path("/dev/null"))
    monkeypatch.setattr(hardware, "_AMD_PROBE", "import os; os.abort()")
    assert detect_hardware().gpus == ()
