"""The beacon's vectors are judged from the file alone, by the specification and by the contract."""

import json
from typing import Any

import pytest
from beacon_rounds import NINE, pair_of, words
from deployed_beacon import deploy_beacon

from scripts.conformance.encoding import outcome
from scripts.vectors import FOLDER
from stun.protocol.beacon import bls
from stun.protocol.beacon.hash_to_curve import hash_to_field, map_to_curve
from stun.protocol.beacon.rounds import Schedule

pytestmark = pytest.mark.conformance

FILE = json.loads((FOLDER / "beacon.json").read_text())


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def schedule_of(fields: dict[str, str]) -> Schedule:
    return Schedule(**{name: int(value) for name, value in fields.items()})


def key_of(network: str) -> bytes:
    return raw(FILE[network]["key"])


@pytest.mark.parametrize("case", FILE["rounds"], ids=lambda case: f"{case['network']} {case['round']}")
def test_rounds_verify(case: dict[str, Any]) -> None:
    number, signature = int(case["round"]), raw(case["signature"])

    assert bls.verify(key_of(case["network"]), number, signature) == raw(case["randomness"])
    assert hash_to_field(bls.message(number)) == tuple(map(int, case["elements"]))
    contract = deploy_beacon(key_of(case["network"]), schedule_of(FILE[case["network"]]["schedule"]))
    assert contract.verify(number, signature).output == raw(case["randomness"])


def test_rounds_are_of_every_pair_of_candidates() -> None:
    assert {pair_of(int(case["round"])) for case in FILE["rounds"]} == set(NINE)
    assert sum(case["network"] == "evmnet" for case in FILE["rounds"]) == 4


@pytest.mark.parametrize("case", FILE["refused"], ids=lambda case: case["forgery"])
def test_forgeries_are_refused(case: dict[str, Any]) -> None:
    number, signature = int(case["round"]), raw(case["signature"])

    assert outcome(bls.verify, key_of("evmnet"), number, signature) == {"error": case["error"]}
    if len(signature) == bls.SIGNATURE_BYTES:
        contract = deploy_beacon(key_of("evmnet"), schedule_of(FILE["evmnet"]["schedule"]))
        assert contract.call("verify", number, words(signature)).reason == case["error"]


def test_elements_map_to_their_points() -> None:
    for case in FILE["maps"]:
        assert map_to_curve(int(case["element"])) == tuple(map(int, case["point"]))


def test_the_round_that_decides_is_known() -> None:
    for case in FILE["due_rounds"]:
        assert schedule_of(case["schedule"]).due_round(int(case["now"]), int(case["newest"])) == int(case["due_round"])
        if case["newest"] == "0":
            contract = deploy_beacon(key_of("evmnet"), schedule_of(case["schedule"]))
            assert contract.due_round(int(case["now"])) == int(case["due_round"])
