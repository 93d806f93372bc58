"""Log lines without secrets: tokens are taken out of every line, ours and the server's."""

from __future__ import annotations

import logging
import re

from exporters.logs import FORMAT

SECRETS = re.compile(
    r"(?P<name>\b(?:token|access_token|id_token|key|password)=)[^&\s\"'#]+"
    r"|(?P<scheme>\b[Bb]earer,?\s+)[^\s\"',]+"
    r"|\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]*"
)
HINTS = ("=", "eyJ", "earer")
"""Without any of these there is nothing to take out; asking is cheaper than the pattern."""


def scrub(text: str) -> str:
    """The text with every token and key replaced by asterisks."""
    if not any(hint in text for hint in HINTS):
        return text
    return SECRETS.sub(lambda found: (found["name"] or found["scheme"] or "") + "***", text)


class ScrubbingFormatter(logging.Formatter):
    """Formats as usual, traceback included, and then takes secrets out."""

    def format(self, record: logging.LogRecord) -> str:
        return scrub(super().format(record))


def configure(level: str) -> None:
    """Send every logger's lines to stderr through the scrubbing formatter."""
    handler = logging.StreamHandler()
    handler.setFormatter(ScrubbingFormatter(FORMAT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("gunicorn.error", "gunicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True
