"""The report as a picture, where matplotlib is installed (`pip install matplotlib`)."""

from pathlib import Path
from typing import Any

import numpy as np

from stun.models.quantize.networks.report import NetworkReport

MOST_POINTS = 5_000


def draw_network_report(report: NetworkReport, path: Path) -> bool:
    """Write a PNG: errors of all results, of the layers, value by value; False where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure: Any = Figure(figsize=(14, 4), layout="constrained")
    results, layers, values = figure.subplots(1, 3)
    results.hist(100 * report.quality.errors, bins=40)
    results.set(title=f"{report.judged} samples", xlabel="error of the result, % of its length", ylabel="samples")
    names = [layer.name for layer in report.layers]
    layers.plot(names, [100 * layer.mean for layer in report.layers], marker="o", label="mean of all samples")
    layers.plot(names, [100 * layer.worst for layer in report.layers], marker=".", label="worst sample")
    layers.set(title="layer by layer", ylabel="error, % of the output's length")
    layers.tick_params(axis="x", rotation=60)
    layers.legend()
    real, exact = report.quality.real.ravel(), report.quality.exact.ravel()
    chosen = np.linspace(0, len(real) - 1, min(len(real), MOST_POINTS)).astype(int)
    values.plot(real[chosen], exact[chosen], ".", markersize=2)
    values.set(title="value by value", xlabel="float", ylabel="integers")
    figure.savefig(path, dpi=120)
    return True
