"""What a task's inputs and requirements may be, and what is refused before anything is sent."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stun_sdk import PrivacyUnavailable, Task, TaskInvalid, errors
from stun_sdk.forms import read_arrays, write_array
from stun_sdk.task import MAX_INPUT_BYTES, parse_id

from stun.protocol.errors import StunError

pytestmark = pytest.mark.unit
ID = "0x" + "ab" * 32


def test_path_is_one_task(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"content")

    assert Task(ID, str(path)).read_inputs() == (b"content",)
    assert Task(ID, path).read_inputs() == (b"content",)


def test_folder_is_a_task_a_file_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / name).write_bytes(name.encode())
    (tmp_path / "folder").mkdir()

    assert Task(ID, tmp_path).read_inputs() == (b"a", b"b", b"c")


def test_list_mixes_kinds_of_inputs(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"file")

    inputs = Task(ID, [b"bytes", tmp_path / "f", np.arange(3)]).read_inputs()

    assert inputs[:2] == (b"bytes", b"file")
    assert read_arrays(inputs[2])[0].tolist() == [0, 1, 2]


def test_texts_are_utf8() -> None:
    assert Task.of_texts(ID, ["ä", "b"]).read_inputs() == ("ä".encode(), b"b")


@pytest.mark.parametrize("data", ["no/such/file", [], [1], [b"x", None], ["no/such/file"]])
def test_what_is_no_input_is_refused(data: Any) -> None:
    with pytest.raises(TaskInvalid, match="input_data"):
        Task(ID, data).read_inputs()


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TaskInvalid, match="0 inputs"):
        Task(ID, tmp_path).read_inputs()


def test_too_many_tasks_are_refused() -> None:
    with pytest.raises(TaskInvalid, match="65537"):
        Task(ID, [b""] * 65_537).read_inputs()


def test_huge_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(MAX_INPUT_BYTES + 1)

    with pytest.raises(TaskInvalid, match="bytes; a task takes"):
        Task(ID, path).read_inputs()


def test_array_of_objects_is_not_pickled() -> None:
    with pytest.raises(TaskInvalid, match="plain form"):
        write_array(np.array([object()]))


@pytest.mark.parametrize("data", [b"\x93NUMPY", b"junk", write_array(np.arange(4))[:-3]])
def test_broken_arrays_are_refused(data: bytes) -> None:
    with pytest.raises(TaskInvalid):
        read_arrays(data)


def test_requirements_are_read_as_providers_read_them() -> None:
    wanted = {"gpu_memory": "16GB", "compute_capability": "8.0+", "privacy": "none"}

    assert Task(ID, b"", requirements=wanted).checked_requirements() == wanted


@pytest.mark.parametrize(
    "wanted", [{"gpu_memory": 16}, {"gpu_memory": "much"}, {"compute_capability": "8"}, {"vram": "1GB"}]
)
def test_requirements_that_no_provider_reads_are_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(TaskInvalid, match="requirements"):
        Task(ID, b"", requirements=wanted).checked_requirements()


@pytest.mark.parametrize("level", ["encrypted", "tee", "fhe"])
def test_privacy_that_nobody_keeps_is_refused(level: str) -> None:
    with pytest.raises(PrivacyUnavailable, match="Nothing was sent"):
        Task(ID, b"", requirements={"privacy": level}).checked_requirements()


@pytest.mark.parametrize("text", ["", "0x", "zz" * 32, "ab" * 31, "ab" * 33, b"short", 7, None])
def test_bad_hex_is_named(text: Any) -> None:
    with pytest.raises(TaskInvalid, match="model_id"):
        parse_id(text, "model_id")


def test_ids_are_read_in_every_usual_form() -> None:
    raw = bytes.fromhex("ab" * 32)

    assert parse_id(ID, "id") == parse_id("AB" * 32, "id") == parse_id(raw, "id") == raw


def test_every_error_of_the_sdk_is_the_projects() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, StunError)]

    codes = [kind.code for kind in kinds if issubclass(kind, errors.SdkError)]
    assert len(set(codes)) == len(codes) > 15
