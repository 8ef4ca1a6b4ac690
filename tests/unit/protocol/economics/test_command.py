"""`python -m stun.protocol.economics`: what it prints, and what it refuses."""

import json

import pytest

from stun.protocol.economics.__main__ import main
from stun.protocol.economics.strategies import STRATEGIES


def test_records_are_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--plays", "50"]) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert [record["strategy"] for record in records] == [strategy.name for strategy in STRATEGIES]
    assert all(record["profit"] <= 0 for record in records)
    margin = next(turn for turn in records[1]["turns"] if turn["name"] == "bond_margin")
    assert margin["at"] < margin["value"] == 200


def test_the_table_names_every_strategy_and_marks_what_pays(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--plays", "50"])
    text = capsys.readouterr().out

    assert all(strategy.name in text and strategy.told in text for strategy in STRATEGIES)
    assert not [line for line in text.splitlines() if line.startswith("PAYS")]


def test_a_seed_repeats_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for seed in ("1", "1", "2"):
        main(["--json", "--plays", "500", "--seed", seed])
        printed.append(capsys.readouterr().out)

    assert printed[0] == printed[1] != printed[2]


@pytest.mark.parametrize(
    "arguments", [["--plays", "1"], ["--plays", "-3"], ["--plays", "x"], ["--seed", ""], ["--what"]]
)
def test_wrong_arguments_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err
