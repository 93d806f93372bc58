"""The CDN exporter: reads edge logs from files, syslog and pushes, counts them, and hands viewers' records over."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exporters.cdn.checkpoint import Checkpoint
from exporters.cdn.collector import DeliveryCollector
from exporters.cdn.counting import ChunkCounter
from exporters.cdn.formats import registry
from exporters.cdn.formats.registry import FormatRegistry
from exporters.cdn.guards import Guards
from exporters.cdn.ledger import Committer, Ledger
from exporters.cdn.outbox import OutboxSender
from exporters.cdn.paths import DEFAULT_PATTERNS, PathMapper
from exporters.cdn.sources.folder import LogFolder
from exporters.cdn.sources.push import PushIntake, PushSource
from exporters.cdn.sources.pushserver import PushServer
from exporters.cdn.sources.spec import SourceSpec, parse_ratios, parse_specs
from exporters.cdn.sources.syslog import SyslogIntake, SyslogTcp, SyslogUdp
from exporters.cdn.sources.tail import LogTail
from exporters.cdn.tables import DeliveryTables
from exporters.cdn.tally import SourceTally
from exporters.cdn.times import SourceIdentity
from exporters.checks import parse_address
from exporters.errors import ConfigError
from exporters.naming import RENDITION_SUFFIXES
from exporters.server import Service, Worker
from exporters.settings import Secret, setting

PREFIX = "CDN_"


@dataclass(frozen=True)
class CdnConfig:
    """Settings of the CDN exporter."""

    listen: str = setting("127.0.0.1:9703", "Where /metrics is served.")
    files: tuple[str, ...] = setting(
        (), "Logs to follow, as name=format:path; a path with * or ? is a folder of finished files."
    )
    formats: tuple[str, ...] = setting((), "Python modules with further log formats; docs/extend.md shows one.")
    start: str = setting("end", "Where a log is begun that was never read before.", choices=("end", "beginning"))
    state: Path = setting(Path("var/cdn/state.db"), "The checkpoint: counters, positions, unsent hand-off batches.")
    commit_seconds: float = setting(0.5, "How often counts are stored and shown.", minimum=0.05, maximum=60)
    patterns: str = setting(
        " ".join(DEFAULT_PATTERNS), "Path patterns (regular expressions, space between) with groups stream and variant."
    )
    rendition_suffixes: tuple[str, ...] = setting(
        RENDITION_SUFFIXES, "Endings of a stream's name in a path that are its rendition."
    )
    sampling: tuple[str, ...] = setting((), "Share of requests that a source logs, as name=ratio, for example cf=0.1.")
    max_streams: int = setting(2_000, "Streams with series of their own; more become _other.", minimum=1)
    max_pops: int = setting(400, "Points of presence with series of their own; more become _other.", minimum=1)
    stream_retention_seconds: float = setting(
        3_600.0, "How long a stream's series stay after its last served request.", minimum=1
    )
    late_seconds: float = setting(3_600.0, "Records older than this are counted but not handed over.", minimum=1)
    syslog_udp: tuple[str, ...] = setting((), "Logs over syslog UDP, as name=format:host:port.")
    syslog_tcp: tuple[str, ...] = setting((), "Logs over syslog TCP, as name=format:host:port.")
    push_listen: str = setting("", "Where logs are pushed to by HTTP, for example 127.0.0.1:8003; off where empty.")
    push_sources: tuple[str, ...] = setting(
        ("fastly=fastly", "cloudflare=cloudflare", "akamai=akamai", "cloudfront=cloudfront-realtime", "nginx=nginx"),
        "Sources that are pushed to, as name=format; each is served as /push/name.",
    )
    push_token: Secret = setting(Secret(), "Token that pushes must carry.")
    push_concurrent: int = setting(4, "Bodies counted at a time; further ones are answered 429.", minimum=1)
    push_limit_megabytes: int = setting(16, "Largest body that a push may have, as sent.", minimum=1)
    fastly_services: tuple[str, ...] = setting((), "Fastly service ids that may log here; any where empty.")
    cloudfront_fields: tuple[str, ...] = setting((), "Fields of CloudFront real-time logs; all of them where empty.")
    akamai_fields: tuple[str, ...] = setting((), "Order of the fields in Akamai's structured lines.")
    handoff_url: str = setting("", "Where records of viewers go, for example http://127.0.0.1:9704/handoff.")
    handoff_name: str = setting("", "This exporter's name in hand-off batches; the host's name where empty.")
    handoff_limit_megabytes: int = setting(
        256, "Unsent hand-off batches kept while the session engine is away; the oldest go first.", minimum=1
    )


CONFIG = CdnConfig


def build(config: CdnConfig) -> Service:
    """The exporter's collectors, workers and routes; raises ConfigError where a setting is unusable."""
    tables = DeliveryTables()
    ledger = Ledger(
        tables,
        Checkpoint(config.state),
        Guards(tables, config.max_streams, config.max_pops),
        name=config.handoff_name or socket.gethostname(),
        stream_retention_seconds=config.stream_retention_seconds,
        outbox_limit_bytes=config.handoff_limit_megabytes << 20,
    )
    opener = SourceOpener(config, ledger)
    workers: list[Worker] = [Committer(ledger, config.commit_seconds)]
    if config.handoff_url:
        workers.append(OutboxSender(ledger, config.handoff_url))
    workers += opener.files()
    workers += opener.syslog()
    workers += opener.push()
    opener.check_sampling()
    return Service("cdn", (DeliveryCollector(tables),), workers)


class SourceOpener:
    """Makes the workers of the configured sources."""

    def __init__(self, config: CdnConfig, ledger: Ledger) -> None:
        self._config = config
        self._ledger = ledger
        self._formats = FormatRegistry(config.cloudfront_fields, config.akamai_fields, config.formats)
        self._mapper = PathMapper(config.patterns.split(), config.rendition_suffixes)
        self._ratios = parse_ratios("CDN_SAMPLING", config.sampling)
        self._names: set[str] = set()

    def files(self) -> Iterator[Worker]:
        """A follower for each log, a reader for each folder of finished ones."""
        for spec in parse_specs("CDN_FILES", self._config.files):
            if not spec.place:
                raise ConfigError(f"CDN_FILES has {spec.name} without a path; it must be name=format:path")
            path = Path(spec.place)
            if "*" in str(path.parent) or "?" in str(path.parent):
                raise ConfigError(
                    f"CDN_FILES has {spec.name} with the path {spec.place}; * and ? may only stand in its last part"
                )
            if "*" in path.name or "?" in path.name:
                yield LogFolder(path, *self._open(spec, repeats=True), self._ledger)
            else:
                from_end = self._config.start == "end"
                yield LogTail(path, *self._open(spec, repeats=False), self._ledger, from_end=from_end)

    def syslog(self) -> Iterator[Worker]:
        """A listener for each syslog source."""
        for spec in parse_specs("CDN_SYSLOG_UDP", self._config.syslog_udp):
            yield SyslogUdp(parse_address(spec.variable, spec.place), self._intake(spec))
        for spec in parse_specs("CDN_SYSLOG_TCP", self._config.syslog_tcp):
            yield SyslogTcp(parse_address(spec.variable, spec.place), self._intake(spec))

    def push(self) -> Iterator[Worker]:
        """The server for pushed logs, where one is wanted."""
        config = self._config
        if not config.push_listen:
            return
        if not config.push_token:
            raise ConfigError("CDN_PUSH_TOKEN is empty; pushes need a token, for example from: openssl rand -hex 32")
        specs = parse_specs("CDN_PUSH_SOURCES", config.push_sources)
        sources = {spec.name: PushSource(*self._open(spec, repeats=True)) for spec in specs}
        intake = PushIntake(sources, self._ledger, config.push_token, config.fastly_services, config.push_concurrent)
        address = parse_address("CDN_PUSH_LISTEN", config.push_listen)
        yield PushServer(address, intake, config.push_limit_megabytes << 20)

    def check_sampling(self) -> None:
        """Raise ConfigError when a ratio is given for a source that was not opened."""
        for name in self._ratios:
            if name not in self._names:
                known = ", ".join(sorted(self._names)) or "none"
                raise ConfigError(f"CDN_SAMPLING has {name!r}, which is no source's name; known are {known}")

    def _intake(self, spec: SourceSpec) -> SyslogIntake:
        return SyslogIntake(*self._open(spec, repeats=False), self._ledger)

    def _open(self, spec: SourceSpec, repeats: bool) -> tuple[SourceTally, ChunkCounter]:
        if spec.name in self._names:
            raise ConfigError(f"{spec.variable} has the source name {spec.name!r}, which another source has already")
        self._names.add(spec.name)
        parser = self._formats.open(spec)
        ratio = self._ratios.get(spec.name, 1.0)
        identity = SourceIdentity(parser.cdn, spec.name, ratio, self._config.late_seconds)
        tally = self._ledger.open(identity, self._mapper, hands_over=bool(self._config.handoff_url))
        return tally, registry.counter(parser, tally, repeats)
