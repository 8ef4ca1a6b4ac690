# pragma version ~=0.4.3
"""
@title What a number was at every past moment
@custom:contract-name vote_traces
@license GNU Affero General Public License v3.0 only
@notice A trace for each account: its votes now, and what they were. The zero address's trace is the supply that may
        vote. The head of a trace is one slot and answers every question about the time since the last change; the past
        keeps two checkpoints a slot. Beside the head stands what the account has in custody.
"""

U32: constant(uint256) = 2**32 - 1
U40: constant(uint256) = 2**40 - 1
U64: constant(uint256) = 2**64 - 1
AT_SHIFT: constant(uint256) = 64
LENGTH_SHIFT: constant(uint256) = 104
HELD_SHIFT: constant(uint256) = 136
CHECKPOINT: constant(uint256) = 2**104 - 1
HALF_BITS: constant(uint256) = 128
SEARCH_STEPS: constant(uint256) = 33

_heads: HashMap[address, uint256]  # votes u64 | at u40 | length u32 | held u64, from the least significant bit
_past: HashMap[address, HashMap[uint256, uint256]]  # votes u64 | at u40 at bit 0 and at bit 128


@internal
@view
def latest(account: address) -> uint256:
    """
    @notice Returns the value now.
    @param account Whose trace.
    """
    return self._heads[account] & U64


@internal
@view
def held(account: address) -> uint256:
    """
    @notice Returns what an account has in custody.
    @param account The account.
    """
    return self._heads[account] >> HELD_SHIFT


@internal
def set_held(account: address, amount: uint256):
    """
    @notice Sets what an account has in custody; its votes are not touched.
    @param account The account.
    @param amount At most 64 bits.
    """
    self._heads[account] = (self._heads[account] & (2**HELD_SHIFT - 1)) | (amount << HELD_SHIFT)


@internal
def change(account: address, added: uint256, removed: uint256) -> (uint256, uint256):
    """
    @notice Changes the value from now on; several changes in one second are one checkpoint.
    @param account Whose trace.
    @param added What comes to the value; the sum fits 64 bits, since the supply does.
    @param removed What goes, at most the value and `added`.
    @return The value before and after.
    """
    head: uint256 = self._heads[account]
    at: uint256 = (head >> AT_SHIFT) & U40
    length: uint256 = (head >> LENGTH_SHIFT) & U32
    if at != 0 and at != block.timestamp:
        self._keep(account, length, head & CHECKPOINT)
        length += 1
    before: uint256 = head & U64
    after: uint256 = before + added - removed
    head = ((head >> HELD_SHIFT) << HELD_SHIFT) | (length << LENGTH_SHIFT)
    self._heads[account] = head | (block.timestamp << AT_SHIFT) | after
    return before, after


@internal
@view
def past(account: address, moment: uint256) -> uint256:
    """
    @notice Returns the value at the end of a moment that is over. Looks near the end first: its cost grows with the
            logarithm of the changes since that moment.
    @param account Whose trace.
    @param moment In seconds, before now.
    """
    head: uint256 = self._heads[account]
    if (head >> AT_SHIFT) & U40 <= moment:
        return head & U64  # an empty trace too
    length: uint256 = (head >> LENGTH_SHIFT) & U32
    reach: uint256 = 1
    for _: uint256 in range(SEARCH_STEPS):
        if reach > length or self._at(account, length - reach) <= moment:
            break
        reach *= 2
    low: uint256 = 0
    if reach <= length:
        low = length - reach
    high: uint256 = length - reach // 2
    for _: uint256 in range(SEARCH_STEPS):
        if low >= high:
            break
        middle: uint256 = (low + high) // 2
        if self._at(account, middle) <= moment:
            low = middle + 1
        else:
            high = middle
    return 0 if low == 0 else self._checkpoint(account, low - 1) & U64


@internal
def _keep(account: address, place: uint256, checkpoint: uint256):
    self._past[account][place // 2] |= checkpoint << (HALF_BITS * (place % 2))


@internal
@view
def _checkpoint(account: address, place: uint256) -> uint256:
    return (self._past[account][place // 2] >> (HALF_BITS * (place % 2))) & CHECKPOINT


@internal
@view
def _at(account: address, place: uint256) -> uint256:
    return self._checkpoint(account, place) >> AT_SHIFT
