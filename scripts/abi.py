"""Write the contracts' interfaces to stun/chains/evm/interfaces/, so that nobody needs a compiler to use a market.

Run it after every change of a contract's external functions or events: `python scripts/abi.py`. A test compares the
files with a fresh compilation.
"""

import sys

from stun.chains.evm.market_contracts import CONTRACTS, interface_path, write_interface


def main() -> None:
    """Write every interface and say where."""
    for name in CONTRACTS:
        write_interface(name)
        sys.stdout.write(f"{interface_path(name)}\n")


if __name__ == "__main__":
    main()
