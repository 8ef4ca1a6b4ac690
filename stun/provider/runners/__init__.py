"""Runners: the allow-listed programs that compute tasks, and the worker process they run in.

Importing this package imports none of them, so that a worker can confine itself before it loads their libraries.
"""
