"""A program's standard output is its own: the SDK's warnings go elsewhere, and a program's own choice stands."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit
WARN = "import structlog; from stun_sdk.logs import keep_off_standard_output as off; off(); off()"
WARN += "; log = structlog.get_logger(); log.info('quiet'); log.warning('loud')"


def test_warnings_go_to_standard_error() -> None:
    done = subprocess.run([sys.executable, "-c", WARN], capture_output=True, text=True, check=True)

    assert done.stdout == ""
    assert "loud" in done.stderr
    assert "quiet" not in done.stderr


def test_choice_of_the_program_stands() -> None:
    chosen = "import structlog; structlog.configure(processors=[lambda *_: 'mine']); " + WARN.split("; ", 1)[1]

    done = subprocess.run(
        [sys.executable, "-c", "import structlog; " + chosen], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == ["mine", "mine"]
