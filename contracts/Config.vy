# pragma version ~=0.4.3
"""
@title Numbered versions of the governed parameters
@custom:contract-name Config
@license GNU Affero General Public License v3.0 only
@notice Documented in IConfig.
@custom:security Trusts the owner (a timelock) within the bounds given at deployment, which nobody can change. A new
                 version never touches a batch that is open.
@custom:kill Cannot be stopped; without an owner the current version stays for ever.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from .interfaces import IConfig
from .modules import config_layout as layout

implements: IConfig

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: ownable_2step.__interface__

# @dev What the config asks of a beacon (IBeacon).
interface Rounds:
    def due_round() -> uint256: view


ERR_COUNT: constant(String[32]) = "config: count"
ERR_BOUNDS: constant(String[32]) = "config: bounds"
ERR_STEP: constant(String[32]) = "config: step"
ERR_COOLDOWN: constant(String[32]) = "config: cooldown"
ERR_KEEPERS: constant(String[32]) = "config: keepers"
ERR_WITHDRAW: constant(String[32]) = "config: withdraw"
ERR_UNBONDING: constant(String[32]) = "config: unbonding"
ERR_WINDOW: constant(String[32]) = "config: window"
ERR_POST: constant(String[32]) = "config: post"
ERR_HOLD: constant(String[32]) = "config: hold"
ERR_VERSIONS: constant(String[32]) = "config: versions"
ERR_NO_VERSION: constant(String[32]) = "config: no version"
ERR_ASSET: constant(String[32]) = "config: asset"
ERR_BOND: constant(String[32]) = "config: bond"
ERR_REWARD: constant(String[32]) = "config: reward"
ERR_REFERENCE: constant(String[32]) = "config: reference"
ERR_INDEX: constant(String[32]) = "config: index"

MAX_VALUES: constant(uint256) = 40
MAX_VERSION: constant(uint256) = 65_535
MAX_KEEPER_BPS: constant(uint256) = 1_000
MIN_CHALLENGE_WORK_SECONDS: constant(uint256) = 2
U64: constant(uint256) = 2**64 - 1

# @dev minimum u64 | maximum u64 | max_step u64 | cooldown u64, from the least significant bit.
BOUNDS: immutable(uint256[layout.COUNT])

_current: uint256[4]
_words: HashMap[uint256, uint256[4]]
_peers: HashMap[uint256, IConfig.Peers]
_changed_at: uint256[layout.COUNT]
_asset_words: HashMap[address, uint256]
_audit_words: HashMap[address, uint256]


@deploy
def __init__(owner: address, bounds: DynArray[IConfig.Bound, MAX_VALUES]):
    ownable.__init__()
    ownable_2step.__init__()
    ownable_2step._transfer_ownership(owner)
    assert len(bounds) == layout.COUNT, ERR_COUNT
    packed: uint256[layout.COUNT] = empty(uint256[layout.COUNT])
    for i: uint256 in range(layout.COUNT):
        b: IConfig.Bound = bounds[i]
        assert b.minimum <= b.maximum, ERR_BOUNDS
        assert convert(b.maximum, uint256) >> layout.BITS[i] == 0, ERR_BOUNDS
        packed[i] = convert(b.minimum, uint256) | (convert(b.maximum, uint256) << 64)
        packed[i] |= (convert(b.max_step, uint256) << 128) | (convert(b.cooldown, uint256) << 192)
    BOUNDS = packed


@external
def publish(values: DynArray[uint256, MAX_VALUES], peers: IConfig.Peers) -> uint256:
    ownable._check_owner()
    assert len(values) == layout.COUNT, ERR_COUNT
    version: uint256 = self._next_version()
    old_words: uint256[4] = self._current
    words: uint256[4] = [version << layout.VERSION_SHIFT, 0, 0, 0]
    for i: uint256 in range(layout.COUNT):
        self._change(version, i, layout.read(old_words, i), values[i])
        words[layout.WORDS[i]] |= values[i] << layout.SHIFTS[i]
    self._check_relations(words)
    self._publish(version, words, peers)
    return version


@external
def list_asset(
    asset: address,
    min_locked: uint64,
    min_bond: uint64,
    reward_cap: uint64,
    reference_fee: uint64,
    audit_fee: uint64,
    report_fee: uint64,
    audit_cover: uint64,
) -> uint256:
    ownable._check_owner()
    assert asset != empty(address), ERR_ASSET
    assert min_bond > 0, ERR_BOND
    assert reward_cap >= min_bond, ERR_REWARD
    assert reference_fee > 0, ERR_REFERENCE
    word: uint256 = convert(min_locked, uint256) | (convert(min_bond, uint256) << 64)
    word |= (convert(reward_cap, uint256) << 128) | (convert(reference_fee, uint256) << 192)
    audit_word: uint256 = convert(audit_fee, uint256) | (convert(report_fee, uint256) << 64)
    return self._change_asset(asset, word, audit_word | (convert(audit_cover, uint256) << 128))


@external
def delist_asset(asset: address) -> uint256:
    ownable._check_owner()
    assert self._asset_words[asset] != 0, ERR_ASSET
    return self._change_asset(asset, 0, self._audit_words[asset])  # open batches are still audited


@external
@view
def match_rules(asset: address) -> (uint256, uint256, uint256, uint256, uint256):
    limits: uint256 = self._current[1]
    audit_word: uint256 = 0
    if (limits >> layout.AUDITORS_SHIFT) & layout.AUDITORS_MASK != 0:
        audit_word = self._audit_words[asset]
    return self._current[0], limits, self._current[2], self._asset_words[asset], audit_word


@external
@view
def version() -> uint256:
    return self._version()


@external
@view
def words(version: uint256) -> uint256[4]:
    return self._words[version]


@external
@view
def duties(version: uint256) -> uint256:
    return self._words[version][3]


@external
@view
def court_rules(version: uint256) -> (uint256, uint256):
    return self._words[version][2], self._words[version][3]


@external
@view
def peers(version: uint256) -> IConfig.Peers:
    return self._peers[version]


@external
@view
def settlement_of(version: uint256) -> address:
    return self._peers[version].settlement


@external
@view
def court_of(version: uint256) -> address:
    return self._peers[version].court


@external
@view
def audit_of(version: uint256) -> address:
    return self._peers[version].audit


@external
@view
def holders_of(version: uint256) -> (address, address):
    return self._peers[version].court, self._peers[version].audit


@external
@view
def audit_rules(version: uint256, asset: address) -> IConfig.AuditRules:
    return IConfig.AuditRules(
        limits=self._words[version][1],
        times=self._words[version][2],
        duties=self._words[version][3],
        beacon=self._peers[version].beacon,
        audit_word=self._audit_words[asset],
    )


@external
@view
def beacon_of(version: uint256) -> address:
    return self._peers[version].beacon


@external
@view
def due_round(version: uint256) -> uint256:
    beacon: address = self._peers[version].beacon
    if beacon == empty(address):
        return 0
    return staticcall Rounds(beacon).due_round()


@external
@view
def value(index: uint256) -> uint256:
    assert index < layout.COUNT, ERR_INDEX
    word: uint256 = self._current[layout.WORDS[index]]
    return (word >> layout.SHIFTS[index]) & ((1 << layout.BITS[index]) - 1)


@external
@view
def bound(index: uint256) -> IConfig.Bound:
    assert index < layout.COUNT, ERR_INDEX
    packed: uint256 = BOUNDS[index]
    return IConfig.Bound(
        minimum=convert(packed & U64, uint64),
        maximum=convert((packed >> 64) & U64, uint64),
        max_step=convert((packed >> 128) & U64, uint64),
        cooldown=convert(packed >> 192, uint64),
    )


@external
@view
def changed_at(index: uint256) -> uint256:
    assert index < layout.COUNT, ERR_INDEX
    return self._changed_at[index]


@external
@view
def is_listed(asset: address) -> bool:
    return self._asset_words[asset] != 0


@external
@view
def audit_word(asset: address) -> uint256:
    return self._audit_words[asset]


@internal
@view
def _version() -> uint256:
    return self._current[0] >> layout.VERSION_SHIFT


@internal
@view
def _next_version() -> uint256:
    version: uint256 = self._version()
    assert version < MAX_VERSION, ERR_VERSIONS
    return version + 1


@internal
def _change(version: uint256, index: uint256, old_value: uint256, new_value: uint256):
    """
    @notice Checks one value against its bounds and records its change; the first version has no step and no cooldown.
    """
    packed: uint256 = BOUNDS[index]
    assert new_value >= packed & U64 and new_value <= (packed >> 64) & U64, ERR_BOUNDS
    if version > 1:
        if new_value == old_value:
            return
        step: uint256 = max(new_value, old_value) - min(new_value, old_value)
        assert step <= (packed >> 128) & U64, ERR_STEP
        assert block.timestamp >= self._changed_at[index] + (packed >> 192), ERR_COOLDOWN
    self._changed_at[index] = block.timestamp
    log IConfig.ParameterChanged(version=version, index=index, old_value=old_value, new_value=new_value)


@internal
@pure
def _check_relations(words: uint256[4]):
    """
    @notice Refuses values that break a rule between parameters (parameters.check_relations, in its order).
    """
    keepers: uint256 = layout.read(words, layout.MATCH_FEE_BPS) + layout.read(words, layout.SETTLE_FEE_BPS)
    assert keepers <= MAX_KEEPER_BPS, ERR_KEEPERS
    assert layout.read(words, layout.WITHDRAW_BPS) <= layout.read(words, layout.SILENCE_BPS), ERR_WITHDRAW
    post: uint256 = layout.read(words, layout.MAX_POST_SECONDS)
    challenge: uint256 = layout.read(words, layout.MAX_CHALLENGE_SECONDS)
    longest: uint256 = post + layout.read(words, layout.REVEAL_SECONDS) + challenge
    longest += layout.read(words, layout.MAX_HOLD) + layout.read(words, layout.RESOLVE_SECONDS)
    assert layout.read(words, layout.UNBONDING_SECONDS) > longest, ERR_UNBONDING
    shortest: uint256 = layout.read(words, layout.DRAW_SECONDS) + layout.read(words, layout.ANSWER_SECONDS)
    assert challenge >= shortest + MIN_CHALLENGE_WORK_SECONDS, ERR_WINDOW
    assert post >= layout.read(words, layout.MIN_POST_SECONDS), ERR_POST
    link: uint256 = layout.read(words, layout.ANSWER_SECONDS) + layout.read(words, layout.FOLLOW_SECONDS)
    held: uint256 = layout.read(words, layout.AUDIT_SECONDS) + layout.read(words, layout.SEAT_REVEAL_SECONDS)
    held += layout.read(words, layout.CHALLENGE_OPEN_SECONDS) + 2 * layout.read(words, layout.MAX_TASK_SECONDS)
    held += layout.read(words, layout.CHAIN_MAX) * link
    assert layout.read(words, layout.MAX_HOLD) >= held, ERR_HOLD


@internal
def _change_asset(asset: address, word: uint256, audit_word: uint256) -> uint256:
    version: uint256 = self._next_version()
    assert version > 1, ERR_NO_VERSION
    old_word: uint256 = self._asset_words[asset]
    old_audit_word: uint256 = self._audit_words[asset]
    self._asset_words[asset] = word
    self._audit_words[asset] = audit_word
    log IConfig.AssetChanged(
        version=version,
        asset=asset,
        old_word=old_word,
        new_word=word,
        old_audit_word=old_audit_word,
        new_audit_word=audit_word,
    )
    words: uint256[4] = self._current
    words[0] = (words[0] & (2**layout.VERSION_SHIFT - 1)) | (version << layout.VERSION_SHIFT)
    self._publish(version, words, self._peers[version - 1])
    return version


@internal
def _publish(version: uint256, words: uint256[4], peers: IConfig.Peers):
    self._current = words
    self._words[version] = words
    self._peers[version] = peers
    log IConfig.ConfigPublished(
        version=version,
        rules=words[0],
        limits=words[1],
        times=words[2],
        duties=words[3],
        old_peers=self._peers[version - 1],
        new_peers=peers,
    )
