"""The recorder as a service: its settings become tasks, a worker and a metrics page."""

from __future__ import annotations

from datetime import timedelta

from bridge.history.backfill import Backfill, Reach
from bridge.history.goal_alerts import GoalAlerts
from bridge.history.ingest import SpoolIngest
from bridge.history.migrate import migrate
from bridge.history.recorder import PartialAnswerError, Recorder
from bridge.history.retention import Keep, Pruning
from bridge.history.settings import RecorderConfig
from bridge.history.timescale import Policies, apply_policies
from bridge.promapi import Asked, PrometheusApi
from exporters import metrics
from exporters.errors import ConfigError
from exporters.exposition import Samples
from exporters.server import Service


def backfill_of(config: RecorderConfig, writes: Samples | None = None) -> Backfill:
    """The part that stores minutes."""
    api = PrometheusApi(config.prometheus_url, config.query_timeout_seconds, on_asked=refuse_partial)
    reach = Reach(
        grace_seconds=config.grace_seconds,
        first_seconds=config.first_hours * 3600,
        most_seconds=config.backfill_days * 86400,
        chunk_minutes=config.chunk_minutes,
    )
    table = writes or Samples(metrics.BRIDGE_HISTORY_WRITES)
    return Backfill(api, config.default_tenant, reach, count=table.add, source_clock=api.now)


def refuse_partial(asked: Asked) -> None:
    """Raises PartialAnswerError for an answer with warnings; a partial minute would stay in history as a whole one."""
    if asked.result == "partial":
        raise PartialAnswerError(f"{asked.query}: a part of the store did not answer")


def keep_of(config: RecorderConfig) -> Keep:
    """How long what is kept."""
    return Keep(
        minutes=timedelta(days=config.minutes_days),
        sessions=timedelta(days=config.sessions_days),
        events=timedelta(days=config.events_days),
        rollups=timedelta(days=config.rollups_days),
    )


def build(config: RecorderConfig) -> Service:
    """The recorder's service; raises ConfigError without a database."""
    if not config.database_url:
        raise ConfigError("DATABASE_URL is empty; the recorder needs postgresql://user:password@host/database")
    writes = Samples(metrics.BRIDGE_HISTORY_WRITES)
    for table in ("stream_minutes", "sessions", "events", "broadcasts"):
        writes.set(0, table, "ok")
    ingest = SpoolIngest(
        config.spool_dir,
        timedelta(days=config.sessions_days),
        config.currency,
        config.default_tenant,
        count=writes.add,
        currency_rates=config.rates(),
    )

    def prepare() -> None:
        migrate(config.database_url, timescale=config.timescale)
        apply_policies(config.database_url, Policies(keep_of(config), timedelta(days=config.compress_days)))

    tasks = (
        ("spool", ingest),
        ("goals", GoalAlerts(config.currency)),
        ("prune", Pruning(keep_of(config))),
    )
    recorder = Recorder(
        config.database_url,
        backfill_of(config, writes),
        tasks,
        prepare=prepare,
        takeover_seconds=config.takeover_seconds,
        writes=writes,
    )
    return Service("recorder", (recorder,), (recorder,))
