"""Keepers: bots that do permissionless duties of the market: a pure decision, a chain, and a job that joins them."""
