"""The message all peers send, numbered: as long as the bridge's, or as ``MESSAGE_BYTES`` says."""

from __future__ import annotations

import json
import os

PADDING = "x" * (int(os.environ.get("MESSAGE_BYTES", "480")) - 50)


def message(sequence: int) -> str:
    """So many bytes of JSON."""
    return json.dumps({"type": "metrics", "seq": sequence, "pad": PADDING}, separators=(",", ":"))
