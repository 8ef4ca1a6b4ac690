"""Errors of the specification. The code of a rejection is the revert reason of every contract."""


class StunError(Exception):
    """Base class of every error that STUN raises on purpose."""


class Rejected(StunError):
    """An action that a rule of the protocol refuses; nothing changed.

    `code` names the rule ("orders: expired"): module, colon, cause; at most 32 characters, the same on every chain.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def require(condition: bool, code: str) -> None:
    """Raise Rejected(code) unless the condition holds."""
    if not condition:
        raise Rejected(code)
