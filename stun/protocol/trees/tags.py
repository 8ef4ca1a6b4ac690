"""Domain tags: the first byte of everything the protocol hashes with sha256, so that no hash has two meanings.

Two families. `0x1_` opens a flat hash of fixed-width fields; `0x2_` opens a node of a tree and is followed by
`LEAF`, `NODE` or `CROWN`. Every tag is one byte; no two are equal. Source: PROTOCOL.md sections 4 to 9.
"""

from typing import Final

# Flat hashes: sha256(tag | fields).
MODEL_ID: Final = b"\x10"  # creator 32 | manifest_digest
SPEC: Final = b"\x11"  # input_root | params_digest | json_digest
COMMITMENT: Final = b"\x12"  # batch_id | provider 32 | outputs_root | total_units u64 | salt 32
DRAW: Final = b"\x13"  # randomness | batch_id
PRIVATE_OUTPUT: Final = b"\x15"  # output_root | cipher_root
EVIDENCE: Final = b"\x16"  # challenger 32 | digest of the encoded evidence | salt 32
CASE: Final = b"\x17"  # what a dispute about one task rests on (court/state.py)
TRACED: Final = b"\x18"  # case digest | trace_root | cipher_root
PICK_SEAT: Final = b"\x19"  # randomness | batch_id | attempt u32
PICK_TASK: Final = b"\x1a"  # randomness | batch_id | number u32
SEAL: Final = b"\x1b"  # batch_id | account 32 | verdict | salt 32

# Trees: sha256(tag | LEAF or NODE or CROWN | ...).
SPECS: Final = b"\x20"  # leaf: spec digest of one task of an order
RESULTS: Final = b"\x21"  # sum tree; leaf: index u32 | output_digest | units u64
TRACES: Final = b"\x22"  # leaf: trace root of one task
OPS: Final = b"\x23"  # one trace; leaf: account 32 | op_index | output_root
ROWS: Final = b"\x24"  # one tensor; leaf: packed rows; crowned with shape and width
CHUNKS: Final = b"\x25"  # bytes that are no tensor; leaf: up to 1,024 bytes
GRAPH: Final = b"\x26"  # operators of a model; leaf: op_index | opcode | shape | scalars | predecessors | weights
WEIGHTS: Final = b"\x27"  # tensors of a model; leaf: root of one tensor's rows
PROVIDERS: Final = b"\x28"  # whom an order admits; leaf: account 32

# Second byte of a tree's hashes.
LEAF: Final = b"\x00"
NODE: Final = b"\x01"
CROWN: Final = b"\x02"
