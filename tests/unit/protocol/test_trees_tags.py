"""Tags keep every hash of the protocol apart."""

import pytest

from stun.protocol.trees import tags

pytestmark = pytest.mark.unit

SECOND_BYTES = {"LEAF", "NODE", "CROWN"}
TAGS = {name: value for name, value in vars(tags).items() if name.isupper() and name not in SECOND_BYTES}


def test_values_are_the_protocols() -> None:
    assert TAGS == {
        "MODEL_ID": b"\x10",
        "SPEC": b"\x11",
        "COMMITMENT": b"\x12",
        "DRAW": b"\x13",
        "PRIVATE_OUTPUT": b"\x15",
        "EVIDENCE": b"\x16",
        "CASE": b"\x17",
        "TRACED": b"\x18",
        "PICK_SEAT": b"\x19",
        "PICK_TASK": b"\x1a",
        "SEAL": b"\x1b",
        "SPECS": b"\x20",
        "RESULTS": b"\x21",
        "TRACES": b"\x22",
        "OPS": b"\x23",
        "ROWS": b"\x24",
        "CHUNKS": b"\x25",
        "GRAPH": b"\x26",
        "WEIGHTS": b"\x27",
        "PROVIDERS": b"\x28",
    }


def test_every_tag_is_one_byte_and_distinct() -> None:
    assert all(len(value) == 1 for value in TAGS.values())
    assert len(set(TAGS.values())) == len(TAGS)


def test_second_bytes_are_those_of_rfc_6962_and_the_crown() -> None:
    assert (tags.LEAF, tags.NODE, tags.CROWN) == (b"\x00", b"\x01", b"\x02")
