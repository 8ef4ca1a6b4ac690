# pragma version ~=0.4.3
"""
@title What becomes of a seat
@custom:contract-name audit_verdicts
@license GNU Affero General Public License v3.0 only
@notice stun/protocol/audit/closing.py: who is paid, who was silent, who lied, who confirmed a wrong result. Pure.
"""

from ..interfaces import IAudit
from ..interfaces import IMarketplace
from . import accounts
from . import prices

DRAWN: constant(uint256) = 0
SEALED: constant(uint256) = 1
REVEALED: constant(uint256) = 2

UNPAID: constant(uint256) = 0
PAID: constant(uint256) = 1
SILENT: constant(uint256) = 2
LIED: constant(uint256) = 3
CONFIRMED: constant(uint256) = 4


@internal
@pure
def join(digests: DynArray[bytes32, 16]) -> Bytes[1024]:
    """
    @notice Returns output digests one behind the other.
    @param digests Of the drawn tasks.
    """
    joined: Bytes[1024] = abi_encode(digests)
    return slice(joined, 64, 32 * len(digests))


@internal
@pure
def is_party(account: address, terms: IMarketplace.Terms) -> bool:
    """
    @notice Whether an account is the requester or a provider of a batch.
    @param account The account.
    @param terms Of the batch.
    """
    wide: bytes32 = accounts.widen(account)
    for k: uint256 in range(terms.replicas, bound=3):
        if terms.casts[k].provider == wide:
            return True
    return terms.requester == wide


@internal
@pure
def share(terms: IMarketplace.Terms, tasks: uint256) -> uint256:
    """
    @notice Returns what running the drawn tasks costs at the price of the dearest replica, rounded up.
    @param terms Of the batch.
    @param tasks How many are drawn.
    """
    dearest: uint256 = 0
    for k: uint256 in range(terms.replicas, bound=3):
        dearest = max(dearest, prices.price_locked(terms.count, terms.max_units, terms.casts[k].price))
    return (dearest * tasks + terms.count - 1) // terms.count


@internal
@pure
def _agrees(audit: IAudit.Audit, sitting: IAudit.Sitting, replica: uint256) -> bool:
    if audit.shown[replica] != empty(bytes32):
        return audit.shown[replica] == sitting.word
    return (sitting.agrees >> replica) & 1 == 1


@internal
@pure
def judge(audit: IAudit.Audit, seat: uint256, convicted: bool[3], wrong: bool[3]) -> (uint256, uint256):
    """
    @notice Returns what becomes of a seat, and of which replica it lied.
    @param audit The audit.
    @param seat Its place among the sittings.
    @param convicted Which replicas the court convicted.
    @param wrong Which of them of a wrong result.
    """
    sitting: IAudit.Sitting = audit.sittings[seat]
    if sitting.stage != REVEALED:
        return SILENT, 0
    for k: uint256 in range(3):
        if (sitting.agrees >> k) & 1 == 1 and not self._agrees(audit, sitting, k):
            return LIED, k
    due: bool = False
    for k: uint256 in range(3):
        if audit.results[k] != empty(bytes32):
            agreed: bool = self._agrees(audit, sitting, k)
            if agreed and convicted[k] and (wrong[k] or self._contradicted(audit, k)):
                return CONFIRMED, 0
            due = due or agreed != convicted[k]
    if due:
        return PAID, 0
    return UNPAID, 0


@internal
@pure
def _contradicted(audit: IAudit.Audit, replica: uint256) -> bool:
    """
    @notice Whether a seat that opened its seal has other results than a replica, which went silent when it was asked.
    """
    for sitting: IAudit.Sitting in audit.sittings:
        if sitting.stage == REVEALED and not self._agrees(audit, sitting, replica):
            return True
    return False
