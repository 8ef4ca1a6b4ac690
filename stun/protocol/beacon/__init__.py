"""The beacon: public randomness by rounds, drand's evmnet (BLS signatures in G1 of BN254, the key in G2).

`rounds` says when a round is due and keeps what was brought; `bls` verifies and signs; `hash_to_curve` and `bn254` are
the mathematics under it; `networks` names drand's network and a development network's. Source: docs/PROTOCOL.md,
section 7.
"""
