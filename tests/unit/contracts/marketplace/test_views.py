"""What can be read: batch, domain_separator, eip712Domain, the peers' addresses; and that every function answers."""

import re
from hashlib import sha256

import pytest
from evm_contracts import CONTRACTS
from market_stage import Stage, honest_tree

from stun.chains.evm.abi import head_size
from stun.chains.evm.market_contracts import interface
from stun.protocol.trees.results import ResultsTree

pytestmark = pytest.mark.unit


def declared_names() -> list[str]:
    """Return the names of the external functions that the interface file declares."""
    text = (CONTRACTS / "interfaces" / "IMarketplace.vyi").read_text()
    return re.findall(r"@external\n(?:@view\n)?def (\w+)\(", text)


def test_the_domain_is_that_of_the_specification(stage: Stage) -> None:
    domain = stage.deployed.domain
    assert stage.view("domain_separator") == domain.separator()
    fields, name, version, chain_id, contract, salt, extensions = stage.view("eip712Domain")
    assert (fields, name, version, chain_id) == (b"\x0f", "STUN", "1", domain.chain_id)
    assert (contract, salt, extensions) == (stage.market, bytes(32), ())


def test_an_unknown_batch_is_all_zero(stage: Stage) -> None:
    zeros = (bytes(32), 0, 0, 0, False, False, False, 0, (0, 0, 0), (bytes(32),) * 3, (0, 0, 0), 0)
    assert stage.view("batch", bytes(32)) == zeros


def test_a_batch_shows_what_is_stored_until_it_is_final(stage: Stage) -> None:
    opened, tree = stage.open(stage.order()), honest_tree()
    batch = stage.batch(opened)
    assert (batch.phase, batch.seq, batch.states, batch.digests) == (1, 1, (0, 0, 0), (bytes(32),) * 3)
    stage.post(opened, tree)
    batch = stage.batch(opened)
    assert (batch.phase, batch.phase_at, batch.posted, batch.seq) == (3, stage.now, True, 2)
    assert (batch.states, batch.digests) == ((2, 0, 0), (digest_of(tree), bytes(32), bytes(32)))
    stage.travel(300)
    stage.must(stage.settler, "settle", *opened.about, tree.root, tree.total_units)
    assert stage.batch(opened).phase == 0
    assert stage.batch(opened).terms_digest == bytes(32)


def test_the_market_names_its_peers(stage: Stage) -> None:
    addresses = stage.deployed.addresses
    assert stage.view("CONFIG") == addresses["Config"]
    assert stage.view("REGISTRY") == addresses["ModelRegistry"]
    assert stage.view("SETTLEMENT") == addresses["Settlement"]


@pytest.mark.parametrize("name", declared_names())
def test_every_function_of_the_interface_answers_at_the_markets_address(stage: Stage, name: str) -> None:
    function = interface("Marketplace").function(name)
    zeros = bytes(sum(head_size(kind) for kind in function.inputs))
    outcome = stage.deployed.machine.send(bytes(20), stage.market, function.selector + zeros)
    assert outcome.reason is None or re.fullmatch(r"[a-z]+: [a-z ]+", outcome.reason), outcome.reason


def test_an_unknown_selector_is_refused_without_a_reason(stage: Stage) -> None:
    outcome = stage.deployed.machine.send(bytes(20), stage.market, b"\xde\xad\xbe\xef")
    assert (outcome.reason is None, outcome.output) == (False, b"")


def digest_of(tree: ResultsTree) -> bytes:
    """What is stored of a revealed result."""
    return sha256(tree.root + tree.total_units.to_bytes(8, "big")).digest()
