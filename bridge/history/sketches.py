"""Distinct counts over any days: HyperLogLog sketches, merged register by register: a repeat changes nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from datasketches import hll_sketch, hll_union, tgt_hll_type

from bridge.database import Connection
from bridge.history.records import Bounds, RecordRefusedError, stream_key
from bridge.history.records import moment as moment_of
from bridge.history.scopes import EVERYTHING, tenant_scope

LG_K = 14
KINDS = {"day": "viewers", "chat": "chat"}
"""The windows of spool records that are kept, and the kind each is kept as."""
SketchRow = tuple[str, str, date, bytes, str]
"""``(stream, kind, UTC day, sketch, tenant)``."""


def sketch_row(record: Mapping[str, Any], tenant: str, bounds: Bounds) -> SketchRow | None:
    """A ``sketch`` record as a row, None for a window that is not kept; raises RecordRefusedError."""
    kind = KINDS.get(str(record.get("window")))
    if kind is None:
        return None
    try:
        at = bounds.check(moment_of(record["time"]))
        sketch = base64.b64decode(record["sketch"], validate=True)
        hll_sketch.deserialize(sketch)
        return stream_key(record["stream"]), kind, at.date(), sketch, tenant
    except (KeyError, TypeError, ValueError, OverflowError, binascii.Error, RuntimeError) as error:
        raise RecordRefusedError(f"sketch record: {error!r}") from error


def store_sketches(connection: Connection, rows: Sequence[SketchRow]) -> None:
    """Merge sketches into those of their day and month, for the stream, its tenant and everything."""
    fresh: dict[tuple[str, str, str, date], list[bytes]] = {}
    for stream, kind, day, sketch, tenant in rows:
        for scope in (stream, tenant_scope(tenant), EVERYTHING):
            for level, first in (("day", day), ("month", day.replace(day=1))):
                fresh.setdefault((scope, kind, level, first), []).append(sketch)
    for key, sketches in sorted(fresh.items()):
        row = connection.execute(
            "SELECT sketch FROM sketches WHERE scope = %s AND kind = %s AND level = %s AND day = %s", key
        ).fetchone()
        merged = merge([*sketches, *([row[0]] if row else [])])
        connection.execute(
            "INSERT INTO sketches (scope, kind, level, day, sketch) VALUES (%s, %s, %s, %s, %s)"
            " ON CONFLICT (scope, kind, level, day) DO UPDATE SET sketch = excluded.sketch",
            (*key, _written(merged)),
        )


def merge(sketches: Iterable[bytes]) -> hll_union:
    """The union of written sketches."""
    union = hll_union(LG_K)
    for one in sketches:
        union.update(hll_sketch.deserialize(bytes(one)))
    return union


def join(one: hll_union, other: hll_union) -> hll_union:
    """The union of two unions, which stay as they are."""
    union = hll_union(LG_K)
    union.update(one.get_result(tgt_hll_type.HLL_8))
    union.update(other.get_result(tgt_hll_type.HLL_8))
    return union


def count(counted: hll_union | hll_sketch) -> int:
    """How many distinct were put into a union or sketch."""
    distinct: float = counted.get_estimate()
    return round(distinct)


def estimate(sketches: Sequence[bytes]) -> int:
    """How many distinct were put into any of these sketches."""
    # One alone says so itself; a union would unpack it first.
    return count(hll_sketch.deserialize(bytes(sketches[0])) if len(sketches) == 1 else merge(sketches))


def _written(union: hll_union) -> bytes:
    return bytes(union.get_result(tgt_hll_type.HLL_4).serialize_compact())
