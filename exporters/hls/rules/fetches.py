"""What a failed fetch of a playlist breaks."""

from __future__ import annotations

from exporters.errors import SourceError
from exporters.hls.findings import RULES, Finding


def failure_finding(error: SourceError) -> Finding:
    """The rule for a playlist that could not be fetched or read, by the error's reason."""
    reason = error.reason
    if reason.startswith("http_"):
        rule = "http_status"
    elif reason == "parse":
        rule = "not_m3u8"
    elif reason in RULES:
        rule = reason
    else:
        rule = "playlist_unavailable"
    return Finding(rule, "", str(error))
