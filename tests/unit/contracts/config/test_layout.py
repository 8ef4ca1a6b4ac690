"""The contract's layout of the parameters is the specification's."""

import re
from typing import Any

import boa
import pytest
from evm_contracts import CONTRACTS, publish

from stun.protocol.parameters import BY_NAME, PARAMETERS, SHIFTS, VERSION_SHIFT, WORDS, Bound, development, pack, read

pytestmark = pytest.mark.unit

SOURCE = (CONTRACTS / "modules" / "config_layout.vy").read_text()


def scalar(name: str) -> int:
    match = re.search(rf"^{name}: constant\(uint256\) = (\d+)", SOURCE, re.MULTILINE)
    assert match is not None, name
    return int(match[1])


def array(name: str) -> list[int]:
    match = re.search(rf"^{name}: constant\(uint256\[COUNT\]\) = \[([^\]]*)\]", SOURCE, re.MULTILINE)
    assert match is not None, name
    return [int(number) for number in re.findall(r"\d+", match[1])]


def test_order_and_widths_are_the_specifications() -> None:
    assert scalar("COUNT") == len(PARAMETERS)
    assert scalar("VERSION_SHIFT") == VERSION_SHIFT
    assert [scalar(p.name.upper()) for p in PARAMETERS] == list(range(len(PARAMETERS)))
    assert array("BITS") == [p.bits for p in PARAMETERS]
    assert array("WORDS") == [WORDS.index(p.word) for p in PARAMETERS]
    assert array("SHIFTS") == [SHIFTS[p.name] for p in PARAMETERS]


def test_shortcut_to_the_auditors_is_the_layouts() -> None:
    assert scalar("AUDITORS_SHIFT") == SHIFTS["auditors"]
    assert scalar("AUDITORS_MASK") == (1 << BY_NAME["auditors"].bits) - 1
    assert BY_NAME["auditors"].word == WORDS[1]


def test_published_words_are_the_specifications(config: Any) -> None:
    words = pack(development()[0], version=1)
    assert config.words(1) == [words[word] for word in WORDS]
    for index, parameter in enumerate(PARAMETERS):
        assert config.value(index) == development()[0][parameter.name]


def test_every_parameter_has_bits_of_its_own(owner: str, config: Any) -> None:
    for index, parameter in enumerate(PARAMETERS):
        with boa.env.anchor():
            value = development()[0][parameter.name]
            changed = value + 1 if value < parameter.maximum else value - 1
            version = publish(config, owner, {parameter.name: changed})
            words = dict(zip(WORDS, config.words(version), strict=True))
            assert config.value(index) == read(words[parameter.word], parameter.name) == changed
            others = [config.value(i) for i in range(len(PARAMETERS)) if i != index]
            assert others == [value for name, value in development()[0].items() if name != parameter.name]


def test_bounds_are_those_given(config: Any) -> None:
    for index, bound in enumerate(development()[1]):
        assert Bound(*config.bound(index)) == bound


@pytest.mark.parametrize("view", ["value", "bound", "changed_at"])
def test_views_refuse_an_unknown_parameter(config: Any, view: str) -> None:
    for index in (len(PARAMETERS), 2**256 - 1):
        with boa.reverts("config: index"):
            getattr(config, view)(index)
