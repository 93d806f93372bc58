"""A bridge's app over a database that spool files and recorded minutes were stored in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from bridge.app import create_app
from bridge.assembly import Settings, assemble
from bridge.config import Config
from bridge.database import Database, connect
from bridge.history.backfill import set_watermark
from bridge.history.history import History
from bridge.history.ingest import SpoolIngest
from bridge.history.minutes import store_minutes
from bridge.history.scopes import Tenants
from bridge.history.series import read_minutes
from exporters.settings import Secret
from tests.bridge.history.made import NOON, Recorded, spool

DAY = NOON.replace(hour=0)


class World:
    """Stores what a test makes up, and answers requests about it as of ``now``."""

    def __init__(self, url: str, folder: Path, now: datetime = NOON + timedelta(hours=2)) -> None:
        self.url = url
        self.now = now
        self._folder = folder
        self._files = 0
        self.app = self._made()
        self.client: FlaskClient = self.app.test_client()

    def _made(self) -> Flask:
        parts = assemble(Settings(bridge=Config(auth="off", database_url=Secret(self.url))))
        self.database: Database = parts.services.database
        history: History = parts.services.history
        history._clock = lambda: self.now.timestamp()
        self.history = history
        return create_app(parts.services, parts.areas)

    def record(self, *records: Mapping[str, Any]) -> None:
        """Let the recorder take these spool records."""
        self._files += 1
        folder = self._folder / f"spool-{self._files}"
        spool(folder, records, f"world{self._files}")
        ingest = SpoolIngest([folder], timedelta(days=400), "USD", "default", now=lambda: self.now)
        with connect(self.url) as connection:
            connection.autocommit = True
            while ingest.turn(connection):
                pass

    def minutes(self, values: Mapping[str, Mapping[str, Mapping[int, float]]]) -> None:
        """Store minutes: values by query name, stream and Unix seconds; history then reaches to ``now``."""
        times = [at for streams in values.values() for points in streams.values() for at in points]
        with connect(self.url) as connection:
            tenants = Tenants.load(connection, "default")
            rows = read_minutes(Recorded(values), tenants, min(times), max(times) + 60)
            store_minutes(connection, rows, tenants)
            set_watermark(connection, int(self.now.timestamp()) // 60 * 60)

    def register(self, stream: str, channel: str = "main", tenant: str = "default", title: str = "") -> None:
        """A row of the stream registry."""
        with connect(self.url) as connection:
            connection.execute(
                "INSERT INTO streams (id, tenant_id, user_id, channel_id, title, slug, key_digest, key_sealed)"
                " VALUES (%s, %s, 'u', %s, %s, %s, %s, '')",
                (stream, tenant, channel, title or stream, stream, stream.encode()),
            )

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a good answer."""
        answer = self.client.get(f"/api/v1/analytics/{path}", query_string=query)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        return answer.get_json()

    def close(self) -> None:
        self.database.close()


def steady(stream: str, start: datetime, minutes: int, viewers: float) -> dict[str, dict[str, dict[int, float]]]:
    """A stream that is published for some minutes with the same number of viewers."""
    times = [int(start.timestamp()) + 60 * number for number in range(minutes)]
    return {
        "minute_viewers": {stream: dict.fromkeys(times, viewers)},
        "minute_viewers_peak": {stream: dict.fromkeys(times, viewers + 1)},
        "minute_publishing": {stream: dict.fromkeys(times, 60.0)},
    }


def at(moment: datetime, **changes: float) -> float:
    """Unix seconds of a moment, moved."""
    return (moment + timedelta(**changes)).astimezone(UTC).timestamp()


def shown(points: Iterable[Mapping[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    """Some members of each point."""
    return [tuple(point[name] for name in names) for point in points]
