"""Jobs: what joins pools, chain, decision and writer, one cycle at a time."""
