"""The development beacon as it is run: a process of its own, read over a loopback port as drand's servers are."""

from pathlib import Path

import pytest

from keepers.beacon.drand import DrandSource
from keepers.beacon.sources import RoundNotOut
from stun.chains.evm.nodes import free_port
from stun.cli.devnet_servers import start_server, stop_servers
from stun.protocol.beacon.bls import public_key, verify

pytestmark = pytest.mark.integration


def test_a_beacon_of_ones_own_is_read_over_http(tmp_path: Path) -> None:
    port = free_port()
    env = {"STUN_BEACON_PORT": str(port), "STUN_BEACON_SECRET": "7", "STUN_BEACON_GENESIS": "1700000000"}
    server = start_server(tmp_path, "beacon", "keepers.beacon.server", port, env)
    try:
        source = DrandSource([server.url], public_key(7))
        assert verify(public_key(7), 40, source.signature(40))
        with pytest.raises(RoundNotOut):
            source.signature(2**40)
    finally:
        assert stop_servers(tmp_path) == ["beacon"]
