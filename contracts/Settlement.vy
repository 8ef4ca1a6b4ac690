# pragma version ~=0.4.3
"""
@title Settlement: acceptance, and the resolution of a disagreement
@custom:contract-name Settlement
@license GNU Affero General Public License v3.0 only
@notice Documented in ISettlement.
@custom:security Stateless. Trusts the market it was made for; the market's config names it, and lets it release and set
                 dues, nothing else.
@custom:kill A later config names another settlement; batches that opened under this one end with it.
"""

from .interfaces import IMarketplace
from .interfaces import ISettlement
from .modules import accounts
from .modules import batch_store as store
from .modules import disagreement
from .modules import messages
from .modules import reasons
from .modules import results_tree
from .modules import signatures

implements: ISettlement

DOMAIN_TYPEHASH: constant(bytes32) = keccak256(
    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
)
NAME_HASH: constant(bytes32) = keccak256("STUN")
VERSION_HASH: constant(bytes32) = keccak256("1")

MARKET: public(immutable(IMarketplace))


@deploy
def __init__(market: IMarketplace):
    MARKET = market


@internal
@view
def _digest(struct_hash: bytes32) -> bytes32:
    separator: bytes32 = keccak256(
        abi_encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, chain.id, MARKET.address)
    )
    return keccak256(concat(0x1901, separator, struct_hash))


@external
def accept(
    batch_id: bytes32,
    terms: IMarketplace.Terms,
    outputs_root: bytes32,
    total_units: uint64,
    signature: Bytes[512],
    posted: bool,
    post_signature: Bytes[65],
):
    requester: address = accounts.narrow(terms.requester)
    if msg.sender != requester:
        accepted: bytes32 = self._digest(messages.accept(batch_id, outputs_root, total_units))
        if not signatures.is_signed_by(requester, accepted, signature):
            reasons.fail(reasons.ACCEPT_SIGNER)
    if posted:
        if terms.replicas != 1:
            reasons.fail(reasons.BATCHES_LONE)
        provider: address = accounts.narrow(terms.casts[0].provider)
        units: uint256 = convert(total_units, uint256)
        digest: bytes32 = self._digest(messages.post(batch_id, provider, outputs_root, units))
        signer: address = signatures.recover(digest, post_signature, 0)
        if provider != signer and provider != msg.sender:
            if not staticcall MARKET.may_sign(provider, signer):
                if not staticcall MARKET.may_sign(provider, msg.sender):
                    reasons.fail(reasons.BATCHES_SIGNER)
    extcall MARKET.release(batch_id, terms, outputs_root, total_units, msg.sender, posted)


@external
def resolve(
    batch_id: bytes32,
    terms: IMarketplace.Terms,
    tasks: DynArray[uint32, 32],
    leaves: DynArray[ISettlement.Leaf, 96],
    siblings: Bytes[14080],
):
    now: IMarketplace.BatchView = staticcall MARKET.batch(batch_id)
    if now.phase == 0:
        reasons.fail(reasons.BATCHES_UNKNOWN)
    parties: DynArray[uint256, 3] = []
    for k: uint256 in range(3):
        if now.states[k] == store.REVEALED:
            parties.append(k)
    if len(parties) < 2:
        reasons.fail(reasons.RESOLVE_AGREED)
    shown: disagreement.Shown = disagreement.show(terms.count, len(parties), tasks, leaves, siblings)
    dues: uint256[3] = empty(uint256[3])
    for j: uint256 in range(len(parties), bound=3):
        k: uint256 = parties[j]
        if results_tree.result_digest(shown.roots[j], shown.totals[j]) != now.digests[k]:
            reasons.fail(reasons.RESOLVE_ROOT)
        dues[k] = shown.totals[j] - shown.lost[j]
    extcall MARKET.set_due(batch_id, terms, dues)
