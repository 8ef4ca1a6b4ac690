"""Comparing a config on a chain with what the specification makes of its recorded calls (stun.protocol.config)."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from stun.chains.evm.addresses import narrow, widen
from stun.chains.evm.deployments import DeploymentFile, DeploymentInvalid, from_json
from stun.chains.evm.findings import Findings
from stun.chains.evm.market_contracts import interface
from stun.chains.evm.rpc import ChainView
from stun.chains.interface import ChainError
from stun.protocol.config import ConfigState, Peers, delist_asset, list_asset, publish
from stun.protocol.errors import Rejected
from stun.protocol.parameters import PARAMETERS, AssetRules, Bound, asset_rules_from_word, read

_BOUNDS = "(uint64,uint64,uint64,uint64)[]"
_LONG_SECONDS = 10**9  # between two recorded versions: when they were made is not the record's business


def compare_config(file: DeploymentFile, view: ChainView, findings: Findings) -> None:
    """Compare every recorded version, what is in force now, and the assets. Errors: Unreachable, EndpointsDisagree."""
    try:
        expected = replayed(file)
    except (Rejected, DeploymentInvalid) as error:
        findings.same("Config", "recorded calls", "possible", f"refused: {error}")
        return
    config = _Config(file.address("Config"), view, findings)
    config.versions(expected)
    config.assets(expected)


def replayed(file: DeploymentFile) -> ConfigState:
    """The config that the recorded calls make. Errors: Rejected, DeploymentInvalid."""
    bounds = from_json(file.contracts["Config"].arguments.get("bounds"), _BOUNDS)
    state = ConfigState(bounds=tuple(Bound(*bound) for bound in bounds))
    calls = [call for call in file.calls if call.contract == "Config" and call.function in _STEPS]
    for number, call in enumerate(calls, start=1):
        kinds = interface("Config").function(call.function).inputs
        if len(kinds) != len(call.arguments):
            raise DeploymentInvalid(f"Config.{call.function} takes {len(kinds)} arguments")
        values = [from_json(value, kind) for value, kind in zip(call.arguments.values(), kinds, strict=True)]
        try:
            state = _STEPS[call.function](state, number * _LONG_SECONDS, *values)
        except (TypeError, ChainError) as error:
            raise DeploymentInvalid(f"Config.{call.function}: {error}") from None
    return state


def _publish(state: ConfigState, now: int, values: tuple[int, ...], peers: tuple[bytes, ...]) -> ConfigState:
    return publish(state, values, Peers(*(widen(peer) for peer in peers)), now)


def _list_asset(state: ConfigState, _now: int, asset: bytes, *rules: int) -> ConfigState:
    return list_asset(state, widen(asset), AssetRules(*rules))


def _delist_asset(state: ConfigState, _now: int, asset: bytes) -> ConfigState:
    return delist_asset(state, widen(asset))


_STEPS: dict[str, Callable[..., ConfigState]] = {
    "publish": _publish,
    "list_asset": _list_asset,
    "delist_asset": _delist_asset,
}


@dataclass(frozen=True, slots=True)
class _Config:
    """The contract under comparison."""

    address: bytes
    view: ChainView
    findings: Findings

    def versions(self, expected: ConfigState) -> None:
        """Every recorded version, each parameter by its name; then what is in force, if that is a later one."""
        found = int(self._read("version"))
        self._same("version in force", str(expected.version), str(found))
        for number, version in enumerate(expected.versions, start=1):
            words = dict(zip(version.words, self._read("words", number), strict=True))
            for p in PARAMETERS:
                recorded, now = read(version.words[p.word], p.name), read(words[p.word], p.name)
                self._same(f"{p.name} of version {number}", str(recorded), str(now))
            peers = self._read("peers", number)
            for (name, recorded_peer), peer in zip(asdict(version.peers).items(), peers, strict=True):
                self._same(f"{name} of version {number}", to_checksum_address(narrow(recorded_peer)), _text(peer))
        if found != expected.version:
            for index, p in enumerate(PARAMETERS):
                self._same(f"{p.name} in force", str(expected.values[index]), str(self._read("value", index)))

    def assets(self, expected: ConfigState) -> None:
        """The rules of every recorded asset, in force now."""
        for asset, rules in expected.assets.items():
            token = narrow(asset)
            word, audit = int(self._read("match_rules", token)[3]), int(self._read("audit_word", token))
            found = asdict(asset_rules_from_word(word, audit))
            for name, recorded in asdict(rules).items():
                self._same(f"{name} of asset {_text(token)}", str(recorded), str(found[name]))

    def _same(self, what: str, expected: str, found: str) -> None:
        self.findings.same("Config", what, expected, found)

    def _read(self, function: str, *arguments: Any) -> Any:
        return self.view.read(self.address, interface("Config").function(function), *arguments)


def _text(address: bytes) -> str:
    return str(to_checksum_address(address))
