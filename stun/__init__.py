"""STUN: a market for AI computation held by contracts."""
