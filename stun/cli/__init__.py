"""The `stun` command: one file for each group of commands."""
