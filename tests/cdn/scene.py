"""What the tests of log counting share: fixture logs counted at a fixed time, and sums over tables."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

from exporters.cdn.checkpoint import Checkpoint
from exporters.cdn.counting import ChunkCounter
from exporters.cdn.formats import registry
from exporters.cdn.formats.nginx import REQUEST_VARIABLES
from exporters.cdn.guards import Guards
from exporters.cdn.ledger import Ledger
from exporters.cdn.paths import PathMapper
from exporters.cdn.sources.spec import SourceSpec
from exporters.cdn.tables import DeliveryTables
from exporters.cdn.tally import SourceTally
from exporters.cdn.times import SourceIdentity
from exporters.exposition import Samples

FIXTURES = Path(__file__).parents[1] / "fixtures" / "cdn"
NOW = 1795425321.0
"""two seconds after the first record of the fixtures"""
REQUESTS_KEY = " ".join(REQUEST_VARIABLES)


class Scene:
    """A ledger with its tables over a checkpoint in a folder, at a fixed time."""

    def __init__(self, folder: Path, now: float = NOW, max_streams: int = 2_000, limit_bytes: int = 256 << 20) -> None:
        self.now = now
        self.tables = DeliveryTables()
        guards = Guards(self.tables, max_streams, 3, monotonic=self.clock)
        self.ledger = Ledger(
            *(self.tables, Checkpoint(folder / "state.db"), guards),
            name="here",
            stream_retention_seconds=600,
            outbox_limit_bytes=limit_bytes,
            now=self.clock,
        )

    def clock(self) -> float:
        return self.now

    def source(
        self,
        form: str,
        ratio: float = 1.0,
        repeats: bool = False,
        hands_over: bool = True,
        name: str = "edge",
        fields: Sequence[str] = (),
    ) -> tuple[SourceTally, ChunkCounter]:
        """A tally, and what counts lines of this format into it."""
        parser = registry.FormatRegistry(fields).open(SourceSpec("TEST", name, form))
        tally = self.ledger.open(SourceIdentity(parser.cdn, name, ratio), PathMapper(), hands_over)
        return tally, registry.counter(parser, tally, repeats)

    def close(self) -> None:
        self.ledger.checkpoint.close()


def lock_seen_by_others(ledger: Ledger) -> list[tuple[str, bool]]:
    """Fills with each line refused, and whether no other thread could store it without what comes with it."""
    seen: list[tuple[str, bool]] = []
    add = ledger.tables.records.add

    def look(result: str) -> None:
        free = ledger.lock.acquire(blocking=False)
        if free:
            ledger.lock.release()
        seen.append((result, not free))

    def add_and_look(amount: float, *labels: str) -> None:
        add(amount, *labels)
        if labels[2] in ("oversized", "parse_error"):
            other = threading.Thread(target=look, args=labels[2:])
            other.start()
            other.join()

    ledger.tables.records.add = add_and_look  # type: ignore[method-assign]
    return seen


def counted(
    form: str, text: bytes, ratio: float = 1.0, modules: Sequence[str] = ()
) -> tuple[DeliveryTables, SourceTally]:
    """The tables after counting this text, and the tally with the records it would hand over."""
    tables = DeliveryTables()
    parser = registry.FormatRegistry(modules=modules).open(SourceSpec("TEST", "edge", form))
    identity = SourceIdentity(parser.cdn, "edge", ratio)
    tally = SourceTally(identity, tables, Guards(tables), PathMapper(), hands_over=True, now=lambda: NOW)
    counter = registry.counter(parser, tally, repeats=False)
    counter.begin(text[:4096])
    counter.take(text)
    tally.fold()
    tables.publish()
    return tables, tally


def rows(samples: Samples) -> dict[tuple[str, ...], float]:
    """The samples that are not 0, by label values."""
    return {labels: value for labels, value in samples.items() if value}


def nginx_line(
    path: str = "/hls/demo_720p/1.ts",
    *,
    args: str = "",
    status: str = "200",
    size: int = 1000,
    seconds: str = "0.004",
    time: float = 1795425319.0,
    agent: str = "curl/8",
    cache: str = "HIT",
    country: str = "DE",
    request_id: str = "1",
    pop: str = "edge-1",
) -> bytes:
    """A line as nginx writes it in our format."""
    return (
        f'{{"{REQUESTS_KEY}":[{time:.3f},{seconds},{size},300],'
        f'"edge":{{"status":"{status}","upstream_cache_status":"{cache}","upstream_status":"",'
        f'"server_protocol":"HTTP/2.0","ssl_protocol":"TLSv1.3","country":"{country}","pop":"{pop}"}},'
        '"upstream":{"upstream_response_time":"","upstream_header_time":"","upstream_connect_time":"",'
        f'"upstream_bytes_received":""}},"uri":"{path}","args":"{args}",'
        f'"viewer":{{"remote_addr":"203.0.113.7","http_user_agent":"{agent}","viewer_id":"","http_cmcd_object":"",'
        '"http_cmcd_request":"","http_cmcd_session":"","http_cmcd_status":""},"request_method":"GET",'
        f'"scheme":"https","request_id":"{request_id}"}}\n'
    ).encode()
