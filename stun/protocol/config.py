"""The governed config: immutable numbered versions of bounded parameters, peers, and the list of assets.

Pure functions on one record; the bounds are the network's own and never change. Assets and peers are 32-byte accounts.
That only governance calls is the contract's business. Source: docs/PROTOCOL.md, section 11, and docs/PARAMETERS.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace

from stun.protocol.errors import require
from stun.protocol.parameters import PARAMETERS, U64, AssetRules, Bound, check_relations, pack, production_bounds

MAX_VERSION = 65_535
NOBODY = bytes(32)


@dataclass(frozen=True, slots=True)
class Peers:
    """The contracts that may use the market's hooks in batches of one version, and its beacon; zero is nobody."""

    settlement: bytes = NOBODY
    court: bytes = NOBODY
    audit: bytes = NOBODY
    beacon: bytes = NOBODY


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable version: the packed words {rules, limits, times, duties}, which name it, and its peers."""

    words: Mapping[str, int]
    peers: Peers


@dataclass(frozen=True, slots=True)
class ConfigState:
    """A network's config.

    `bounds`, `values` and `changed_at` (seconds) are in the order of PARAMETERS; `versions[n - 1]` is version n.
    `audit_words` outlive a delisting, since batches that are open are still audited.
    """

    bounds: tuple[Bound, ...] = field(default_factory=production_bounds)
    values: tuple[int, ...] = (0,) * len(PARAMETERS)
    changed_at: tuple[int, ...] = (0,) * len(PARAMETERS)
    versions: tuple[Version, ...] = ()
    assets: Mapping[bytes, AssetRules] = field(default_factory=dict)
    audit_words: Mapping[bytes, int] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """Return the number of the current version, 0 before the first."""
        return len(self.versions)


@dataclass(frozen=True, slots=True)
class MatchRules:
    """What a match under the current version reads: three words, the asset's word (0: not listed), its audit word."""

    rules: int
    limits: int
    times: int
    asset_word: int
    audit_word: int


def publish(state: ConfigState, values: Sequence[int], peers: Peers, now: int) -> ConfigState:
    """Make the next version out of every parameter in the order of PARAMETERS.

    The first version is exempt from step and cooldown. Errors: "config: count", "config: versions" (no number left),
    "config: bounds", "config: step", "config: cooldown", and those of `check_relations`.
    """
    require(len(values) == len(PARAMETERS), "config: count")
    require(state.version < MAX_VERSION, "config: versions")
    for index, value in enumerate(values):
        _check_change(state, index, value, now)
    named = {p.name: value for p, value in zip(PARAMETERS, values, strict=True)}
    check_relations(named)
    first = state.version == 0
    moments = zip(values, state.values, state.changed_at, strict=True)
    changed_at = tuple(now if first or new != old else at for new, old, at in moments)
    published = replace(state, values=tuple(values), changed_at=changed_at)
    return _next_version(published, peers)


def list_asset(state: ConfigState, asset: bytes, rules: AssetRules) -> ConfigState:
    """Allow an asset, or change its amounts, in a new version.

    Errors: "config: asset" (zero), "config: bond" (no least bond), "config: reward" (cap below the least bond),
    "config: reference" (no reference fee), "config: width" (an amount above 64 bits), "config: versions",
    "config: no version" (before the first `publish`).
    """
    require(asset != NOBODY, "config: asset")
    require(rules.min_bond > 0, "config: bond")
    require(rules.reward_cap >= rules.min_bond, "config: reward")
    require(rules.reference_fee > 0, "config: reference")
    require(all(0 <= amount <= U64 for amount in astuple(rules)), "config: width")
    listed = _change_assets(state, {**state.assets, asset: rules})
    return replace(listed, audit_words={**listed.audit_words, asset: rules.audit_word()})


def delist_asset(state: ConfigState, asset: bytes) -> ConfigState:
    """Refuse an asset to new deposits and new batches, in a new version.

    Errors: "config: asset" (not listed), "config: versions".
    """
    require(asset in state.assets, "config: asset")
    return _change_assets(state, {key: rules for key, rules in state.assets.items() if key != asset})


def match_rules(state: ConfigState, asset: bytes) -> MatchRules:
    """Return the current words, the asset's word, and its audit word (0 while the parameter `auditors` is 0)."""
    words = state.versions[-1].words if state.versions else {"rules": 0, "limits": 0, "times": 0}
    rules = state.assets.get(asset)
    word = rules.word() if rules is not None else 0
    audit_word = state.audit_words.get(asset, 0) if value(state, "auditors") else 0
    return MatchRules(words["rules"], words["limits"], words["times"], word, audit_word)


def is_listed(state: ConfigState, asset: bytes) -> bool:
    """Return whether deposits and orders may use an asset."""
    return asset in state.assets


def value(state: ConfigState, name: str) -> int:
    """Return the current value of a parameter."""
    return state.values[[p.name for p in PARAMETERS].index(name)]


def peers(state: ConfigState, version: int) -> Peers:
    """Return the peers of a version, nobody if there is none."""
    return state.versions[version - 1].peers if 0 < version <= state.version else Peers()


def _check_change(state: ConfigState, index: int, new: int, now: int) -> None:
    bound, old = state.bounds[index], state.values[index]
    require(bound.minimum <= new <= bound.maximum, "config: bounds")
    if state.version and new != old:
        require(abs(new - old) <= bound.max_step, "config: step")
        require(now >= state.changed_at[index] + bound.cooldown, "config: cooldown")


def _change_assets(state: ConfigState, assets: Mapping[bytes, AssetRules]) -> ConfigState:
    require(state.version < MAX_VERSION, "config: versions")
    require(state.version > 0, "config: no version")
    return _next_version(replace(state, assets=assets), state.versions[-1].peers)


def _next_version(state: ConfigState, peers: Peers) -> ConfigState:
    named = {p.name: value for p, value in zip(PARAMETERS, state.values, strict=True)}
    version = Version(pack(named, state.version + 1), peers)
    return replace(state, versions=(*state.versions, version))
