"""The RTMP exporter: settings, and how its parts are put together."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from exporters.checks import parse_address, url
from exporters.discovery import write_streams
from exporters.errors import ConfigError
from exporters.naming import RENDITION_SUFFIXES, Naming
from exporters.rtmp.backends import backend_of, known_backends
from exporters.rtmp.book import Limits, StreamBook
from exporters.rtmp.collector import StreamCollector
from exporters.rtmp.fetch import HttpFetch
from exporters.rtmp.gate import Gate
from exporters.rtmp.hooks import HookTargets
from exporters.rtmp.host import HostCpu
from exporters.rtmp.keys import open_registry
from exporters.rtmp.poller import Poller, process_alive
from exporters.rtmp.publicnames import PublicNames
from exporters.rtmp.servers import ServerRecord, ServerTables
from exporters.rtmp.sources import Source
from exporters.rtmp.tallies import Tallies
from exporters.rtmp.targets import Target, parse_targets
from exporters.server import Reply, Request, Service
from exporters.settings import Secret, setting

log = logging.getLogger(__name__)
PREFIX = "RTMP_"


@dataclass(frozen=True)
class RtmpConfig:
    """Settings of the RTMP exporter."""

    listen: str = setting("127.0.0.1:9701", "Address of /metrics, /streams and the hooks.", check=parse_address)
    targets: tuple[str, ...] = setting(
        ("local=nginx-rtmp+http://127.0.0.1:8080/stat",),
        "Media servers as name=backend+URL; backends nginx-rtmp, srs, mediamtx.",
    )
    backends: tuple[str, ...] = setting((), "Python modules with further backends; docs/extend.md shows one.")
    ignore_apps: tuple[str, ...] = setting((), "Applications that are not shown, for example an inner packager's.")
    keys_file: str = setting("", "YAML or JSON file of stream keys, {key: stream id}; or use RTMP_KEYS_URL.")
    keys_url: str = setting(
        "", "Key registry of the bridge, its /internal/publish.", check=url("http://127.0.0.1:8001/internal/publish")
    )
    keys_token: Secret = setting(Secret(""), "Shared secret for RTMP_KEYS_URL, sent as X-Internal-Token.")
    keyed_targets: tuple[str, ...] = setting(
        (), "Targets that show stream keys as names because nothing renames there; keys are mapped or hidden."
    )
    names_secret: Secret = setting(Secret(""), "Secret that hides unknown keys (HMAC); needed by RTMP_KEYED_TARGETS.")
    keys_away: str = setting(
        "refuse",
        "While the registry is away: refuse publishes, or allow keys that were good before.",
        choices=("refuse", "remembered"),
    )
    poll_seconds: float = setting(1.0, "Time between polls of a server.", minimum=0.1, maximum=60)
    timeout_seconds: float = setting(3.0, "Time limit of one poll request.", minimum=0.1, maximum=60)
    renditions: tuple[str, ...] = setting(RENDITION_SUFFIXES, "Name suffixes that tell renditions of one stream apart.")
    max_streams: int = setting(2000, "Streams that get series of their own; others are folded.", minimum=1)
    reconnect_seconds: float = setting(60.0, "A publisher back within this continues its broadcast.", minimum=0)
    retention_seconds: float = setting(900.0, "Ended streams are shown as 0 for this long, then removed.", minimum=0)
    worker_grace_seconds: float = setting(
        10.0,
        "How long a publisher whose server process is gone from the polls is kept, where that may be a reload.",
        minimum=0,
    )
    host_cpu: str = setting(
        "auto", "CPU use of this host: for loopback targets, for all, or not at all.", choices=("auto", "local", "off")
    )


CONFIG = RtmpConfig


def build(config: RtmpConfig) -> Service:
    """Put the exporter together; raises ConfigError."""
    targets = parse_targets(f"{PREFIX}TARGETS", config.targets)
    registry = open_registry(config.keys_file, config.keys_url, config.keys_token, config.keys_away == "remembered")
    _check_keyed(config, targets)
    if registry is None:
        log.info("no key registry is set (RTMP_KEYS_URL, RTMP_KEYS_FILE): hooks allow every name")
    tallies, tables, naming = Tallies(), ServerTables(), Naming(config.renditions)
    limits = Limits(
        config.max_streams,
        config.reconnect_seconds,
        config.retention_seconds,
        worker_grace=config.worker_grace_seconds,
    )
    book = StreamBook(naming, tallies, limits)
    gate = Gate(registry, naming)
    cpu = HostCpu()
    hook_targets = HookTargets([target.name for target in targets])
    backends = known_backends(config.backends)
    pollers = []
    for target in targets:
        names = PublicNames(naming, registry, config.names_secret) if target.name in config.keyed_targets else None
        # Workers that share a listener answer by turns only where each request is a new connection.
        fetch = HttpFetch(config.timeout_seconds, fresh=target.workers > len(target.urls))
        source = backend_of(target, backends).source(target, fetch)
        pollers.append(_poller(target, source, config, book, ServerRecord(target, tables), cpu, names))
    return Service(
        name="rtmp",
        collectors=(tables, StreamCollector(book, tallies)),
        workers=pollers,
        routes={
            "/streams": lambda request: _streams(request, book),
            **{
                f"/hooks/{name}": one.hooks(gate, book, tallies, hook_targets)
                for name, one in backends.items()
                if one.hooks is not None
            },
        },
    )


def _check_keyed(config: RtmpConfig, targets: Sequence[Target]) -> None:
    unknown = set(config.keyed_targets) - {target.name for target in targets}
    if unknown:
        raise ConfigError(f"{PREFIX}KEYED_TARGETS names {', '.join(sorted(unknown))}, which {PREFIX}TARGETS has not")
    if config.keyed_targets and not config.names_secret:
        raise ConfigError(f"{PREFIX}NAMES_SECRET is needed with {PREFIX}KEYED_TARGETS: set any long random text")


def _poller(
    target: Target,
    source: Source,
    config: RtmpConfig,
    book: StreamBook,
    record: ServerRecord,
    cpu: HostCpu,
    names: PublicNames | None,
) -> Poller:
    measured = config.host_cpu == "local" or (config.host_cpu == "auto" and target.is_local)
    return Poller(
        target,
        source,
        book,
        record,
        config.poll_seconds,
        host_cpu=cpu.ratio if measured else lambda: None,
        worker_alive=process_alive if target.is_local else lambda epoch: None,
        ignored_apps=frozenset(config.ignore_apps),
        names=names,
    )


def _streams(request: Request, book: StreamBook) -> Reply:
    return Reply(200, write_streams(book.streams()), "application/json")
