"""Compile every contract into .build/, so that nothing that runs later waits for the compiler."""

import sys
import time

from stun.chains.evm.artifacts import ArtifactStore


def main() -> None:
    """Compile what the cache lacks, in two processes, and say how long it took if it took long."""
    started = time.monotonic()
    artifacts = ArtifactStore().build()
    seconds = time.monotonic() - started
    if seconds > 5:
        sys.stdout.write(f"set-up: compiled {len(artifacts)} contracts in {seconds:.0f} s\n")


if __name__ == "__main__":
    main()
