"""Digests of what an order names and what a replica delivers: specs, bytes, models, commitments, admitted providers.

Accounts and digests are 32 bytes (an EVM address is left-padded with zeros); integers are big endian.
Source: PROTOCOL.md sections 4, 5 and 6.3; RFC 8785 for canonical JSON.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from typing import Any, Final, TypeAlias

import rfc8785

from stun.protocol.errors import Rejected, require
from stun.protocol.parameters import MAX_COUNT, U64
from stun.protocol.trees.merkle import DIGEST_BYTES, ERR_COUNT, MerkleTree, verify
from stun.protocol.trees.results import ERR_RESULT
from stun.protocol.trees.tags import CHUNKS, COMMITMENT, MODEL_ID, PRIVATE_OUTPUT, PROVIDERS, SPEC, SPECS

CHUNK_BYTES: Final = 1_024
MAX_JSON_DEPTH: Final = 32  # objects and arrays within each other

ERR_JSON: Final = "specs: json"
ERR_CANONICAL: Final = "specs: canonical"
ERR_WIDTH: Final = "specs: width"
ERR_PROVIDER: Final = "specs: provider"

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # closed or not, so that no input is scanned twice
_BRACKETS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}

Json: TypeAlias = Any  # None, bool, int, float, str, list or tuple of Json, dict of str to Json


def canonical_json(document: Json) -> bytes:
    """Write a document as RFC 8785 canonical JSON.

    Errors: "specs: json" for what has no such form: an integer beyond 2^53 - 1, NaN, a lone surrogate, a key that is
    no string, or more than 32 levels of nesting (a fixed bound, so that every validator refuses the same).
    """
    _require_shallow(document)
    try:
        return rfc8785.dumps(document)
    except ValueError as error:
        raise Rejected(ERR_JSON) from error


def read_canonical_json(raw: bytes) -> Json:
    """Read a document whose bytes must be its canonical form, so that one document has one digest.

    Errors: "specs: json" if it cannot be read or nests deeper than 32 levels (counted before it is parsed: a parser may
    run out of stack), "specs: canonical" if its canonical form differs (also: repeated keys).
    """
    depths = accumulate(_BRACKETS[byte] for byte in _STRING.sub(b"", raw) if byte in _BRACKETS)
    require(max(depths, default=0) <= MAX_JSON_DEPTH, ERR_JSON)
    try:
        document = json.loads(raw.decode("utf-8"))
    except ValueError as error:
        raise Rejected(ERR_JSON) from error
    require(canonical_json(document) == raw, ERR_CANONICAL)
    return document


def _require_shallow(document: Json) -> None:
    level = [document] if isinstance(document, dict | list | tuple) else []
    for _ in range(MAX_JSON_DEPTH):
        children = (child for item in level for child in (item.values() if isinstance(item, dict) else item))
        level = [child for child in children if isinstance(child, dict | list | tuple)]
    require(not level, ERR_JSON)


def json_digest(document: Json) -> bytes:
    """Digest a document: sha256 of its canonical JSON. Errors: "specs: json"."""
    return sha256(canonical_json(document)).digest()


def spec_digest(input_root: bytes, params_digest: bytes, document_digest: bytes) -> bytes:
    """Digest one task's spec: its input's root, its parameters' and its document's `json_digest`, 32 bytes each.

    Errors: "specs: width".
    """
    _require_width(input_root, params_digest, document_digest)
    return sha256(SPEC + input_root + params_digest + document_digest).digest()


def specs_tree(spec_digests: Iterable[bytes]) -> MerkleTree:
    """Build the tree over an order's spec digests, in the order of its tasks (1 to 65,536).

    Errors: "specs: width", "trees: empty", "trees: count".
    """
    digests = tuple(spec_digests)
    _require_width(*digests)
    require(len(digests) <= MAX_COUNT, ERR_COUNT)
    return MerkleTree(SPECS, digests)


def specs_root(spec_digests: Iterable[bytes]) -> bytes:
    """Compute an order's `specs_root`. Errors as `specs_tree`."""
    return specs_tree(spec_digests).root


def chunks_tree(data: bytes) -> MerkleTree:
    """Build the tree over the 1,024-byte chunks of `data`, the last as short as it is; no bytes are one empty chunk."""
    return MerkleTree(CHUNKS, (data[at : at + CHUNK_BYTES] for at in range(0, max(1, len(data)), CHUNK_BYTES)))


def input_root(data: bytes) -> bytes:
    """Compute the root of a task's input bytes in every class but `exact`."""
    return chunks_tree(data).root


def output_digest(delivered: bytes) -> bytes:
    """Compute the digest of a task's delivered bytes in every class but `exact`."""
    return chunks_tree(delivered).root


def private_output_digest(output_root: bytes, cipher_root: bytes) -> bytes:
    """Bind a private task's output to its ciphertext: both roots, 32 bytes each. Errors: "specs: width"."""
    _require_width(output_root, cipher_root)
    return sha256(PRIVATE_OUTPUT + output_root + cipher_root).digest()


def model_id(creator: bytes, manifest_digest: bytes) -> bytes:
    """Name a model by its creator's account and its manifest. Errors: "specs: width"."""
    _require_width(creator, manifest_digest)
    return sha256(MODEL_ID + creator + manifest_digest).digest()


def commitment(batch_id: bytes, provider: bytes, outputs_root: bytes, total_units: int, salt: bytes) -> bytes:
    """Seal a replica's post until all are in; `total_units` u64, all else 32 bytes, the salt secret and random.

    Errors: "specs: width", "trees: result" if the units do not fit u64.
    """
    _require_width(batch_id, provider, outputs_root, salt)
    require(0 <= total_units <= U64, ERR_RESULT)
    units = total_units.to_bytes(8, "big")
    return sha256(COMMITMENT + batch_id + provider + outputs_root + units + salt).digest()


@dataclass(frozen=True, slots=True)
class Membership:
    """Proof that an account is among those an order admits: its place, their number, and the sibling hashes."""

    index: int
    count: int
    path: tuple[bytes, ...]


def providers_tree(accounts: Iterable[bytes]) -> MerkleTree:
    """Build the tree over admitted accounts, sorted and without repetition, so that one set has one root.

    Errors: "specs: width", "trees: empty".
    """
    return MerkleTree(PROVIDERS, _distinct(accounts))


def providers_root(accounts: Iterable[bytes]) -> bytes:
    """Compute an order's `providers_root`. Errors as `providers_tree`."""
    return providers_tree(accounts).root


def prove_provider(accounts: Iterable[bytes], provider: bytes) -> Membership:
    """Prove that `provider` is among `accounts`. Errors: "specs: provider" if it is not, and as `providers_tree`."""
    admitted = _distinct(accounts)
    tree = MerkleTree(PROVIDERS, admitted)
    require(provider in admitted, ERR_PROVIDER)
    index = admitted.index(provider)
    return Membership(index, tree.count, tree.prove(index))


def verify_provider(root: bytes, provider: bytes, membership: Membership) -> None:
    """Check that `provider` is among the accounts under `root`. Errors: "specs: width", "trees: path"."""
    _require_width(provider)
    verify(PROVIDERS, root, membership.count, membership.index, provider, membership.path)


def _distinct(accounts: Iterable[bytes]) -> Sequence[bytes]:
    distinct = sorted(set(accounts))
    _require_width(*distinct)
    return distinct


def _require_width(*values: bytes) -> None:
    require(all(len(value) == DIGEST_BYTES for value in values), ERR_WIDTH)
