# pragma version ~=0.4.3
"""
@title The list of seats
@custom:contract-name audit_seats
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/audit/seats.py: append-only, one word a seat. Which places a draw chooses from depends on the epoch of
        the batch's results alone, so that nobody changes it by joining, leaving or calling later.
"""

from ethereum.ercs import IERC20

from ..interfaces import IAudit
from ..interfaces import IConfig
from ..interfaces import IStunToken
from . import config_layout as layout

BPS: constant(uint256) = 10_000
SHOWER_SHARE: constant(uint256) = 4  # of the bond of a seat that lied: the part of who proved it
MAX_BOND: constant(uint256) = 2**48 - 1
MIN_EPOCH_SECONDS: constant(uint256) = 100
MAX_EPOCHS: constant(uint256) = 256  # that a draw may come later than the results

# word: account u160 | bond u48 | joined u24 | left u24, from the least significant bit
BOND: constant(uint256) = 160
JOINED: constant(uint256) = 208
LEFT: constant(uint256) = 232
U160: constant(uint256) = 2**160 - 1
U48: constant(uint256) = 2**48 - 1
U24: constant(uint256) = 2**24 - 1

ERR_SEAT: constant(String[32]) = "audit: seat"
ERR_EPOCH: constant(String[32]) = "audit: epoch"
ERR_BOND: constant(String[32]) = "audit: bond"
ERR_JOINED: constant(String[32]) = "audit: joined"
ERR_LEFT: constant(String[32]) = "audit: left"
ERR_RECEIVER: constant(String[32]) = "audit: receiver"
ERR_EARLY: constant(String[32]) = "audit: early"
ERR_TOKEN: constant(String[32]) = "audit: token"

CONFIG: immutable(IConfig)
STUN: immutable(address)

GENESIS: immutable(uint256)
EPOCH_SECONDS: immutable(uint256)

_seats: HashMap[uint256, uint256]
_length: uint256
_places: HashMap[address, uint256]  # place + 1
_listed_before: HashMap[uint256, uint256]  # by epoch: length when its first seat joined, + 1


@deploy
def __init__(config: IConfig, stun: address, epoch_seconds: uint256):
    assert epoch_seconds >= MIN_EPOCH_SECONDS, ERR_EPOCH
    CONFIG = config
    STUN = stun
    GENESIS = block.timestamp
    EPOCH_SECONDS = epoch_seconds


@external
def join(bond: uint256):
    least: uint256 = staticcall CONFIG.value(layout.SEAT_BOND)
    assert bond >= max(1, least) and bond <= MAX_BOND, ERR_BOND
    place: uint256 = self._places[msg.sender]
    assert place == 0 or self.at(place - 1).bond == 0, ERR_JOINED
    place = self.append(msg.sender, bond)
    log IAudit.SeatJoined(account=msg.sender, place=place, bond=bond, epoch=self.epoch_of(block.timestamp))
    assert extcall IERC20(STUN).transferFrom(msg.sender, self, bond), ERR_TOKEN


@external
def leave():
    place: uint256 = self.own(msg.sender)
    seat: IAudit.Seat = self.at(place)
    assert seat.left == 0, ERR_LEFT
    seat.left = self.epoch_of(block.timestamp)
    assert seat.left > seat.joined, ERR_EPOCH
    self.put(place, seat)
    log IAudit.SeatLeft(account=msg.sender, place=place, epoch=seat.left)


@external
def take_bond(to: address):
    assert to != empty(address), ERR_RECEIVER
    place: uint256 = self.own(msg.sender)
    seat: IAudit.Seat = self.at(place)
    unbonding: uint256 = staticcall CONFIG.value(layout.UNBONDING_SECONDS)
    assert seat.left > 0 and block.timestamp >= self.begins(seat.left + 1) + unbonding, ERR_EARLY
    amount: uint256 = seat.bond
    seat.bond = 0
    self.put(place, seat)
    log IAudit.BondTaken(account=msg.sender, place=place, to=to, amount=amount)
    assert extcall IERC20(STUN).transfer(to, amount), ERR_TOKEN


@external
@view
def epoch() -> uint256:
    return self.epoch_of(block.timestamp)


@external
@view
def seat_at(place: uint256) -> IAudit.Seat:
    return self.at(place)


@external
@view
def seat_of(account: address) -> uint256:
    return self._places[account]


@external
@view
def seats() -> uint256:
    return self._length


@internal
def lose(place: uint256, bps: uint256, rewarded: address) -> uint256:
    """
    @notice Takes a part of a seat's bond and burns it, but for a quarter where somebody is rewarded; returns the part.
    @param place Of the seat.
    @param bps How much of the bond, in basis points.
    @param rewarded Who is paid the quarter; zero for nobody.
    """
    seat: IAudit.Seat = self.at(place)
    lost: uint256 = seat.bond * bps // BPS
    seat.bond -= lost
    self.put(place, seat)
    reward: uint256 = 0
    if rewarded != empty(address):
        reward = lost // SHOWER_SHARE
    if reward > 0:
        assert extcall IERC20(STUN).transfer(rewarded, reward), ERR_TOKEN
    if lost > reward:
        extcall IStunToken(STUN).burn(lost - reward)
    return lost


@internal
@view
def epoch_of(moment: uint256) -> uint256:
    """
    @notice Returns the epoch of a moment, from 1; 0 before the first.
    @param moment Seconds.
    """
    if moment < GENESIS:
        return 0
    return (moment - GENESIS) // EPOCH_SECONDS + 1


@internal
@view
def begins(epoch: uint256) -> uint256:
    """
    @notice Returns when an epoch begins, seconds.
    @param epoch From 1.
    """
    return GENESIS + (epoch - 1) * EPOCH_SECONDS


@internal
@view
def listed(epoch: uint256) -> uint256:
    """
    @notice Returns how many seats had joined before an epoch began.
    @param epoch Not after now's, and at most MAX_EPOCHS before it.
    """
    for later: uint256 in range(self.epoch_of(block.timestamp) - epoch + 1, bound=MAX_EPOCHS):
        length: uint256 = self._listed_before[epoch + later]
        if length > 0:
            return length - 1
    return self._length


@internal
@view
def at(place: uint256) -> IAudit.Seat:
    """
    @notice Returns a seat of the list.
    @param place From 0.
    """
    word: uint256 = self._seats[place]
    return IAudit.Seat(
        account=convert(word & U160, address),
        bond=(word >> BOND) & U48,
        joined=(word >> JOINED) & U24,
        left=word >> LEFT,
    )


@internal
def put(place: uint256, seat: IAudit.Seat):
    """
    @notice Stores a seat.
    @param place From 0.
    @param seat The seat.
    """
    word: uint256 = convert(seat.account, uint256) | (seat.bond << BOND)
    self._seats[place] = word | (seat.joined << JOINED) | (seat.left << LEFT)


@internal
def append(account: address, bond: uint256) -> uint256:
    """
    @notice Adds a seat of this epoch and returns its place.
    @param account Whose it is.
    @param bond Its bond, 48 bits.
    """
    place: uint256 = self._length
    epoch: uint256 = self.epoch_of(block.timestamp)
    if self._listed_before[epoch] == 0:
        self._listed_before[epoch] = place + 1
    self.put(place, IAudit.Seat(account=account, bond=bond, joined=epoch, left=0))
    self._places[account] = place + 1
    self._length = place + 1
    return place


@internal
@view
def own(account: address) -> uint256:
    """
    @notice Returns the place of an account's seat that has a bond. Errors: "audit: seat".
    @param account The account.
    """
    place: uint256 = self._places[account]
    assert place > 0 and self.at(place - 1).bond > 0, ERR_SEAT
    return place - 1


@internal
@pure
def is_free(seat: IAudit.Seat, epoch: uint256, seat_bond: uint256) -> bool:
    """
    @notice Whether a seat can judge a batch whose results came in an epoch, if it is no party of it.
    @param seat The seat.
    @param epoch Of the results.
    @param seat_bond Of the batch's config version: half of it must be left.
    """
    present: bool = seat.joined < epoch and (seat.left == 0 or seat.left >= epoch)
    return present and seat.bond > 0 and 2 * seat.bond >= seat_bond
