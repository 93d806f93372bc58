"""The hand-off from the CDN exporter to the session engine: parsed log records that speak of viewers, in batches.

A batch is JSON ``{"source": "edge", "sequence": 7, "records": [[…], …]}``; a record is the array of
``DeliveryRecord``'s fields in order, and a batch's records are in order of time. ``sequence`` grows by one a batch and
source, so that a batch sent again after a lost answer or a restart is taken once. Addresses are whole here, because
country and session inference need them; the session engine truncates them before anything is kept.

The sender stores each batch, with its sequence, in the same transaction as the counters and the log position that it
belongs to, and keeps it until it is answered. It sends the oldest first, one at a time, and the same bytes again until
then; so the taker only needs to remember the last sequence of each source, and to ignore any that is not above it.
Sequences need not begin at 1, and may leave gaps: a new store begins at the clock's milliseconds, above any earlier
one, and batches that have waited too long may be dropped. ``source`` is the sending exporter's name and the log's.

Answers: 200 taken (or taken before); 400, 411, 413, 415, 422 refused for good, the batch is dropped; anything else, or
none, means the batch comes again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from exporters.errors import SourceFormatError


class DeliveryRecord(NamedTuple):
    """One edge request by a viewer, as the session engine needs it. Missing texts are empty, missing numbers -1."""

    time: float
    """Unix seconds at which the request ended."""
    cdn: str
    stream: str
    kind: str
    """multivariant, media, segment, part, init, key, other"""
    variant: str
    """rendition name from the path, ``""`` where the path has none"""
    status: int
    bytes: int
    seconds: float
    """how long the edge took to answer in full"""
    address: str
    user_agent: str
    country: str
    """ISO 3166-1 alpha-2 from the log, or empty"""
    signed_id: str
    """a viewer id carried by the URL or a cookie, or empty"""
    cmcd: str
    """the CMCD text, percent-decoded once: query argument, or the four headers joined by commas; or empty"""


class Batch(NamedTuple):
    """Records of one source, with the number that makes a repeat recognisable."""

    source: str
    sequence: int
    records: Sequence[DeliveryRecord]


def write_batch(batch: Batch) -> bytes:
    """A batch as JSON."""
    records = [tuple(record) for record in batch.records]
    return orjson.dumps({"source": batch.source, "sequence": batch.sequence, "records": records})


_ROWS = frozenset(
    (time, str, str, str, str, int, int, seconds, str, str, str, str, str)
    for time in (float, int)
    for seconds in (float, int)
)
"""The types that a record's fields may have: JSON writes a whole number of seconds either way."""


def read_batch(body: bytes) -> Batch:
    """Read a batch; raises SourceFormatError when it is not one."""
    try:
        data: dict[str, Any] = orjson.loads(body)
        source, sequence, rows = data["source"], data["sequence"], data["records"]
        if type(source) is not str or type(sequence) is not int or sequence < 0:
            raise ValueError("it needs a source and a sequence")
        if not all(tuple(map(type, row)) in _ROWS for row in rows):
            raise ValueError("a record has other fields")
        return Batch(source, sequence, [DeliveryRecord._make(row) for row in rows])
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise SourceFormatError(f"not a hand-off batch: {error}") from error
