"""docs/trust.md and its pictures say what the formulas and the simulator say today."""

import re
from pathlib import Path

import pytest

from scripts.docs import pictures, trust

_NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?|-?\d+(?:e[-+]?\d+)?")
_MOST_BYTES = 60_000


def test_tables_are_those_of_the_formulas() -> None:
    assert trust.PAGE.read_text() == trust.page(trust.PAGE.read_text()), "run: python -m scripts.docs.trust"


def test_a_page_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers for classes"):
        trust.page("# What a result is worth\n")


def test_pictures_are_those_of_the_formulas(tmp_path: Path) -> None:
    for drawn in pictures.draw(tmp_path):
        kept = (pictures.FOLDER / drawn.name).read_text()
        new = drawn.read_text()
        assert _NUMBER.sub("", kept) == _NUMBER.sub("", new), f"{drawn.name}: run python -m scripts.docs.pictures"
        pairs = zip(_NUMBER.findall(kept), _NUMBER.findall(new), strict=True)
        assert all(float(old) == pytest.approx(float(now), abs=0.01) for old, now in pairs), drawn.name


def test_every_picture_is_small_and_shown() -> None:
    shown = "".join(path.read_text() for path in pictures.FOLDER.parent.rglob("*.md"))
    files = sorted(path.name for path in pictures.FOLDER.iterdir())

    assert files == sorted(f"{name}.svg" for name in pictures.PICTURES)
    assert all((pictures.FOLDER / name).stat().st_size < _MOST_BYTES and f"pictures/{name}" in shown for name in files)
