"""``python -m exporters hls validate URL``: a one-shot check of a stream for people and CI."""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Check the stream that the arguments name; the exit code tells the worst severity found."""
    raise NotImplementedError
