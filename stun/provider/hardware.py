"""What this machine is, and whether it meets what a task asks for.

Order of detection: NVIDIA by NVML, AMD by /dev/kfd and amdsmi (in a subprocess, because importing it can raise
anything or end the process), CPU always. A missing driver is no error: the machine has no such GPU.
"""

import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pynvml

from stun.protocol.errors import StunError

PRIVACY_LEVELS = ("none", "encrypted", "tee", "fhe")
MAX_GPU_COUNT = 1024
_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(MB|GB|TB|MiB|GiB|TiB)")
_UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_CAPABILITY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})(\+?)")
_KEYS = ("gpu_memory", "compute_capability", "gpu_count", "privacy")
_KFD = Path("/dev/kfd")
_TEE_DEVICES = {"tdx": ("/dev/tdx_guest", "/dev/tdx-guest"), "sev-snp": ("/dev/sev-guest",)}
_AMD_SECONDS = 20
_AMD_PROBE = """
import amdsmi, json
amdsmi.amdsmi_init()
print(json.dumps([{"name": amdsmi.amdsmi_get_gpu_asic_info(gpu)["market_name"],
    "memory": amdsmi.amdsmi_get_gpu_memory_total(gpu, amdsmi.AmdSmiMemoryType.VRAM)}
    for gpu in amdsmi.amdsmi_get_processor_handles()]))
"""


class RequirementError(StunError):
    """A requirement that is refused; `key` names it."""

    def __init__(self, key: str, cause: str) -> None:
        super().__init__(f"requirement {key}: {cause}")
        self.key = key


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU: memory in bytes; compute capability (major, minor) of CUDA, None for other makers."""

    name: str
    memory: int
    compute_capability: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Cpu:
    """The processor: model name, logical cores this process may use, instruction set flags in order."""

    name: str
    cores: int
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requirements:
    """What a task asks for. GPU memory in bytes per GPU; a capability is a lower bound if `or_better`, else exact."""

    gpu_count: int = 0
    gpu_memory: int = 0
    compute_capability: tuple[int, int] | None = None
    or_better: bool = True
    privacy: str = "none"


@dataclass(frozen=True, slots=True)
class Hardware:
    """A machine: its GPUs, CPU, memory in bytes, and the confidential computing it is a guest of ("" if none)."""

    gpus: tuple[Gpu, ...]
    cpu: Cpu
    memory: int
    tee: str = ""

    def unmet(self, requirements: Requirements) -> tuple[str, ...]:
        """The keys of the requirements that this machine does not meet; empty if it meets all."""
        wanted = requirements
        large = [gpu for gpu in self.gpus if gpu.memory >= wanted.gpu_memory]
        fit = [gpu for gpu in large if _is_capable(gpu, wanted)]
        missing = []
        if len(self.gpus) < wanted.gpu_count:
            missing.append("gpu_count")
        elif len(large) < wanted.gpu_count:
            missing.append("gpu_memory")
        elif len(fit) < wanted.gpu_count:
            missing.append("compute_capability")
        if wanted.privacy == "fhe" or (wanted.privacy == "tee" and not self.tee):
            missing.append("privacy")
        return tuple(missing)

    def meets(self, requirements: Requirements) -> bool:
        """Whether this machine can serve a task with these requirements."""
        return not self.unmet(requirements)


def parse_requirements(document: Mapping[str, Any]) -> Requirements:
    """Read requirements strictly: {"gpu_memory": "16GB", "compute_capability": "8.0+", "gpu_count": 1, "privacy":
    "none"}, all optional. Asking for a GPU's memory or capability asks for one GPU. RequirementError."""
    for key in document:
        if key not in _KEYS:
            raise RequirementError(str(key)[:64], f"unknown; known are {', '.join(_KEYS)}")
    memory = _parse_size(document["gpu_memory"]) if "gpu_memory" in document else 0
    capability, or_better = None, True
    if "compute_capability" in document:
        capability, or_better = _parse_capability(document["compute_capability"])
    count = document.get("gpu_count", int(memory > 0 or capability is not None))
    if type(count) is not int or not 0 <= count <= MAX_GPU_COUNT:
        raise RequirementError("gpu_count", f"must be a whole number from 0 to {MAX_GPU_COUNT}")
    if count == 0 and (memory or capability):
        raise RequirementError("gpu_count", "is 0, yet a GPU's memory or capability is asked for")
    privacy = document.get("privacy", "none")
    if privacy not in PRIVACY_LEVELS:
        raise RequirementError("privacy", f"must be one of {', '.join(PRIVACY_LEVELS)}")
    return Requirements(count, memory, capability, or_better, privacy)


def detect_hardware() -> Hardware:
    """Look at this machine."""
    gpus = _nvidia_gpus() or _amd_gpus()
    return Hardware(gpus, _detect_cpu(), os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), _detect_tee())


def _is_capable(gpu: Gpu, wanted: Requirements) -> bool:
    if wanted.compute_capability is None:
        return True
    if gpu.compute_capability is None:
        return False
    have, want = gpu.compute_capability, wanted.compute_capability
    return have >= want if wanted.or_better else have == want


def _parse_size(value: object) -> int:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None or not (size := int(Decimal(match[1]) * _UNITS[match[2]])):
        raise RequirementError(
            "gpu_memory", 'must be a size like "16GB" (10^9 bytes each) or "16GiB" (2^30 bytes each)'
        )
    return size


def _parse_capability(value: object) -> tuple[tuple[int, int], bool]:
    match = _CAPABILITY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise RequirementError("compute_capability", 'must be like "8.0" (exactly) or "8.0+" (at least)')
    return (int(match[1]), int(match[2])), match[3] == "+"


def _nvidia_gpus() -> tuple[Gpu, ...]:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver, no library, no permission: no NVIDIA GPU that could be used
        return ()
    try:
        return tuple(_nvidia_gpu(index) for index in range(pynvml.nvmlDeviceGetCount()))
    finally:
        pynvml.nvmlShutdown()


def _nvidia_gpu(index: int) -> Gpu:
    handle = pynvml.nvmlDeviceGetHandleByIndex(index)
    name = pynvml.nvmlDeviceGetName(handle)
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    text = name.decode() if isinstance(name, bytes) else str(name)
    return Gpu(text, int(pynvml.nvmlDeviceGetMemoryInfo(handle).total), (int(major), int(minor)))


def _amd_gpus() -> tuple[Gpu, ...]:
    if not _KFD.exists():
        return ()
    command = [sys.executable, "-c", _AMD_PROBE]
    try:
        probe = subprocess.run(command, capture_output=True, timeout=_AMD_SECONDS, check=True, stdin=subprocess.DEVNULL)
        found = json.loads(probe.stdout)
        return tuple(Gpu(str(each["name"]), int(each["memory"]), None) for each in found)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):  # no library or no driver: no GPU
        return ()


def _detect_cpu() -> Cpu:
    fields: dict[str, str] = {}
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []:
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = fields.get("flags", fields.get("Features", ""))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Cpu(fields.get("model name", platform.machine()), cores, tuple(sorted(set(flags.split()))))


def _detect_tee() -> str:
    for name, devices in _TEE_DEVICES.items():
        if any(Path(device).exists() for device in devices):
            return name
    return ""
