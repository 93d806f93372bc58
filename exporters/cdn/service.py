"""The CDN exporter: reads edge logs from files, syslog and pushes, counts them, and hands viewers' records over."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from exporters.cdn.checkpoint import Checkpoint
from exporters.cdn.collector import DeliveryCollector
from exporters.cdn.counting import ChunkCounter
from exporters.cdn.formats import registry
from exporters.cdn.ledger import Committer, Ledger
from exporters.cdn.outbox import OutboxSender
from exporters.cdn.paths import DEFAULT_PATTERNS, DEFAULT_SUFFIXES, PathMapper
from exporters.cdn.sources.spec import SourceSpec, parse_ratios, parse_specs
from exporters.cdn.sources.tail import LogTail
from exporters.cdn.tables import DeliveryTables
from exporters.cdn.tally import Guards, SourceIdentity, SourceTally
from exporters.server import Service, Worker
from exporters.settings import setting

PREFIX = "CDN_"


@dataclass(frozen=True)
class CdnConfig:
    """Settings of the CDN exporter."""

    listen: str = setting("127.0.0.1:9703", "Where /metrics is served.")
    files: tuple[str, ...] = setting(
        (), "Logs to follow, as name=format:path; a path with * or ? is a folder of finished files."
    )
    start: str = setting("end", "Where a log is begun that was never read before.", choices=("end", "beginning"))
    state: Path = setting(Path("var/cdn/state.db"), "The checkpoint: counters, positions, unsent hand-off batches.")
    commit_seconds: float = setting(0.5, "How often counts are stored and shown.", minimum=0.05, maximum=60)
    patterns: str = setting(
        " ".join(DEFAULT_PATTERNS), "Path patterns (regular expressions, space between) with groups stream and variant."
    )
    rendition_suffixes: tuple[str, ...] = setting(
        DEFAULT_SUFFIXES, "Endings of a stream's name in a path that are its rendition."
    )
    sampling: tuple[str, ...] = setting((), "Share of requests that a source logs, as name=ratio, for example cf=0.1.")
    max_streams: int = setting(2_000, "Streams with series of their own; more become _other.", minimum=1)
    max_pops: int = setting(400, "Points of presence with series of their own; more become _other.", minimum=1)
    stream_retention_seconds: float = setting(
        3_600.0, "How long a stream's series stay after its last served request.", minimum=1
    )
    late_seconds: float = setting(3_600.0, "Records older than this are counted but not handed over.", minimum=1)
    handoff_url: str = setting("", "Where records of viewers go, for example http://127.0.0.1:9704/handoff.")
    handoff_name: str = setting("", "This exporter's name in hand-off batches; the host's name where empty.")
    handoff_limit_megabytes: int = setting(
        256, "Unsent hand-off batches kept while the session engine is away; the oldest go first.", minimum=1
    )


CONFIG = CdnConfig


def build(config: CdnConfig) -> Service:
    """The exporter's collectors, workers and routes; raises ConfigError where a setting is unusable."""
    mapper = PathMapper(config.patterns.split(), config.rendition_suffixes)
    ratios = parse_ratios("CDN_SAMPLING", config.sampling)
    tables = DeliveryTables()
    guards = Guards(tables, config.max_streams, config.max_pops)
    ledger = Ledger(
        tables,
        Checkpoint(config.state),
        guards,
        name=config.handoff_name or socket.gethostname(),
        stream_retention_seconds=config.stream_retention_seconds,
        outbox_limit_bytes=config.handoff_limit_megabytes << 20,
    )

    def opened(spec: SourceSpec) -> tuple[SourceTally, ChunkCounter]:
        maker = registry.find(spec)
        identity = SourceIdentity(maker.cdn, spec.name, ratios.get(spec.name, 1.0), config.late_seconds)
        tally = ledger.open(identity, mapper, bool(config.handoff_url))
        return tally, maker.counter(tally)

    workers: list[Worker] = [Committer(ledger, config.commit_seconds)]
    if config.handoff_url:
        workers.append(OutboxSender(ledger, config.handoff_url))
    for spec in parse_specs("CDN_FILES", config.files):
        workers.append(LogTail(Path(spec.place), *opened(spec), ledger, from_end=config.start == "end"))
    return Service("cdn", (DeliveryCollector(tables),), workers)
