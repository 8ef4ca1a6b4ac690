"""How a dispute is played: what a replica answers, and what a challenger asks next until it can convict.

Pure: records in, an act out. Keepers, providers and the command line put chain, storage and models around it.
Source: docs/PROTOCOL.md, sections 6.6, 6.7 and 9.
"""
