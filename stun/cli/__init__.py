"""The `stun` command: one file per group of commands."""
