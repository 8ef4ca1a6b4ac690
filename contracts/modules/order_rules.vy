# pragma version ~=0.4.3
"""
@title What an order must keep to
@custom:contract-name order_rules
@license GNU Affero General Public License v3.0 only
@notice The checks of stun/protocol/market/matching.py in the same order, with the same codes.
"""

from ..interfaces import IMarketplace
from . import fields
from . import reasons


MAX_COUNT: constant(uint32) = 65_536
MAX_ORDER_SECONDS: constant(uint256) = 90 * 86_400
WEEK_SECONDS: constant(uint256) = 604_800
PPM: constant(uint256) = 1_000_000
KNOWN_FLAGS: constant(uint8) = 3
FLAG_PRIVATE: constant(uint8) = 1

EXACT: constant(uint256) = 0
BOUNDED: constant(uint256) = 1
TOKEN: constant(uint256) = 2
OPAQUE: constant(uint256) = 3


@internal
@view
def check_time(order: IMarketplace.Order):
    """
    @notice Checks who may bring the order and when.
    @param order The order.
    """
    if not (order.matcher == empty(address) or order.matcher == msg.sender):
        reasons.fail(reasons.ORDERS_MATCHER)
    expires_at: uint256 = convert(order.expires_at, uint256)
    if not (block.timestamp < expires_at):
        reasons.fail(reasons.ORDERS_EXPIRED)
    if not (expires_at <= block.timestamp + MAX_ORDER_SECONDS):
        reasons.fail(reasons.ORDERS_LIFETIME)
    if not (convert(order.nonce, uint256) >> 40 == expires_at // WEEK_SECONDS):
        reasons.fail(reasons.NONCES_WEEK)


@internal
@pure
def check_shape(order: IMarketplace.Order, bids: uint256):
    """
    @notice Checks what needs no other contract.
    @param order The order.
    @param bids How many were brought.
    """
    if not (order.replicas >= 1 and order.replicas <= 3 and convert(order.replicas, uint256) == bids):
        reasons.fail(reasons.ORDERS_REPLICAS)
    if not (order.count >= 1 and order.count <= MAX_COUNT and order.max_units >= 1):
        reasons.fail(reasons.ORDERS_COUNT)
    if not (order.start_price <= order.max_price):
        reasons.fail(reasons.ORDERS_PRICE)
    if not (order.tier == 0):
        reasons.fail(reasons.ORDERS_TIER)
    if not (order.flags <= KNOWN_FLAGS):
        reasons.fail(reasons.ORDERS_FLAGS)


@internal
@pure
def check_windows(order: IMarketplace.Order, times: uint256):
    """
    @notice Checks the order's windows against the config.
    @param order The order.
    @param times The config's times word.
    """
    post: uint256 = convert(order.post_seconds, uint256)
    task: uint256 = convert(order.task_seconds, uint256)
    challenge: uint256 = convert(order.challenge_seconds, uint256)
    if not (post >= (times >> fields.MIN_POST_SECONDS) & fields.U24):
        reasons.fail(reasons.ORDERS_WINDOW)
    if not (post <= (times >> fields.MAX_POST_SECONDS) & fields.U24):
        reasons.fail(reasons.ORDERS_WINDOW)
    if not (task >= 1 and task <= post and task <= (times >> fields.MAX_TASK_SECONDS) & fields.U24):
        reasons.fail(reasons.ORDERS_WINDOW)
    least: uint256 = ((times >> fields.DRAW_SECONDS) & fields.U24) + ((times >> fields.ANSWER_SECONDS) & fields.U24)
    if not (challenge >= least + 2 * task):
        reasons.fail(reasons.ORDERS_WINDOW)
    if not (challenge <= (times >> fields.MAX_CHALLENGE_SECONDS) & fields.U24):
        reasons.fail(reasons.ORDERS_WINDOW)


@internal
@pure
def check_class(order: IMarketplace.Order, numeric_class: uint256, limits: uint256):
    """
    @notice Checks the order's audit rate against the model's numeric class.
    @param order The order.
    @param numeric_class Of the model.
    @param limits The config's limits word.
    """
    if not (numeric_class != BOUNDED):
        reasons.fail(reasons.ORDERS_CLASS)
    rate: uint256 = convert(order.audit_ppm, uint256)
    if numeric_class == OPAQUE:
        if not (rate == 0):
            reasons.fail(reasons.ORDERS_AUDIT)
        if not (order.replicas > 1 or order.providers_root != empty(bytes32)):
            reasons.fail(reasons.ORDERS_LONE)
    else:
        lowest: uint256 = (limits >> fields.FLOOR_PPM_EXACT) & fields.U24
        if numeric_class == TOKEN:
            lowest = (limits >> fields.FLOOR_PPM_TOKEN) & fields.U24
        if not (rate >= lowest and rate <= PPM):
            reasons.fail(reasons.ORDERS_AUDIT)


@internal
@view
def price_now(order: IMarketplace.Order) -> uint256:
    """
    @notice Returns the highest price a bid may ask now: the ramp, rounded down.
    @param order The order.
    """
    start: uint256 = convert(order.start_price, uint256)
    highest: uint256 = convert(order.max_price, uint256)
    ramp_start: uint256 = convert(order.ramp_start, uint256)
    if block.timestamp < ramp_start:
        return start
    elapsed: uint256 = block.timestamp - ramp_start
    seconds: uint256 = convert(order.ramp_seconds, uint256)
    if elapsed >= seconds:
        return highest
    return start + (highest - start) * elapsed // seconds


@internal
@pure
def judged_class(order: IMarketplace.Order, numeric_class: uint256) -> uint256:
    """
    @notice Returns the class a batch is judged as: without a public dispute nobody can show a wrong private result.
    @param order The order.
    @param numeric_class Of the model.
    """
    if numeric_class == EXACT and order.flags == FLAG_PRIVATE:
        return TOKEN
    return numeric_class
