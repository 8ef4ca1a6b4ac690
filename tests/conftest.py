"""Drawn examples are the same in every run of `make test`, and new ones in every `make test-long`."""

import os

from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile(os.environ.get("STUN_EXAMPLES", "steady"))
