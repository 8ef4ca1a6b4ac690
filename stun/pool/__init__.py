"""The pool: signed orders, bids and what follows them, held off chain for whoever wants to read. No pool is trusted."""
