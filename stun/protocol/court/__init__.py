"""The court: demands that committed nodes be opened, and challenges that the referee decides in one transaction.

Source: docs/PROTOCOL.md, sections 6.6, 6.7 and 9.
"""
