"""Compiled kernels of class `exact`: numba and LLVM vectors, no C compiler. Same bits as the specification or refused.

Imported only where numba is installed; whoever wants the fastest path that works here asks stun.models.exact.paths.
"""
