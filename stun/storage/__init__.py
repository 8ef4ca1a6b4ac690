"""Content-addressed blobs, their mirrors, container and encryption. No store is trusted: digests decide."""
