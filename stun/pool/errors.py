"""Every error of the pool. `code` names the cause, module first, as in the contracts and in the pool's answers.

A message that a rule of the protocol refuses is `Rejected` with the rule's own code, as on chain.
"""

from stun.protocol.errors import StunError


class PoolError(StunError):
    """Base class of the pool's own errors."""

    code = "pool: error"


class WireInvalid(PoolError):
    """Bytes that are no envelope of the asked kind. `where` is the path to the fault, `reason` says what is wrong."""

    code = "wire: invalid"

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(f"{where}: {reason}")
        self.where = where
        self.reason = reason


class EntryUnknown(PoolError):
    """The pool holds no such entry; another pool may."""

    code = "pool: unknown"

    def __init__(self, what: str) -> None:
        super().__init__(f"no {what} here; ask another pool")


class EntryConflict(PoolError):
    """Enough of the same subject is held: a newer profile, two commitments of one provider, or many variants."""

    code = "pool: conflict"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class PoolFull(PoolError):
    """A bound on what the pool holds is reached; `who` says whose."""

    code = "pool: full"

    def __init__(self, who: str, limit: int) -> None:
        super().__init__(f"{who} fills the limit of {limit}; try later or another pool")
        self.limit = limit


class BodyTooLarge(PoolError):
    """A body above the limit, in bytes."""

    code = "pool: too large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body passes {limit} bytes")
        self.limit = limit


class BodySlow(PoolError):
    """A body that did not arrive in time."""

    code = "pool: slow body"

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the body took longer than {seconds} seconds")


class RateLimited(PoolError):
    """This client asks too often."""

    code = "pool: rate"

    def __init__(self, per_second: float) -> None:
        super().__init__(f"more than {per_second:g} requests a second; slow down")


class QueryInvalid(PoolError):
    """A query or path that cannot be read."""

    code = "pool: bad query"


class StoreOutdated(PoolError):
    """The database was written by another version of the pool; move it away or run that version."""

    code = "pool: store version"

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"the database has schema {found}, this pool reads {expected}; move it away")


class PoolUnavailable(PoolError):
    """The pool did not answer, or not in time, or failed by itself. Try another one."""

    code = "pool: unavailable"

    def __init__(self, pool: str, reason: str) -> None:
        super().__init__(f"{pool}: {reason}; try later or another pool")
        self.pool = pool


class PoolRefused(PoolError):
    """The pool answered that it does not take or have this; `code` is the pool's word for it, cut and escaped."""

    def __init__(self, pool: str, code: str, message: str) -> None:
        super().__init__(f"{pool} refused ({code}): {message}")
        self.pool = pool
        self.code = code


class PoolLied(PoolError):
    """The pool served what no honest pool serves: forged, of another kind, or out of order."""

    code = "pool: lied"

    def __init__(self, pool: str, reason: str) -> None:
        super().__init__(f"{pool}: {reason}; do not rely on it")
        self.pool = pool


class PoolsExhausted(PoolError):
    """No pool did what was asked; `failures` says why each did not."""

    code = "pool: no pool"

    def __init__(self, action: str, failures: tuple[PoolError, ...]) -> None:
        super().__init__(f"no pool could {action}: " + "; ".join(str(failure) for failure in failures))
        self.failures = failures
