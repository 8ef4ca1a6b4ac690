"""Digests of specs, bytes, models, commitments and admitted providers: known answers, and what is refused."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stun.protocol.errors import Rejected
from stun.protocol.trees import specs
from stun.protocol.trees.merkle import verify
from stun.protocol.trees.specs import Membership

pytestmark = pytest.mark.unit

A, B, C, D = (bytes([value]) * 32 for value in (0xA1, 0xB2, 0xC3, 0xD4))
WIDTHS = [b"", A[:31], A + b"\x00"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


def h(*parts: bytes) -> bytes:
    return sha256(b"".join(parts)).digest()


def code_of(function: object, *arguments: object) -> str:
    with pytest.raises(Rejected) as error:
        function(*arguments)  # type: ignore[operator]
    return str(error.value)


def nested(depth: int) -> list[object]:
    document: list[object] = []
    for _ in range(depth - 1):
        document = [document]
    return document


def test_flat_hashes_are_tag_and_fields() -> None:
    assert specs.spec_digest(A, B, C) == h(b"\x11", A, B, C)
    assert specs.model_id(A, B) == h(b"\x10", A, B)
    assert specs.private_output_digest(A, B) == h(b"\x15", A, B)
    units = (2**64 - 2).to_bytes(8, "big")
    assert specs.commitment(A, B, C, 2**64 - 2, D) == h(b"\x12", A, B, C, units, D)


@pytest.mark.parametrize("wrong", WIDTHS)
def test_fields_of_another_width_are_refused(wrong: bytes) -> None:
    for position in range(3):
        fields = [A, B, C]
        fields[position] = wrong
        assert code_of(specs.spec_digest, *fields) == "specs: width"
        assert code_of(specs.specs_root, fields) == "specs: width"
        assert code_of(specs.providers_root, fields) == "specs: width"
    for pair in ((wrong, A), (A, wrong)):
        assert code_of(specs.model_id, *pair) == "specs: width"
        assert code_of(specs.private_output_digest, *pair) == "specs: width"
    for position in range(4):
        fields = [A, B, C, D]
        fields[position] = wrong
        assert code_of(specs.commitment, *fields[:3], 0, fields[3]) == "specs: width"
    assert code_of(specs.verify_provider, A, wrong, Membership(0, 1, ())) == "specs: width"


@pytest.mark.parametrize("units", [-1, 2**64])
def test_a_commitment_to_units_outside_u64_is_refused(units: int) -> None:
    assert code_of(specs.commitment, A, B, C, units, D) == "trees: result"


def test_canonical_json_sorts_keys_by_utf_16_and_writes_no_spaces() -> None:
    document = {"\ufb33": 1, "\U0001f600": 2, "a": [1.0, -0.0, 1e21, "é\n"], "": None}
    assert specs.canonical_json(document).decode() == '{"":null,"a":[1,0,1e+21,"é\\n"],"\U0001f600":2,"\ufb33":1}'
    assert specs.json_digest({}) == sha256(b"{}").digest()


@pytest.mark.parametrize(
    "document",
    [
        2**53,
        -(2**53),
        float("nan"),
        float("inf"),
        "\ud800",
        {"\udfff": 1},
        {1: 2},
        {1, 2},
        b"bytes",
        nested(33),
        nested(5000),
    ],
    ids=lambda document: type(document).__name__,
)
def test_what_has_no_canonical_form_is_refused(document: object) -> None:
    assert code_of(specs.json_digest, document) == "specs: json"


def test_thirty_two_levels_are_the_deepest() -> None:
    assert specs.canonical_json(nested(32)) == b"[" * 32 + b"]" * 32
    assert code_of(specs.read_canonical_json, b"[" * 33 + b"]" * 33) == "specs: json"


def test_brackets_in_a_string_are_no_depth() -> None:
    raw = b'["' + b'\\"[{' * 40 + b'"]'
    assert specs.canonical_json(specs.read_canonical_json(raw)) == raw


@pytest.mark.parametrize(
    "raw",
    [b'"' + b'\\"' * 500_000, b"[" * 1_000_000, b'["' * 300_000, b'"]"[' * 300_000],
    ids=["escaped quotes", "brackets", "brackets and quotes", "closed strings"],
)
def test_hostile_brackets_and_quotes_are_refused_in_one_pass(raw: bytes) -> None:
    assert code_of(specs.read_canonical_json, raw) == "specs: json"


@given(JSON)
def test_canonical_bytes_read_back(document: object) -> None:
    raw = specs.canonical_json(document)
    assert specs.canonical_json(specs.read_canonical_json(raw)) == raw


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"nope",
        b"[" * 100_000,
        b"9" * 10_000,
        b"1e999",
        b"NaN",
        b"9007199254740992",
    ],
    ids=lambda raw: f"{raw[:8]!r} of {len(raw)}",
)
def test_unreadable_json_is_refused(raw: bytes) -> None:
    assert code_of(specs.read_canonical_json, raw) == "specs: json"


@pytest.mark.parametrize(
    "raw", [b"{} ", b'{"b":1,"a":2}', b'{"a":1,"a":1}', b"1.0", b"-0", b'"\\u0041"', b"[1, 2]", b"1e2"]
)
def test_json_that_is_not_canonical_is_refused(raw: bytes) -> None:
    assert code_of(specs.read_canonical_json, raw) == "specs: canonical"


def test_specs_root_is_a_crowned_tree_over_the_digests() -> None:
    leaves = [h(b"\x20\x00", digest) for digest in (A, B, C)]
    top = h(b"\x20\x01", h(b"\x20\x01", leaves[0], leaves[1]), leaves[2])
    assert specs.specs_root([A, B, C]) == h(b"\x20\x02\x00\x00\x00\x03", top)
    assert specs.specs_root([B, A, C]) != specs.specs_root([A, B, C])
    verify(b"\x20", specs.specs_root([A, B, C]), 3, 1, B, specs.specs_tree([A, B, C]).prove(1))


def test_orders_have_one_to_65536_specs() -> None:
    assert code_of(specs.specs_root, []) == "trees: empty"
    assert code_of(specs.specs_root, [A] * 65_537) == "trees: count"
    assert specs.specs_tree([A] * 65_536).count == 65_536


def test_no_bytes_are_one_empty_chunk() -> None:
    assert specs.output_digest(b"") == h(b"\x25\x02\x00\x00\x00\x01", h(b"\x25\x00"))


def test_chunks_are_1024_bytes_and_the_last_is_as_short_as_it_is() -> None:
    data = bytes(range(256)) * 8 + b"!"
    leaves = [h(b"\x25\x00", chunk) for chunk in (data[:1024], data[1024:2048], b"!")]
    top = h(b"\x25\x01", h(b"\x25\x01", leaves[0], leaves[1]), leaves[2])
    assert specs.output_digest(data) == specs.input_root(data) == h(b"\x25\x02\x00\x00\x00\x03", top)
    assert specs.output_digest(data[:1024]) == h(b"\x25\x02\x00\x00\x00\x01", leaves[0])


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_different_bytes_have_different_digests(one: bytes, other: bytes) -> None:
    assert (specs.output_digest(one) == specs.output_digest(other)) == (one == other)
    assert specs.output_digest(one) != specs.output_digest(one + b"\x00")


def test_providers_root_is_of_the_set() -> None:
    leaves = [h(b"\x28\x00", account) for account in (A, B, C)]
    top = h(b"\x28\x01", h(b"\x28\x01", leaves[0], leaves[1]), leaves[2])
    root = h(b"\x28\x02\x00\x00\x00\x03", top)
    assert specs.providers_root([C, A, B, A]) == specs.providers_root([A, B, C]) == root


@given(st.sets(st.binary(min_size=32, max_size=32), min_size=1, max_size=40), st.data())
def test_admitted_providers_prove_and_others_do_not(accounts: set[bytes], draw: st.DataObject) -> None:
    provider = draw.draw(st.sampled_from(sorted(accounts)))
    root, membership = specs.providers_root(accounts), specs.prove_provider(accounts, provider)
    specs.verify_provider(root, provider, membership)
    stranger = draw.draw(st.binary(min_size=32, max_size=32).filter(lambda account: account not in accounts))
    assert code_of(specs.prove_provider, accounts, stranger) == "specs: provider"
    assert code_of(specs.verify_provider, root, stranger, membership) == "trees: path"
    longer = Membership(membership.index, membership.count, (*membership.path, A))
    assert code_of(specs.verify_provider, root, provider, longer) == "trees: path"


def test_nobody_is_no_set_of_providers() -> None:
    assert code_of(specs.providers_root, []) == "trees: empty"
    assert code_of(specs.prove_provider, [], A) == "trees: empty"
