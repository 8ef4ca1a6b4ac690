# pragma version ~=0.4.3
"""
@title Registry of models
@custom:contract-name ModelRegistry
@license GNU Affero General Public License v3.0 only
@notice Documented in IModelRegistry.
@custom:security Has no owner. Trusts the config's `model_bond` at registration; STUN has no hooks. What a manifest says is
                 for providers and requesters to check.
@custom:kill Cannot be stopped; a model is stopped by its creator alone.
"""

from ethereum.ercs import IERC20

from .interfaces import IConfig
from .interfaces import IModelRegistry
from .modules import config_layout as layout

implements: IModelRegistry

ERR_CLASS: constant(String[32]) = "registry: class"
ERR_MANIFEST: constant(String[32]) = "registry: manifest"
ERR_ROOTS: constant(String[32]) = "registry: roots"
ERR_EXISTS: constant(String[32]) = "registry: exists"
ERR_UNKNOWN: constant(String[32]) = "registry: unknown"
ERR_CREATOR: constant(String[32]) = "registry: creator"
ERR_RETIRED: constant(String[32]) = "registry: retired"
ERR_LIVE: constant(String[32]) = "registry: live"
ERR_EARLY: constant(String[32]) = "registry: early"
ERR_RECLAIMED: constant(String[32]) = "registry: reclaimed"
ERR_TOKEN: constant(String[32]) = "registry: token"

MODEL_TAG: constant(bytes1) = 0x10
CLASS_EXACT: constant(uint8) = 0
CLASS_OPAQUE: constant(uint8) = 3
MODEL_RELEASE_SECONDS: constant(uint256) = 7 * 86_400
CREATOR_MASK: constant(uint256) = 2**160 - 1
CLASS_SHIFT: constant(uint256) = 160
LIVE_SHIFT: constant(uint256) = 168
RETIRED_SHIFT: constant(uint256) = 176

# @dev What a registration commits to, beside the packed head.
struct Roots:
    manifest_digest: bytes32
    weight_root: bytes32
    graph_root: bytes32


TOKEN: public(immutable(address))
CONFIG: public(immutable(address))

_heads: HashMap[bytes32, uint256]  # creator 160 | class 8 | live 8 | retired_at 40, from the least significant bit
_roots: HashMap[bytes32, Roots]
_bonds: HashMap[bytes32, uint64]


@deploy
def __init__(token: address, config: address):
    TOKEN = token
    CONFIG = config


@external
def register(manifest_digest: bytes32, weight_root: bytes32, graph_root: bytes32, numeric_class: uint8) -> bytes32:
    assert numeric_class <= CLASS_OPAQUE, ERR_CLASS
    assert manifest_digest != empty(bytes32), ERR_MANIFEST
    if numeric_class == CLASS_EXACT:
        assert weight_root != empty(bytes32) and graph_root != empty(bytes32), ERR_ROOTS
    model_id: bytes32 = self._model_id(msg.sender, manifest_digest)
    assert self._heads[model_id] == 0, ERR_EXISTS
    bond: uint256 = staticcall IConfig(CONFIG).value(layout.MODEL_BOND)
    self._heads[model_id] = (
        convert(msg.sender, uint256) | (convert(numeric_class, uint256) << CLASS_SHIFT) | (1 << LIVE_SHIFT)
    )
    self._roots[model_id] = Roots(manifest_digest=manifest_digest, weight_root=weight_root, graph_root=graph_root)
    self._bonds[model_id] = convert(bond, uint64)
    log IModelRegistry.ModelRegistered(
        model_id=model_id,
        creator=msg.sender,
        numeric_class=numeric_class,
        manifest_digest=manifest_digest,
        weight_root=weight_root,
        graph_root=graph_root,
        bond=bond,
    )
    assert extcall IERC20(TOKEN).transferFrom(msg.sender, self, bond), ERR_TOKEN
    return model_id


@external
def retire(model_id: bytes32):
    head: uint256 = self._heads[model_id]
    assert head != 0, ERR_UNKNOWN
    assert self._creator(head) == msg.sender, ERR_CREATOR
    assert self._live(head), ERR_RETIRED
    self._heads[model_id] = (head ^ (1 << LIVE_SHIFT)) | (block.timestamp << RETIRED_SHIFT)
    log IModelRegistry.ModelRetired(model_id=model_id, creator=msg.sender, retired_at=block.timestamp)


@external
def reclaim(model_id: bytes32) -> uint256:
    head: uint256 = self._heads[model_id]
    bond: uint256 = convert(self._bonds[model_id], uint256)
    assert head != 0, ERR_UNKNOWN
    assert not self._live(head), ERR_LIVE
    assert block.timestamp >= (head >> RETIRED_SHIFT) + MODEL_RELEASE_SECONDS, ERR_EARLY
    assert bond > 0, ERR_RECLAIMED
    creator: address = self._creator(head)
    self._bonds[model_id] = 0
    log IModelRegistry.ModelBondReclaimed(model_id=model_id, creator=creator, bond=bond)
    assert extcall IERC20(TOKEN).transfer(creator, bond), ERR_TOKEN
    return bond


@external
@view
def model(model_id: bytes32) -> (address, uint8, bool):
    head: uint256 = self._heads[model_id]
    return self._creator(head), self._numeric_class(head), self._live(head)


@external
@view
def record(model_id: bytes32) -> IModelRegistry.Model:
    head: uint256 = self._heads[model_id]
    roots: Roots = self._roots[model_id]
    return IModelRegistry.Model(
        creator=self._creator(head),
        numeric_class=self._numeric_class(head),
        live=self._live(head),
        manifest_digest=roots.manifest_digest,
        weight_root=roots.weight_root,
        graph_root=roots.graph_root,
        retired_at=convert(head >> RETIRED_SHIFT, uint64),
        bond=self._bonds[model_id],
    )


@external
@view
def roots(model_id: bytes32) -> (bytes32, bytes32):
    return self._roots[model_id].weight_root, self._roots[model_id].graph_root


@external
@pure
def model_id_of(creator: address, manifest_digest: bytes32) -> bytes32:
    return self._model_id(creator, manifest_digest)


@internal
@pure
def _model_id(creator: address, manifest_digest: bytes32) -> bytes32:
    return sha256(concat(MODEL_TAG, convert(creator, bytes32), manifest_digest))


@internal
@pure
def _creator(head: uint256) -> address:
    return convert(head & CREATOR_MASK, address)


@internal
@pure
def _numeric_class(head: uint256) -> uint8:
    return convert((head >> CLASS_SHIFT) & 255, uint8)


@internal
@pure
def _live(head: uint256) -> bool:
    return (head >> LIVE_SHIFT) & 255 == 1
