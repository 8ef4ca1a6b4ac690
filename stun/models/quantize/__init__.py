"""From a float model to integers of class `exact`: calibration, scales, the graph, and what it cost in quality.

This is the recipe, in floating point, and it binds nobody: a registered model is its integers (stun/protocol/graph).
"""
