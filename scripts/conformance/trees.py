"""Vectors of every tree and flat hash, and of the evidence of a disagreement."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from scripts.conformance.encoding import encode, noise, number, outcome
from stun.protocol.parameters import U64
from stun.protocol.trees import specs
from stun.protocol.trees.resolve import Resolution, pack_siblings, prove_differences, verify_resolution
from stun.protocol.trees.results import Result, ResultsTree, Top, derive

COUNTS = (1, 2, 3, 4, 5, 6, 7, 8, 9, 31, 32, 33)


def tree_vectors() -> dict[str, Any]:
    """Return specs, providers and chunks trees with their proofs, results trees, and the flat hashes."""
    return {
        "specs_trees": [_specs(count) for count in COUNTS],
        "providers": [_providers(count) for count in (1, 2, 5, 8)],
        "chunks": [_chunks(size) for size in (0, 1, 1_023, 1_024, 1_025, 5_000)],
        "results_trees": [_results(count) for count in COUNTS],
        "tops": _tops(),
        "flat_hashes": _flat(),
    }


def results_of(count: int, wrong: dict[int, str] | None = None, units: int = 1_000) -> list[Result]:
    """Return results that look random; `wrong` gives single tasks another output."""
    changed = wrong or {}
    return [
        Result(noise(changed.get(i, f"output {i}")), number(f"units {i} {changed.get(i)}", units)) for i in range(count)
    ]


def _specs(count: int) -> Any:
    leaves = [noise(f"spec {index}") for index in range(count)]
    tree = specs.specs_tree(leaves)
    proofs = {index: tree.prove(index) for index in {0, count // 2, count - 1}}
    return encode({"leaves": leaves, "root": tree.root, "proofs": dict(sorted(proofs.items()))})


def _providers(count: int) -> dict[str, Any]:
    accounts = [noise(f"provider {index}") for index in range(count)]
    proof = specs.prove_provider(accounts, accounts[0])
    root = specs.providers_root(accounts)
    wrong = {
        "index": replace(proof, index=proof.index + 1), "count": replace(proof, count=proof.count + 1),
        "spare": replace(proof, path=(*proof.path, bytes(32))), "none": replace(proof, count=0),
    }  # fmt: skip
    refused = {
        name: outcome(specs.verify_provider, root, accounts[0], w) | {"proof": encode(w)} for name, w in wrong.items()
    }
    return {"accounts": encode(accounts), "root": encode(root), "of_first": encode(proof), "wrong": refused}


def _chunks(size: int) -> dict[str, Any]:
    data = bytes(index * 7 % 256 for index in range(size))
    return {"size": encode(size), "byte": "i * 7 mod 256", "root": encode(specs.chunks_tree(data).root)}


def _results(count: int) -> Any:
    tree = ResultsTree(results_of(count))
    proofs = {index: tree.prove(index) for index in sorted({0, count // 2, count - 1})}
    return encode({
        "results": tree.results, "top": tree.top, "root": tree.root, "total_units": tree.total_units, "proofs": proofs,
    })  # fmt: skip


def _tops() -> list[dict[str, Any]]:
    left, right = noise("left"), noise("right")
    cases = [
        (1, Top(left, 5, bytes(32), 0)), (1, Top(left, 5, right, 0)), (1, Top(left, 5, bytes(32), 1)),
        (1, Top(left, U64, bytes(32), 0)), (2, Top(left, 5, right, 6)), (65_536, Top(left, U64, right, 0)),
        (2, Top(left, U64, right, 1)), (2, Top(left, U64, right, U64)), (0, Top(left, 5, right, 6)),
        (65_537, Top(left, 5, right, 6)),
    ]  # fmt: skip
    return [{"count": encode(count), "top": encode(top), **outcome(derive, count, top)} for count, top in cases]


def _flat() -> list[dict[str, Any]]:
    a, b, c, d = (noise(letter) for letter in "abcd")
    functions: list[tuple[Callable[..., bytes], tuple[Any, ...]]] = [
        (specs.model_id, (a, b)), (specs.spec_digest, (a, b, c)), (specs.private_output_digest, (a, b)),
        (specs.commitment, (a, b, c, 0, d)), (specs.commitment, (a, b, c, U64, d)),
        (specs.commitment, (a, b, c, U64 + 1, d)),
        (specs.json_digest, ({"b": [1, 2.5, None], "a": "\u00e9"},)),
    ]  # fmt: skip
    return [
        {"function": f.__name__, "arguments": [x if isinstance(x, dict) else encode(x) for x in xs], **outcome(f, *xs)}
        for f, xs in functions
    ]


def resolution_vectors() -> dict[str, Any]:
    """Return good evidence of many shapes with what it makes due, and forged evidence with the code that refuses it."""
    good = []
    for count, tasks, replicas in (
        (1, [0], 2), (2, [0], 2), (2, [0, 1], 3), (3, [2], 3), (4, [1], 2), (5, [4], 3), (5, [3, 4], 2), (7, [0, 6], 3),
        (9, [8], 3), (33, [0, 31, 32], 3), (1_000, [0, 1, 511, 512, 998, 999], 2), (1_024, list(range(100, 132)), 3),
    ):  # fmt: skip
        trees = [ResultsTree(results_of(count, {t: f"{k} {t}" for t in tasks})) for k in range(replicas)]
        good.append(_evidence(trees, prove_differences(trees)))
    pair = [
        ResultsTree(results_of(9)),
        ResultsTree(results_of(9, {3: "x"})),
        ResultsTree(results_of(9, {3: "x", 7: "y"})),
    ]
    good.append(_evidence(pair, prove_differences(pair)))
    return {"resolutions": good, "forged": [{"forgery": name, **_evidence(pair, made)} for name, made in _forged(pair)]}


def _evidence(trees: list[ResultsTree], evidence: Resolution) -> dict[str, Any]:
    roots, totals = [tree.root for tree in trees], [tree.total_units for tree in trees]
    answer = outcome(verify_resolution, trees[0].count, roots, totals, evidence)
    return {
        "count": encode(trees[0].count), "roots": encode(roots), "totals": encode(totals),
        "tasks": encode(evidence.tasks), "leaves": encode(evidence.leaves),
        "siblings": encode(pack_siblings(evidence.siblings)), **answer,
    }  # fmt: skip


def _forged(trees: list[ResultsTree]) -> list[tuple[str, Resolution]]:
    true = prove_differences(trees)
    first, *others = true.siblings
    ghost = replace(true, tasks=(3, 9))
    high = tuple(tuple(replace(leaf, units=U64) for leaf in row) for row in true.leaves)
    return [
        ("missing node", replace(true, siblings=true.siblings[:-1])),
        ("spare node", replace(true, siblings=(*true.siblings, first))),
        ("reversed nodes", replace(true, siblings=true.siblings[::-1])),
        ("forged units of a node", replace(true, siblings=((first[0], first[1] + 1), *others))),
        ("repeated index", replace(true, tasks=(3, 3))),
        ("unsorted indices", replace(true, tasks=(7, 3))),
        ("ghost index", ghost),
        ("no index", replace(true, tasks=(), leaves=())),
        ("missing leaves", replace(true, leaves=true.leaves[:1])),
        ("swapped leaves", replace(true, leaves=tuple(row[::-1] for row in true.leaves))),
        ("overflow", replace(true, leaves=high)),
        ("undisclosed difference", replace(true, tasks=(3,), leaves=true.leaves[:1])),
    ]
