"""The message all peers send: as long as the bridge's, numbered."""

from __future__ import annotations

import json

PADDING = "x" * 430


def message(sequence: int) -> str:
    """Some 480 bytes of JSON."""
    return json.dumps({"type": "metrics", "seq": sequence, "pad": PADDING}, separators=(",", ":"))
