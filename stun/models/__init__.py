"""Model files and manifests: what a registered computation is, judged from bytes alone.

Nothing here runs a model and nothing is ever unpickled. Imports the protocol only.
"""
