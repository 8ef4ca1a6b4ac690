"""Adapters, one per virtual machine, behind the neutral surface of `stun.chains.interface`."""
