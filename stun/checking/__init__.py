"""Anybody checks a batch: runs tasks again, compares, and takes a wrong result to the court.

Stands on chains, storage, models and disputes; providers, keepers and the command stand on it.
Source: docs/PROTOCOL.md, sections 6.6, 6.7 and 9.
"""
