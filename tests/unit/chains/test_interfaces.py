"""The checked-in interfaces are those that the sources compile to; reading them needs no compiler."""

import json
import subprocess
import sys

import pytest

from stun.chains.evm.artifacts import ArtifactStore
from stun.chains.evm.market_contracts import (
    CONTRACTS,
    InterfaceUnknown,
    compiled_interface,
    interface,
    interface_path,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", CONTRACTS)
def test_interface_is_the_compiled_one(name: str) -> None:
    written = json.loads(interface_path(name).read_text())

    assert written == compiled_interface(name, ArtifactStore()), "run scripts/abi.py"


def test_reading_interfaces_loads_no_compiler() -> None:
    code = "import sys, stun_sdk, stun.chains.evm.market_contracts as m; [m.interface(n) for n in m.CONTRACTS]"
    code += "; sys.exit(any(name.split('.')[0] in ('vyper', 'boa') for name in sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["Nothing", "../Config", ""])
def test_unknown_contract_is_named(name: str) -> None:
    with pytest.raises(InterfaceUnknown):
        interface(name)
