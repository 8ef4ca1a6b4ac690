"""The container of many byte strings: one encoding of a list, one list of an encoding."""

import contextlib
import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.storage.bundle import MAGIC, MAX_ITEMS, BundleBroken, pack, unpack

pytestmark = pytest.mark.unit
ITEMS = st.lists(st.binary(max_size=40), min_size=1, max_size=20)


class VastBytes(bytes):
    """An item that claims four gibibytes without holding them."""

    def __len__(self) -> int:
        return 2**32


def _bundle(count: int, lengths: list[int], body: bytes) -> bytes:
    return MAGIC + struct.pack(f">I{len(lengths)}I", count, *lengths) + body


def _code(data: bytes) -> str:
    with pytest.raises(BundleBroken) as caught:
        unpack(data)
    return caught.value.code


def test_layout_is_fixed() -> None:
    assert pack([b"ab", b"", b"c"]) == bytes.fromhex("53544231 00000003 00000002 00000000 00000001 616263")


@given(items=ITEMS)
def test_items_come_back_in_order(items: list[bytes]) -> None:
    assert unpack(pack(items)) == items


@given(first=ITEMS, second=ITEMS)
def test_different_lists_have_different_bundles(first: list[bytes], second: list[bytes]) -> None:
    assert (pack(first) == pack(second)) == (first == second)


@given(items=ITEMS, data=st.data())
def test_an_altered_bundle_is_refused_or_is_the_one_bundle_of_other_items(
    items: list[bytes], data: st.DataObject
) -> None:
    altered = bytearray(pack(items))
    altered[data.draw(st.integers(0, len(altered) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(BundleBroken):
        other = unpack(bytes(altered))
        assert other != items
        assert pack(other) == altered


def test_largest_batch_fits() -> None:
    items = [index.to_bytes(4, "big") for index in range(MAX_ITEMS)]
    assert unpack(pack(items)) == items


@pytest.mark.parametrize("count", [0, MAX_ITEMS + 1])
def test_counts_out_of_bounds_are_not_packed(count: int) -> None:
    with pytest.raises(BundleBroken) as caught:
        pack([b""] * count)
    assert caught.value.code == "bundle: count"


def test_items_beyond_u32_are_not_packed() -> None:
    with pytest.raises(BundleBroken) as caught:
        pack([VastBytes()])
    assert caught.value.code == "bundle: item size"


@pytest.mark.parametrize("data", [b"", b"STB", b"STB2" + bytes(8), b"\0" * 12, b"stb1" + bytes(8)])
def test_other_magic_is_refused(data: bytes) -> None:
    assert _code(data) == "bundle: magic"


@pytest.mark.parametrize("count", [0, MAX_ITEMS + 1, 2**31, 2**32 - 1])
def test_counts_out_of_bounds_are_not_unpacked(count: int) -> None:
    assert _code(_bundle(count, [1], b"x")) == "bundle: count"


@given(items=ITEMS, data=st.data())
def test_every_truncation_is_refused(items: list[bytes], data: st.DataObject) -> None:
    bundle = pack(items)
    cut = data.draw(st.integers(len(MAGIC), len(bundle) - 1))
    assert _code(bundle[:cut]) == "bundle: truncated"


@pytest.mark.parametrize("spare", [b"\0", b"x" * 100, pack([b"second"])])
def test_trailing_bytes_are_refused(spare: bytes) -> None:
    assert _code(pack([b"first"]) + spare) == "bundle: trailing bytes"


def test_lengths_that_overflow_u32_together_are_refused() -> None:
    assert _code(_bundle(3, [2**32 - 1, 2**32 - 1, 3], b"x")) == "bundle: truncated"


def test_a_small_lie_about_the_count_costs_no_memory() -> None:
    tracemalloc.start()
    assert _code(_bundle(MAX_ITEMS, [2**32 - 1] * 4, b"")) == "bundle: truncated"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 1024
