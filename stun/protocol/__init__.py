"""The specification of the STUN protocol: pure functions and a state machine, no input or output.

Everything here is deterministic and imports nothing else of the project. Contracts on every chain are checked
against it. See docs/PROTOCOL.md.
"""
