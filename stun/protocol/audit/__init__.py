"""The audit: seats of auditors with bonds, the draw of a batch by a beacon's round, sealed verdicts and who is paid.

It holds batches and is paid out of the market's audit account; it convicts nobody. Source: docs/PROTOCOL.md, section 7.
"""
