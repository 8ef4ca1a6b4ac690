"""The report as a picture, where matplotlib is installed (`pip install matplotlib`)."""

from pathlib import Path
from typing import Any

from stun.models.quantize.report import Report


def draw_report(report: Report, path: Path) -> bool:
    """Write a PNG: cosines of all texts, and of the layers; False where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure: Any = Figure(figsize=(10, 4), layout="constrained")
    texts, layers = figure.subplots(1, 2)
    texts.hist(report.quality.cosines, bins=40)
    texts.set(title=f"{report.judged} texts", xlabel="cosine of float and integer vector", ylabel="texts")
    names = [layer.name for layer in report.layers]
    layers.plot(names, [layer.mean for layer in report.layers], marker="o", label="mean of all tokens")
    layers.plot(names, [layer.least for layer in report.layers], marker=".", label="worst token")
    layers.set(title="residual stream", xlabel="layer (x before attention, y before feed-forward)", ylabel="cosine")
    layers.tick_params(axis="x", rotation=60)
    layers.legend()
    figure.savefig(path, dpi=120)
    return True
