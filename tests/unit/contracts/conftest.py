"""The contracts around the market as a development network has them; each test starts from a fresh chain state."""

from collections.abc import Iterator
from typing import Any

import boa
import pytest
from evm_contracts import STUN, deploy_config, deploy_staking, deploy_token, deployer, publish


@pytest.fixture(autouse=True)
def fresh_chain() -> Iterator[None]:
    """Undo after each test what it did to the chain."""
    with boa.env.anchor():
        yield


@pytest.fixture
def owner() -> str:
    return boa.env.generate_address("owner")


@pytest.fixture
def treasury() -> str:
    return boa.env.generate_address("treasury")


@pytest.fixture
def stranger() -> str:
    return boa.env.generate_address("stranger")


@pytest.fixture
def token(treasury: str) -> Any:
    """STUN; the treasury holds the whole supply and owns the contract."""
    return deploy_token(treasury)


@pytest.fixture
def config(owner: str) -> Any:
    """A config with version 1 of a development network."""
    contract = deploy_config(owner)
    publish(contract, owner)
    return contract


@pytest.fixture
def staking(token: Any, config: Any, owner: str) -> Any:
    return deploy_staking(token, config, owner)


@pytest.fixture
def slasher(staking: Any, owner: str) -> str:
    """An account that may slash."""
    account = boa.env.generate_address("slasher")
    staking.set_slasher(account, True, sender=owner)
    return str(account)


@pytest.fixture
def registry(token: Any, config: Any) -> Any:
    return deployer("ModelRegistry").deploy(token, config)


@pytest.fixture
def reputation(owner: str) -> Any:
    return deployer("Reputation").deploy(owner)


@pytest.fixture
def recorder(reputation: Any, owner: str) -> str:
    """An account that may record."""
    account = boa.env.generate_address("recorder")
    reputation.set_recorder(account, True, sender=owner)
    return str(account)


@pytest.fixture
def provider(token: Any, treasury: str, staking: Any) -> str:
    """An account with 1,000 STUN that the staking contract may take."""
    account = boa.env.generate_address("provider")
    token.transfer(account, 1_000 * STUN, sender=treasury)
    token.approve(staking, 1_000 * STUN, sender=account)
    return str(account)


@pytest.fixture
def creator(token: Any, treasury: str, registry: Any) -> str:
    """An account with 1,000 STUN that the registry may take."""
    account = boa.env.generate_address("creator")
    token.transfer(account, 1_000 * STUN, sender=treasury)
    token.approve(registry, 1_000 * STUN, sender=account)
    return str(account)
