"""The demonstration that `make demo` runs: a whole market on this machine, watched live."""
