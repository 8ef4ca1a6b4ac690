"""Structured logs of a keeper: JSON lines, with nothing in them that signs or opens."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET = ("key_material", "private", "passphrase", "password", "secret", "signature", "salt", "raw")


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what a name marks as secret, and bytes, which could be signatures."""
    for name, value in event.items():
        if any(word in name.lower() for word in _SECRET) or isinstance(value, bytes | bytearray):
            event[name] = "[redacted]"
    return event


def configure_logs(level: int = logging.INFO) -> None:
    """Write JSON lines to standard error from now on."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
