"""Fast ways to compute a graph of class `exact`, each with the specification's bits or refused (stun/protocol/graph).

`portable` needs NumPy alone, `native` numba, `torch` the torch extra. Whoever computes asks `paths` for one that passed
its known answers on this machine.
"""
