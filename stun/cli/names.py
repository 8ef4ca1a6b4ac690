"""How ids and accounts are written."""


def address(account: bytes) -> str:
    """An account as its chain writes it: 20 bytes where it is padded, else 32."""
    return "0x" + (account[12:] if account[:12] == bytes(12) else account).hex()


def identity(value: bytes) -> str:
    """A digest or id."""
    return "0x" + value.hex()
