"""The market as a state machine: `step(state, action, now) -> (state, events)` or Rejected.

`state` holds the records, `actions` what anybody can ask for, and one file each rule of the life of a batch
(PROTOCOL.md section 6): `matching`, `delivery`, `clock`, `settlement`, `peers`. `ledger` is the only place where money
moves.
"""
