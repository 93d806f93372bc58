"""Tests of what operators run."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.database import connect
from tests import servers
from tests.bridge.history.conftest import fresh_database
from tests.bridge.history.made import NOON, event, session, spool
from tests.bridge.history.world import World, steady

ROOT = Path(__file__).parents[3]


def bridge(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bridge", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environ},
    )


def test_migrate_says_what_it_applied(clusters: dict[str, str]) -> None:
    url = fresh_database(clusters["plain"], "by_hand")
    done = bridge("migrate", DATABASE_URL=url)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("applied 0001 facts\n")
    assert bridge("migrate", DATABASE_URL=url).stdout == "the schema is up to date\n"


def test_status_says_how_far_history_reaches(one_url: str, tmp_path: Path) -> None:
    world = World(one_url, tmp_path)
    world.minutes(steady("demo", NOON, 3, 1.0))
    world.close()
    spool(tmp_path / "waiting", [session(1)])
    done = bridge("history", "status", DATABASE_URL=one_url, RECORDER_SPOOL_DIR=str(tmp_path / "waiting"))
    assert done.returncode == 0, done.stderr
    lines = {line[:28].strip(): line[29:] for line in done.stdout.splitlines()}
    assert lines["edition"] == "plain"
    assert lines["migrations to apply"] == "none"
    assert lines["recorder active"] == "no"
    assert lines["minutes stored up to"] == "2026-11-20 14:00Z"
    assert lines["stream_minutes (about)"] == "9 rows"
    assert "1 files" in done.stdout


def test_forget_user_and_prune(one_url: str, tmp_path: Path) -> None:
    world = World(one_url, tmp_path)
    world.record(session(1, user_id="ada"), event(1), session(2, joined=(NOON - timedelta(days=60)).timestamp()))
    world.close()
    done = bridge("history", "forget-user", "ada", DATABASE_URL=one_url)
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["sessions", "1"],
        ["events", "1"],
        ["chatter_days", "1"],
        ["chatter_months", "1"],
    ]
    done = bridge("history", "prune", DATABASE_URL=one_url, RECORDER_SESSIONS_DAYS="30")
    assert done.returncode == 0, done.stderr
    with connect(one_url) as connection:
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (0,)


@pytest.mark.live
def test_backfill_reads_a_stretch_again(one_url: str, tmp_path: Path) -> None:
    with servers.prometheus(tmp_path, "global: {scrape_interval: 1m}\n") as prometheus:
        done = bridge(
            "history",
            "backfill",
            "--from",
            "2026-11-20T12:00:00",
            "--to",
            "2026-11-20T12:30:00",
            DATABASE_URL=one_url,
            PROMETHEUS_URL=prometheus,
        )
    assert (done.returncode, done.stdout) == (0, "0 rows of 30 minutes\n"), done.stderr


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL is empty"),
        ({"DATABASE_URL": "postgresql://analytics@127.0.0.1:1/x"}, "the database does not answer"),
        ({"DATABASE_URL": "postgesql://analytics:hunter2@127.0.0.1/x"}, "DATABASE_URL is no address such as"),
        ({"RECORDER_CHUNK_MINUTES": "0"}, "RECORDER_CHUNK_MINUTES is 0; it must be at least 1"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(environ: dict[str, str], said: str) -> None:
    done = bridge("history", "status", **environ)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"DATABASE_URL": "postgesql://analytics:hunter2@127.0.0.1/x"}, "DATABASE_URL is no address such as"),
        ({"RECORDER_METRICS_LISTEN": "9706"}, "RECORDER_METRICS_LISTEN is '9706'; it must be host:port"),
        ({"PROMETHEUS_URL": "a:1"}, "PROMETHEUS_URL must be a URL"),
        ({"VIEWERS_CURRENCY_RATES": "EUR=nan"}, "VIEWERS_CURRENCY_RATES has 'EUR=nan'"),
        ({"LOG_LEVEL": "verbose"}, "LOG_LEVEL is 'VERBOSE'"),
    ],
)
def test_the_recorder_does_not_start_with_a_wrong_setting(environ: dict[str, str], said: str) -> None:
    for check in ([], ["--check-config"]):
        done = bridge("record", *check, **{"DATABASE_URL": "postgresql://127.0.0.1:1/x", **environ})
        assert done.returncode == 2
        assert done.stderr.startswith(f"bridge: {said}")
        assert done.stderr.count("\n") == 1


def test_the_recorders_taken_port_names_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        done = bridge("record", DATABASE_URL="postgresql://127.0.0.1:1/x", RECORDER_METRICS_LISTEN=place)
    assert done.returncode == 2
    assert f"cannot listen on {place}: " in done.stderr
    assert "Set RECORDER_METRICS_LISTEN to a free port" in done.stderr
