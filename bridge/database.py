"""The database: a pool of PostgreSQL connections that says clearly when the database is away."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from exporters import metrics
from exporters.errors import ConfigError
from exporters.exposition import Samples

log = logging.getLogger(__name__)

KEEPALIVES = {"idle": 5, "interval": 3, "count": 2}
USER_TIMEOUT_MILLISECONDS = 10_000
"""Either end gives a connection up within about 11 s once the other's machine is out of reach: by keepalives, or by the
user timeout where what it sent last did not arrive (TCP sends no keepalives while it sends again)."""
TEMPORARY_PAGES = 128
"""Pages of 8 KiB that the server keeps of a connection's temporary tables. It goes round all of them, so that the
recorder's little staging tables would fill the default of 8 MiB in minutes."""

PORT = re.compile(r"[0-9]{0,5}", re.ASCII)

Connection = psycopg.Connection[TupleRow]
Row = tuple[Any, ...]


class DatabaseUnavailableError(Exception):
    """The database does not answer."""


def check_url(url: str) -> None:
    """Raises ConfigError for a DATABASE_URL that libpq cannot read, without its password; empty is no database.

    Apart from the settings classes, which gunicorn reads before gevent's patches: psycopg must be imported after them.
    """
    try:
        parts = conninfo_to_dict(url)
    except (psycopg.Error, UnicodeError):
        parts = None
    # A password with @ or / is taken for a part of the host, or of the port, and errors would show it.
    ports = [] if parts is None else str(parts.get("port") or "").split(",")
    if parts is None or "@" in str(parts.get("host", "")) or not all(PORT.fullmatch(port) for port in ports):
        raise ConfigError(
            "DATABASE_URL is no address such as postgresql://user:password@host/database;"
            " write % in a password as %25, @ as %40, / as %2F"
        ) from None


class Database:
    """A pool that opens lazily, so that a process starts while the database is away.

    Each connection works in UTC and gives up a statement after ``statement_seconds``. A collector of its own pool.
    """

    name = "database"

    def __init__(
        self,
        url: str,
        *,
        size: int = 8,
        wait_seconds: float = 3.0,
        statement_seconds: float = 15.0,
    ) -> None:
        self.url = url
        self._wait_seconds = wait_seconds
        self._pool = ConnectionPool(
            url,
            min_size=1,
            max_size=size,
            open=False,
            timeout=wait_seconds,
            reconnect_timeout=0,
            check=ConnectionPool.check_connection,
            kwargs=_arguments("bigfootlive", wait_seconds, statement_timeout=round(statement_seconds * 1000)),
            name="history",
        )
        self._opened = False

    def open(self) -> None:
        """Start the pool's own threads; connections are made in the background."""
        if not self._opened:
            self._opened = True
            self._pool.open(wait=False)

    def close(self) -> None:
        self._pool.close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection in a transaction that commits when the block ends; raises DatabaseUnavailableError."""
        self.open()
        try:
            with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise DatabaseUnavailableError(f"the database does not answer: {first_line(error)}") from error
        except psycopg.errors.UndefinedTable as error:
            raise DatabaseUnavailableError(f"the schema is not there yet: {first_line(error)}") from error

    def rows(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        """All rows of one statement."""
        with self.connection() as connection:
            return connection.execute(sql.encode(), parameters).fetchall()

    def row(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Row | None:
        """The first row of one statement, or None."""
        with self.connection() as connection:
            return connection.execute(sql.encode(), parameters).fetchone()

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
        """Run one statement; gives the number of rows it touched."""
        with self.connection() as connection:
            return connection.execute(sql.encode(), parameters).rowcount

    def answers(self) -> bool:
        """Whether the database answers now."""
        try:
            return self.row("SELECT 1") == (1,)
        except DatabaseUnavailableError:
            return False

    def collect(self) -> Iterator[Samples]:
        """The pool's connections by state, for /metrics."""
        stats = self._pool.get_stats()
        size, idle = stats.get("pool_size", 0), stats.get("pool_available", 0)
        table = Samples(metrics.BRIDGE_POOL)
        table.set(max(0, size - idle), "in_use")
        table.set(idle, "idle")
        table.set(stats.get("requests_waiting", 0), "waiting")
        yield table


def connect(url: str, *, wait_seconds: float = 3.0, name: str = "bigfootlive") -> Connection:
    """One connection outside any pool, in UTC; raises DatabaseUnavailableError.

    When this process's machine is out of reach, the server frees the connection's locks. Nothing is prepared: a plan
    that was made for a table of staged rows is wrong for the next rows.
    """
    try:
        return psycopg.connect(url, prepare_threshold=None, **_arguments(name, wait_seconds))
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(f"the database does not answer: {first_line(error)}") from error


def _arguments(name: str, wait_seconds: float, **settings: int) -> dict[str, Any]:
    """What every connection is made with; ``settings`` are the session's own at the server."""
    served = {
        **settings,
        "temp_buffers": TEMPORARY_PAGES,
        "tcp_user_timeout": USER_TIMEOUT_MILLISECONDS,
        **{f"tcp_keepalives_{part}": value for part, value in KEEPALIVES.items()},
    }
    return {
        "connect_timeout": max(1, round(wait_seconds)),
        "application_name": name,
        "options": "-c timezone=UTC " + " ".join(f"-c {one}={value}" for one, value in served.items()),
        "tcp_user_timeout": USER_TIMEOUT_MILLISECONDS,
        **{f"keepalives_{part}": value for part, value in KEEPALIVES.items()},
    }


def first_line(error: BaseException) -> str:
    """The first line of an error's text: what libpq and the server add below repeats it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
