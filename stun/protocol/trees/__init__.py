"""The trees of the protocol: RFC 6962 shapes, the sum tree of results, the multi-proof of a disagreement."""
