"""What `stun model quantize` leaves in a folder and says: files to register, and a report that is not registered."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import copyfile
from typing import Any

from stun.models.manifest import GRAPH_ROLE, Manifest, NumericClass
from stun.protocol.graph.file import encode_graph
from stun.protocol.graph.structure import Graph
from stun.provider.runners.exact_graph import ExactGraphRunner

GRAPH_FILE, MANIFEST_FILE, REPORT_FILE, PLOT_FILE = "model.graph", "manifest.json", "report.json", "report.png"


@dataclass(frozen=True, slots=True)
class Quantized:
    """An integer model with the formats of its inputs and outputs, and files that go with it, by role."""

    name: str
    graph: Graph
    input_format: str
    output_format: str
    beside: Mapping[str, Path]

    def write(self, out: Path, figures: dict[str, Any], draw: Callable[[Path], bool]) -> dict[str, Any]:
        """Write everything into folder `out`; returns the report's figures with what names the model."""
        out.mkdir(parents=True, exist_ok=True)
        files = {GRAPH_ROLE: out / GRAPH_FILE} | {role: out / path.name for role, path in self.beside.items()}
        data = encode_graph(self.graph)
        files[GRAPH_ROLE].write_bytes(data)
        for role, path in self.beside.items():
            copyfile(path, files[role])
        manifest = self._manifest({role: sha256(path.read_bytes()).digest() for role, path in files.items()})
        (out / MANIFEST_FILE).write_bytes(manifest.to_json())
        roots = {"graph_root": self.graph.graph_root.hex(), "weight_root": self.graph.weight_root.hex()}
        named = {"folder": str(out), "bytes": len(data), "operators": len(self.graph.operators), **roots}
        record = named | {"input_format": self.input_format, "output_format": self.output_format} | figures
        (out / REPORT_FILE).write_text(json.dumps(record, indent=1))
        return record | {"plot": str(out / PLOT_FILE) if draw(out / PLOT_FILE) else None}

    def told(self, record: Mapping[str, Any], lines: list[str]) -> str:
        """The report for people: `lines` between what was made and how it is registered."""
        out = Path(record["folder"])
        files = [f"--file {GRAPH_ROLE}={out / GRAPH_FILE}"]
        files += [f"--file {role}={out / path.name}" for role, path in self.beside.items()]
        return "\n".join(
            [
                f"{record['operators']} operators, {record['bytes'] / 2**20:.1f} MiB in {out}",
                *lines,
                f"plot: {record['plot'] or 'none; matplotlib is not installed'}",
                f"register: stun model register --manifest {out / MANIFEST_FILE} {' '.join(files)}",
            ]
        )

    def _manifest(self, digests: dict[str, bytes]) -> Manifest:
        return Manifest(
            name=self.name, runner=ExactGraphRunner.id, runner_version=ExactGraphRunner.version,
            numeric_class=NumericClass.EXACT, unit=ExactGraphRunner.unit, input_format=self.input_format,
            output_format=self.output_format, files=digests, weight_root=self.graph.weight_root,
            graph_root=self.graph.graph_root,
        )  # fmt: skip
