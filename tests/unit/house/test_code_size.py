"""Every deployable contract fits in what a chain takes (EIP-170)."""

import pytest

from stun.chains.evm.artifacts import MAX_CODE_BYTES, ROOT, ArtifactStore

CONTRACTS = sorted(path.stem for path in (ROOT / "contracts").glob("*.vy"))


@pytest.mark.parametrize("name", CONTRACTS)
def test_contract_fits(name: str) -> None:
    assert 0 < ArtifactStore().load(name).code_size < MAX_CODE_BYTES
