"""The viewers exporter: its settings, and how its parts are put together."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from pathlib import Path

import requests

from exporters.checks import check_apart, parse_address, parse_rates, url
from exporters.discovery import StreamDirectory
from exporters.naming import RENDITION_SUFFIXES
from exporters.server import Service
from exporters.settings import Secret, own_folder, setting
from exporters.viewers.addresses import TrustedProxies
from exporters.viewers.admission import Admission
from exporters.viewers.clock_watch import ClockWatch
from exporters.viewers.clockwork import SKETCH_SECONDS, Clockwork, StreamFollower
from exporters.viewers.gauges import ViewerCollector
from exporters.viewers.geo import Geography
from exporters.viewers.identity import Pseudonyms
from exporters.viewers.intake import Intake
from exporters.viewers.internal import InternalRoutes
from exporters.viewers.limits import RateLimit
from exporters.viewers.peers import SketchExchange
from exporters.viewers.public import PublicApp
from exporters.viewers.public_server import PublicServer, run_aside
from exporters.viewers.records import Records
from exporters.viewers.shard import Shard
from exporters.viewers.shards import ShardPlace
from exporters.viewers.spool import SpoolWriter
from exporters.viewers.store import Store
from exporters.viewers.translate import CmcdTranslator
from exporters.viewers.viewers import ViewerResolver

PREFIX = "VIEWERS_"


@dataclass(frozen=True)
class ViewersConfig:
    """Settings of the viewers exporter."""

    listen: str = setting(
        "127.0.0.1:9704", "Internal address: metrics, the hand-off and app events of the bridge.", check=parse_address
    )
    public_listen: str = setting("0.0.0.0:8002", "Public address at which players report.", check=parse_address)
    streams_urls: tuple[str, ...] = setting(
        (),
        "Stream lists to follow, such as http://127.0.0.1:9701/streams.",
        check=url("http://127.0.0.1:9701/streams"),
    )
    streams: tuple[str, ...] = setting((), "Streams that are always taken: ids, regular expressions, or * for all.")
    ended_grace_seconds: float = setting(
        60.0, "For how long after a stream's end its reports are still taken; then they are answered 410.", minimum=0
    )
    state_folder: Path = setting(Path("var/viewers"), "Folder of the journal, checkpoints and keys.")
    spool_folder: Path = setting(Path("var/spool"), "Folder in which ended sessions wait for history.")
    spool_bytes: int = setting(
        1 << 30, "Most bytes that wait for history; what comes then is given up.", minimum=1 << 20
    )
    shard: str = setting("1/1", "Which shard this is, of how many, such as 2/4.")
    peers: tuple[str, ...] = setting(
        (),
        "Internal URLs of the other shards, whose distinct viewers are merged in.",
        check=url("http://127.0.0.1:9704"),
    )
    view_seconds: float = setting(3.0, "Watch time from which a play counts as a view.", minimum=0)
    max_sessions: int = setting(500_000, "Most sessions in memory; then the stalest is ended.", minimum=1)
    max_streams: int = setting(2000, "Most streams with series of their own; the rest is _other.", minimum=1)
    renditions: tuple[str, ...] = setting(RENDITION_SUFFIXES, "Name endings that tell a rendition in URLs.")
    ignored_agents: tuple[str, ...] = setting(
        ("bigfootlive-probe",), "Beginnings of user agents in logs that are no viewers, such as probes."
    )
    trusted_proxies: tuple[str, ...] = setting(
        ("127.0.0.0/8", "::1/128"), "Networks whose X-Forwarded-For and country headers are believed."
    )
    geo_database: str = setting("", "A MaxMind-format database (.mmdb) of countries or cities.")
    events_token: Secret = setting(Secret(""), "Bearer token with which /v1/events takes events about money.")
    currency: str = setting("USD", "The platform's currency (ISO 4217).")
    currency_rates: tuple[str, ...] = setting((), "Worth of other currencies in it, such as EUR=1.08,GBP=1.27.")
    address_reports_per_second: float = setting(200.0, "Reports a second of one address; 0 for no limit.", minimum=0)
    session_reports_per_second: float = setting(20.0, "Reports a second of one session; 0 for no limit.", minimum=0)
    body_bytes: int = setting(65536, "Largest request body, packed or unpacked.", minimum=1024)


class Keeper:
    """A worker: brings the state back first of all, saves it now and then, and last of all."""

    def __init__(self, store: Store, spool: SpoolWriter) -> None:
        self._store = store
        self._spool = spool
        self._clockwork = Clockwork(store.turn, "checkpoints", 1.0)

    def start(self) -> None:
        self._store.open()
        self._clockwork.start()

    def stop(self) -> None:
        self._clockwork.stop()
        self._store.close()
        self._spool.close()


CONFIG = ViewersConfig
BURST_SECONDS = 10
PEER_SECONDS = 15.0


def build(config: ViewersConfig) -> Service:
    """The exporter's service; raises ConfigError when a setting is wrong or the public port is taken."""
    check_apart(("VIEWERS_LISTEN", config.listen), ("VIEWERS_PUBLIC_LISTEN", config.public_listen))
    place = ShardPlace.parse("VIEWERS_SHARD", config.shard)
    state_folder = own_folder("VIEWERS_STATE_FOLDER", config.state_folder)
    spool_folder = own_folder("VIEWERS_SPOOL_FOLDER", config.spool_folder)
    pseudonyms = Pseudonyms(state_folder)
    spool = SpoolWriter(spool_folder, f"viewers{config.shard.replace('/', 'of')}", config.spool_bytes)
    shard = Shard(
        spool,
        Records(pseudonyms, config.shard),
        clock_moved=ClockWatch().moved,
        view_seconds=config.view_seconds,
        max_sessions=config.max_sessions,
        max_streams=config.max_streams,
        currency=config.currency,
        currency_rates=parse_rates("VIEWERS_CURRENCY_RATES", config.currency_rates),
    )
    store = Store(state_folder, shard)
    directory = StreamDirectory(config.streams_urls)
    admission = _admission(config, directory)
    directory.on_change(StreamFollower(shard, admission))
    proxies = TrustedProxies("VIEWERS_TRUSTED_PROXIES", config.trusted_proxies)
    intake = Intake(
        shard,
        admission,
        ViewerResolver(pseudonyms, Geography("VIEWERS_GEO_DATABASE", config.geo_database)),
        CmcdTranslator(config.renditions),
        RateLimit(config.address_reports_per_second, config.address_reports_per_second * BURST_SECONDS),
        RateLimit(config.session_reports_per_second, config.session_reports_per_second * BURST_SECONDS),
        config.ignored_agents,
        place.owns,
    )
    app = PublicApp(
        intake,
        proxies,
        lambda reason: shard.tables.rejected.add(1, reason),
        config.events_token,
        config.body_bytes,
    )
    public = PublicServer(app, parse_address("VIEWERS_PUBLIC_LISTEN", config.public_listen), "VIEWERS_PUBLIC_LISTEN")
    routes = InternalRoutes(intake)
    exchange = SketchExchange(shard, config.peers)
    # Sessions are many and live long: look for cycles among them rarely.
    gc.set_threshold(100_000, 50, 100)
    return Service(
        "viewers",
        [ViewerCollector(shard, exchange)],
        [
            Keeper(store, spool),
            Clockwork(shard.tick, "ticks"),
            Clockwork(shard.write_sketches, "sketches", SKETCH_SECONDS),
            Clockwork(exchange.turn, "peers", PEER_SECONDS),
            directory,
            public,
        ],
        {"/handoff": routes.handoff, "/events": routes.events, "/sketches": exchange.serve},
    )


def _admission(config: ViewersConfig, directory: StreamDirectory) -> Admission:
    def refresh() -> None:
        with requests.Session() as session:
            directory.refresh(session)

    return Admission(
        "VIEWERS_STREAMS",
        config.streams,
        lambda: directory.streams if directory.known else None,
        (lambda: run_aside(refresh)) if config.streams_urls else lambda: None,
        ended_grace_seconds=config.ended_grace_seconds,
    )
