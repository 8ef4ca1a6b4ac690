"""How holders of STUN decide: votes with a past, proposals, a delay, and what a guardian may stop.

Source: docs/PROTOCOL.md, section 11.
"""
