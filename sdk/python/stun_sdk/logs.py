"""Where warnings go: a program's standard output is its own, so they go to standard error."""

import logging
import sys

import structlog


def keep_off_standard_output() -> None:
    """Send warnings to standard error, unless the program has set structlog up by itself. Again does nothing."""
    if structlog.is_configured():
        return
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
