# pragma version ~=0.4.3
"""
@title The market: money, matching, and the life of a batch
@custom:contract-name Marketplace
@license GNU Affero General Public License v3.0 only
@notice Documented in IMarketplace.
@custom:security Trusts the config's owner (a timelock) to list no token that lies about its balances and to name as
                 settlement, court and audit only contracts of this protocol; those may hold, convict, release and set
                 dues, never move money elsewhere. Tokens and ERC-1271 wallets are not trusted.
@custom:kill Cannot be stopped. New batches end when the config lists no asset; every open batch and balance still leaves.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.tokens.interfaces import IERC20Permit
from snekmate.utils import eip712_domain_separator as eip712

from .interfaces import IConfig
from .interfaces import IMarketplace
from .interfaces import IModelRegistry
from .interfaces import IReputation
from .interfaces import IStaking
from .modules import accounts
from .modules import agreement
from .modules import batch_clock as clock
from .modules import batch_store as store
from .modules import fields
from .modules import ledger
from .modules import memberships
from .modules import messages
from .modules import nonces
from .modules import operators
from .modules import order_rules
from .modules import payments
from .modules import prices
from .modules import reasons
from .modules import results_tree
from .modules import signatures

# the storage that Settlement shares comes first: it lays it out alike
initializes: ledger
initializes: store
initializes: clock[store := store, ledger := ledger]
initializes: payments[ledger := ledger]
initializes: operators
initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: eip712
initializes: nonces

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    eip712.eip712Domain,
    ledger.balance_of,
    ledger.treasury_of,
    ledger.insurance_of,
    ledger.audit_of,
    nonces.used_word,
    operators.operator_of,
    operators.operator_nonce_of,
)


CONFIG: public(immutable(IConfig))
REGISTRY: public(immutable(IModelRegistry))
SETTLEMENT: public(immutable(address))


@deploy
def __init__(
    owner: address,
    stun: address,
    config: IConfig,
    registry: IModelRegistry,
    staking: IStaking,
    reputation: IReputation,
    settlement: address,
):
    assert settlement.is_contract, "market: settlement"  # a delegatecall to nobody would succeed
    ownable.__init__()
    ownable_2step.__init__()
    ownable._transfer_ownership(owner)
    eip712.__init__("STUN", "1")
    ledger.__init__(stun)
    clock.__init__(staking, reputation)
    CONFIG = config
    REGISTRY = registry
    SETTLEMENT = settlement


# money


@external
@nonreentrant
def deposit(asset: address, amount: uint256, beneficiary: address) -> uint256:
    return self._deposit(asset, amount, beneficiary)


@external
@nonreentrant
def deposit_with_permit(
    asset: address, amount: uint256, beneficiary: address, deadline: uint256, v: uint8, r: bytes32, s: bytes32
) -> uint256:
    if not staticcall CONFIG.is_listed(asset):
        reasons.fail(reasons.LEDGER_ASSET)  # before anything of the asset's is called
    permit: Bytes[228] = abi_encode(
        msg.sender, self, amount, deadline, v, r, s, method_id=method_id("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)")
    )
    used: bool = raw_call(asset, permit, revert_on_failure=False)  # one that somebody used before left its allowance
    return self._deposit(asset, amount, beneficiary)


@internal
def _deposit(asset: address, amount: uint256, beneficiary: address) -> uint256:
    if not (staticcall CONFIG.is_listed(asset)):
        reasons.fail(reasons.LEDGER_ASSET)
    if not (beneficiary != empty(address)):
        reasons.fail(reasons.LEDGER_NOBODY)
    received: uint256 = prices.amount(ledger.pull(asset, msg.sender, amount))
    if not (received > 0):
        reasons.fail(reasons.LEDGER_NOTHING)
    ledger.credit(asset, beneficiary, received)
    log IMarketplace.Deposited(asset=asset, account=beneficiary, sender=msg.sender, amount=received)
    return received


@external
@nonreentrant
def withdraw(asset: address, amount: uint256, to: address):
    if not (to != empty(address)):
        reasons.fail(reasons.LEDGER_NOBODY)
    if not (amount > 0):
        reasons.fail(reasons.LEDGER_NOTHING)
    ledger.debit(asset, msg.sender, amount)
    log IMarketplace.Withdrawn(asset=asset, account=msg.sender, to=to, amount=amount)
    ledger.push(asset, to, amount)


@external
@nonreentrant
def pay_out(insurance: bool, asset: address, to: address, amount: uint256):
    ownable._check_owner()
    share: uint256 = ledger.treasury_share(asset)
    if insurance:
        share = ledger.insurance_of[asset]
    if share < amount:
        reasons.fail(reasons.LEDGER_BALANCE)
    if insurance:
        ledger.insurance_of[asset] = share - amount
    else:
        ledger.take_treasury(asset, amount)
    log IMarketplace.PaidOut(insurance=insurance, asset=asset, to=to, amount=amount)
    ledger.push(asset, to, amount)


# accounts


@external
def set_operator(operator: address):
    self._set_operator(msg.sender, operator)


@external
def set_operator_signed(account: address, operator: address, nonce: uint64, expires_at: uint64, signature: Bytes[512]):
    digest: bytes32 = eip712._hash_typed_data_v4(messages.operator(account, operator, nonce, expires_at))
    if not (account != empty(address) and signatures.is_signed_by(account, digest, signature)):
        reasons.fail(reasons.OPERATORS_SIGNATURE)
    if not (block.timestamp < convert(expires_at, uint256)):
        reasons.fail(reasons.OPERATORS_EXPIRED)
    if not (nonce == operators.operator_nonce_of[account]):
        reasons.fail(reasons.OPERATORS_NONCE)
    self._set_operator(account, operator)


@internal
def _set_operator(account: address, operator: address):
    old: address = operators.operator_of[account]
    operators.operator_nonce_of[account] += 1
    operators.operator_of[account] = operator
    log IMarketplace.OperatorSet(account=account, old=old, new=operator)


@external
def cancel_order(nonce: uint64):
    nonces.use(msg.sender, nonce)
    log IMarketplace.OrderCancelled(requester=msg.sender, nonce=nonce)


@external
def prune_nonces(account: address, words: DynArray[uint256, 256]):
    for word: uint256 in words:
        nonces.prune(account, word)


# matching


@external
def match(
    order: IMarketplace.Order,
    signature: Bytes[512],
    bids: DynArray[IMarketplace.Bid, 3],
    signatures_: Bytes[195],
    memberships_: DynArray[bytes32, 51],
) -> bytes32:
    id: bytes32 = eip712._hash_typed_data_v4(messages.order(order))
    if order.requester == empty(address):  # whom a malformed signature recovers to
        reasons.fail(reasons.ORDERS_SIGNATURE)
    if not (order.requester == msg.sender or signatures.is_signed_by(order.requester, id, signature)):
        reasons.fail(reasons.ORDERS_SIGNATURE)
    order_rules.check_time(order)
    nonces.use(order.requester, order.nonce)
    order_rules.check_shape(order, len(bids))
    terms: IMarketplace.Terms = empty(IMarketplace.Terms)
    limits: uint256 = 0
    times: uint256 = 0
    audit_word: uint256 = 0
    terms.rules, limits, times, terms.asset_rules, audit_word = staticcall CONFIG.match_rules(order.asset)
    if not (terms.asset_rules != 0):
        reasons.fail(reasons.ORDERS_ASSET)
    if not (order.config == 0 or convert(order.config, uint256) == terms.rules >> fields.VERSION_SHIFT):
        reasons.fail(reasons.ORDERS_CONFIG)
    order_rules.check_windows(order, times)
    numeric_class: uint8 = 0
    live: bool = False
    creator: address = empty(address)
    creator, numeric_class, live = staticcall REGISTRY.model(order.model_id)
    terms.creator = accounts.widen(creator)
    if not (live):
        reasons.fail(reasons.ORDERS_MODEL)
    terms.numeric_class = convert(numeric_class, uint256)
    order_rules.check_class(order, terms.numeric_class, limits)
    terms.requester = accounts.widen(order.requester)
    terms.asset = accounts.widen(order.asset)
    terms.count = convert(order.count, uint256)
    terms.max_units = convert(order.max_units, uint256)
    terms.opened_at = block.timestamp
    terms.post_seconds = convert(order.post_seconds, uint256)
    terms.challenge_seconds = convert(order.challenge_seconds, uint256)
    terms.tip = convert(order.tip, uint256)
    terms.replicas = len(bids)
    highest: uint256 = order_rules.price_now(order)
    spent: uint256 = terms.tip
    dearest: uint256 = 0
    cursor: uint256 = 0
    for k: uint256 in range(len(bids), bound=3):
        bid: IMarketplace.Bid = bids[k]
        self._check_bid(order.requester, id, bid, signatures_, k, highest)
        for j: uint256 in range(k, bound=3):
            if terms.casts[j].provider == accounts.widen(bid.provider):
                reasons.fail(reasons.BIDS_PROVIDER)
        if order.providers_root != empty(bytes32):
            cursor = memberships.climb(order.providers_root, bid.provider, memberships_, cursor)
            if cursor == 0:
                reasons.fail(reasons.BIDS_LIST)
        if staticcall clock.STAKING.stake_of(bid.provider) < (limits >> fields.MIN_STAKE) & fields.U64:
            reasons.fail(reasons.BIDS_STAKE)
        price: uint256 = convert(bid.price, uint256)
        locked: uint256 = prices.price_locked(terms.count, terms.max_units, price)
        if not (locked >= (terms.asset_rules >> fields.MIN_LOCKED) & fields.U64):
            reasons.fail(reasons.ORDERS_SMALL)
        least: uint256 = (terms.asset_rules >> fields.MIN_BOND) & fields.U64
        bond: uint256 = prices.bond(locked, terms.numeric_class, convert(order.audit_ppm, uint256), limits, least)
        ledger.debit(order.asset, bid.provider, bond)
        terms.casts[k] = IMarketplace.Cast(
            provider=accounts.widen(bid.provider), price=price, matcher=accounts.widen(bid.matcher), bond=bond
        )
        spent += locked
        dearest = max(dearest, locked)
    if cursor != len(memberships_):
        reasons.fail(reasons.BIDS_LIST)
    rate: uint256 = convert(order.audit_ppm, uint256)
    terms.audit_prepaid = prices.audit_prepaid(dearest, terms.count, rate, limits, audit_word)
    ledger.debit(order.asset, order.requester, spent + terms.audit_prepaid)
    terms.numeric_class = order_rules.judged_class(order, terms.numeric_class)
    head: store.Head = empty(store.Head)
    head.phase = store.OPEN
    head.cell = [store.NO_CELL, store.NO_CELL, store.NO_CELL]
    log IMarketplace.BatchOpened(batch_id=id, requester=order.requester, model_id=order.model_id, seq=0, terms=terms)
    head.seq = 1
    store.create(id, terms, head)
    return id


@internal
@view
def _check_bid(
    requester: address, id: bytes32, bid: IMarketplace.Bid, signatures_: Bytes[195], k: uint256, highest: uint256
):
    if bid.order_digest != id:
        reasons.fail(reasons.BIDS_ORDER)
    if bid.provider == empty(address) or not operators.is_authorised(
        bid.provider, eip712._hash_typed_data_v4(messages.bid(bid)), signatures_, k
    ):
        reasons.fail(reasons.BIDS_SIGNATURE)
    if block.timestamp >= convert(bid.expires_at, uint256):
        reasons.fail(reasons.BIDS_EXPIRED)
    if convert(bid.price, uint256) > highest:
        reasons.fail(reasons.BIDS_PRICE)
    if bid.provider == requester:
        reasons.fail(reasons.BIDS_PROVIDER)


# delivery


@external
def post(batch_id: bytes32, terms: IMarketplace.Terms, top: IMarketplace.Top, signature: Bytes[65]):
    head: store.Head = store.load(batch_id, terms)
    if not (terms.replicas == 1):
        reasons.fail(reasons.BATCHES_LONE)
    if not (head.state[0] == store.PENDING):
        reasons.fail(reasons.BATCHES_REPLICA)
    if not (block.timestamp < terms.opened_at + terms.post_seconds):
        reasons.fail(reasons.BATCHES_LATE)
    root: bytes32 = empty(bytes32)
    units: uint256 = 0
    root, units = results_tree.derive(terms.count, top)
    provider: address = accounts.narrow(terms.casts[0].provider)
    sealed: bytes32 = eip712._hash_typed_data_v4(messages.post(batch_id, provider, root, units))
    if not operators.is_authorised(provider, sealed, signature, 0):
        reasons.fail(reasons.BATCHES_SIGNER)
    if not (units <= terms.count * terms.max_units):
        reasons.fail(reasons.BATCHES_UNITS)
    head.state[0] = store.REVEALED
    head.cell[0] = 0
    head.posted = True
    head.phase = store.RESULTS
    head.phase_at = block.timestamp
    head.round = self._round(terms, 0)
    store.set_commitment(batch_id, 0, results_tree.result_digest(root, units))
    log IMarketplace.Posted(batch_id=batch_id, provider=provider, seq=head.seq, outputs_root=root, total_units=units)
    head.seq += 1
    store.save(batch_id, head)


@external
def deliver(
    batch_id: bytes32,
    terms: IMarketplace.Terms,
    commits: DynArray[IMarketplace.SealedResult, 3],
    signatures_: Bytes[195],
    reveals: DynArray[IMarketplace.Reveal, 3],
):
    head: store.Head = store.load(batch_id, terms)
    if not (terms.replicas > 1):
        reasons.fail(reasons.BATCHES_LONE)
    head = clock.advance(batch_id, terms, head, msg.sender)
    if not (head.phase != 0):
        reasons.fail(reasons.BATCHES_LATE)
    seq: uint256 = head.seq
    fresh: bytes32[3] = empty(bytes32[3])  # commitments of this call, stored only if it does not open them
    for place: uint256 in range(len(commits), bound=3):
        c: IMarketplace.SealedResult = commits[place]
        k: uint256 = c.replica
        if not (k < terms.replicas):
            reasons.fail(reasons.BATCHES_REPLICA)
        provider: address = accounts.narrow(terms.casts[k].provider)
        sealed: bytes32 = eip712._hash_typed_data_v4(messages.commit(batch_id, provider, c.commitment))
        if not operators.is_authorised(provider, sealed, signatures_, place):
            reasons.fail(reasons.BATCHES_SIGNER)
        if head.state[k] == store.REVEALED:
            continue
        if head.state[k] == store.COMMITTED:
            known: bytes32 = fresh[k]
            if head.cell[k] != store.NO_CELL:
                known = store.digest_of(batch_id, head, k)
            if not (known == c.commitment):
                reasons.fail(reasons.BATCHES_COMMITTED)
            continue
        if not (head.state[k] == store.PENDING):
            reasons.fail(reasons.BATCHES_REPLICA)
        head.state[k] = store.COMMITTED
        fresh[k] = c.commitment
        log IMarketplace.Committed(batch_id=batch_id, provider=provider, seq=head.seq, commitment=c.commitment)
        head.seq += 1
    head = clock.progress(batch_id, terms, head, msg.sender)
    sealed_seq: uint256 = head.seq
    for r: IMarketplace.Reveal in reveals:
        head = self._reveal(batch_id, terms, head, r, fresh)
    if head.seq > sealed_seq:
        head.round = self._round(terms, head.round)
    for k: uint256 in range(3):
        if head.state[k] == store.COMMITTED and head.cell[k] == store.NO_CELL:
            store.set_commitment(batch_id, k, fresh[k])
            head.cell[k] = k
    if not (head.seq > seq):
        reasons.fail(reasons.BATCHES_REPEATED)
    store.save(batch_id, clock.progress(batch_id, terms, head, msg.sender))


@internal
def _reveal(
    id: bytes32, terms: IMarketplace.Terms, h: store.Head, reveal: IMarketplace.Reveal, fresh: bytes32[3]
) -> store.Head:
    head: store.Head = h
    k: uint256 = reveal.replica
    if not (k < terms.replicas):
        reasons.fail(reasons.BATCHES_REPLICA)
    root: bytes32 = empty(bytes32)
    units: uint256 = 0
    root, units = results_tree.derive(terms.count, reveal.top)
    if not (units <= terms.count * terms.max_units):
        reasons.fail(reasons.BATCHES_UNITS)
    digest: bytes32 = results_tree.result_digest(root, units)
    if head.state[k] == store.REVEALED:
        if not (store.digest_of(id, head, k) == digest):
            reasons.fail(reasons.BATCHES_REPLICA)
        return head
    if not (head.state[k] == store.COMMITTED):
        reasons.fail(reasons.BATCHES_REPLICA)
    if not (head.phase == store.REVEALING):
        reasons.fail(reasons.BATCHES_EARLY)
    provider: address = accounts.narrow(terms.casts[k].provider)
    known: bytes32 = fresh[k]
    if head.cell[k] != store.NO_CELL:
        known = store.digest_of(id, head, k)
    if not (results_tree.commitment(id, provider, root, units, reveal.salt) == known):
        reasons.fail(reasons.BATCHES_OPENING)
    cell: uint256 = k
    for j: uint256 in range(terms.replicas, bound=3):
        if head.state[j] == store.REVEALED and store.digest_of(id, head, j) == digest:
            cell = head.cell[j]
            break
    if cell == k:
        store.set_commitment(id, k, digest)
    elif head.cell[k] != store.NO_CELL:
        store.set_commitment(id, k, empty(bytes32))
    head.cell[k] = cell
    head.state[k] = store.REVEALED
    head.posted = True
    log IMarketplace.Revealed(batch_id=id, provider=provider, seq=head.seq, outputs_root=root, total_units=units)
    head.seq += 1
    return head


@internal
@view
def _round(terms: IMarketplace.Terms, known: uint256) -> uint256:
    """
    @notice Returns the beacon's round that decides whether a batch is audited, which only comes after its results; a
            batch that paid for no audit asks for none.
    """
    if terms.audit_prepaid == 0 or terms.numeric_class == order_rules.OPAQUE:
        return known
    return max(known, staticcall CONFIG.due_round(terms.rules >> fields.VERSION_SHIFT))


# settlement


@external
def settle(batch_id: bytes32, terms: IMarketplace.Terms, outputs_root: bytes32, total_units: uint64):
    head: store.Head = clock.advance(batch_id, terms, store.load(batch_id, terms), msg.sender)
    if head.phase == 0:
        return
    if not (head.phase == store.RESULTS):
        reasons.fail(reasons.BATCHES_PHASE)
    if block.timestamp < agreement.quiet_at(terms, head):
        reasons.fail(reasons.BATCHES_EARLY)
    units: uint256[3] = empty(uint256[3])
    if head.resolved:
        units = store.dues(batch_id)
    else:
        cell: uint256 = agreement.agreed_cell(terms, head)
        if cell == store.NO_CELL:
            if block.timestamp < agreement.resolve_by(terms, head):
                reasons.fail(reasons.BATCHES_DISAGREE)
        else:
            total: uint256 = convert(total_units, uint256)
            for k: uint256 in range(3):
                if head.state[k] == store.REVEALED and head.cell[k] == cell:
                    units[k] = total
            digest: bytes32 = results_tree.result_digest(outputs_root, total)
            if not (store._digests[batch_id][cell] == digest):
                reasons.fail(reasons.BATCHES_CLAIM)
    paid: uint256[3] = empty(uint256[3])
    for k: uint256 in range(terms.replicas, bound=3):
        if head.state[k] == store.REVEALED:
            head.tip_paid, paid[k] = payments.pay(terms, k, units[k], head.tip_paid, msg.sender)
            if paid[k] > 0:
                extcall clock.REPUTATION.earned(
                    accounts.narrow(terms.casts[k].provider),
                    convert(paid[k], uint64),
                    convert(terms.asset_rules >> fields.REFERENCE_FEE, uint64),
                    (terms.rules >> fields.ALPHA_PPM) & fields.U24,
                )
    clock.close(batch_id, terms, head, msg.sender, paid)


# the second half: accept, resolve, leave, expire, hold, convict, release, set_due


@external
@raw_return
def __default__() -> Bytes[32]:
    return raw_call(SETTLEMENT, msg.data, max_outsize=32, is_delegate_call=True)


# views


@external
@view
def batch(batch_id: bytes32) -> IMarketplace.BatchView:
    head: store.Head = store.unpack(store._heads[batch_id])
    view_: IMarketplace.BatchView = IMarketplace.BatchView(
        terms_digest=store._terms[batch_id],
        phase=head.phase,
        phase_at=head.phase_at,
        hold_until=head.hold_until,
        posted=head.posted,
        tip_paid=head.tip_paid,
        resolved=head.resolved,
        seq=head.seq,
        states=head.state,
        digests=empty(bytes32[3]),
        dues=empty(uint256[3]),
        round=head.round,
    )
    if head.resolved:
        view_.dues = store.dues(batch_id)
    if head.phase != 0:
        for k: uint256 in range(3):
            view_.digests[k] = store.digest_of(batch_id, head, k)
    return view_


@external
@view
def may_sign(account: address, signer: address) -> bool:
    return operators.may_sign(account, signer)


@external
@view
def domain_separator() -> bytes32:
    return eip712._domain_separator_v4()
