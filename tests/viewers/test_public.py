"""The public and internal HTTP ports, as real processes and in-process servers."""

from __future__ import annotations

import gzip
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from exporters.discovery import LiveStream, write_streams
from exporters.server import Reply, RunningService, Service
from exporters.viewers.spool import SpoolReader
from tests.servers import free_port, wait_until

LINE = 'cid="demo",e=ps,sid="{}",sn={},sta={},ts={},v=2\n'


@dataclass
class Exporter:
    """A viewers exporter in a process of its own."""

    public: str
    internal: str
    folder: Path
    environ: dict[str, str]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "exporters", "viewers"], env=self.environ, stdout=log, stderr=log
            )
        wait_until(lambda: requests.get(f"{self.internal}/healthz", timeout=2).ok, f"exporter ({self.folder / 'log'})")

    def end(self, number: int = signal.SIGTERM) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        self.process.wait(timeout=20)

    def value(self, name: str) -> float | None:
        for line in requests.get(f"{self.internal}/metrics", timeout=5).text.splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        return None


def exporter(folder: Path, **settings: str) -> Exporter:
    public, internal = free_port(), free_port()
    environ = {
        **os.environ,
        "VIEWERS_LISTEN": f"127.0.0.1:{internal}",
        "VIEWERS_PUBLIC_LISTEN": f"127.0.0.1:{public}",
        "VIEWERS_STATE_FOLDER": str(folder / "state"),
        "VIEWERS_SPOOL_FOLDER": str(folder / "spool"),
        **{f"VIEWERS_{name.upper()}": value for name, value in settings.items()},
    }
    return Exporter(f"http://127.0.0.1:{public}", f"http://127.0.0.1:{internal}", folder, environ)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    one = exporter(tmp_path_factory.mktemp("viewers"), streams="demo,ch-.*", events_token="s3cret", body_bytes="4096")
    one.start()
    yield one
    one.end()


def post_line(one: Exporter, session: str, number: int, state: str = "p", **more: Any) -> requests.Response:
    line = LINE.format(session, number, state, int(time.time() * 1000))
    return requests.post(
        f"{one.public}/v1/cmcd", data=line, headers={"Content-Type": "application/cmcd"}, timeout=5, **more
    )


def test_event_lines_are_taken_with_204(running: Exporter) -> None:
    answer = post_line(running, "lines", 0)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert running.value('livestream_viewer_play_attempts_total{stream="demo"}') is not None


def test_a_query_is_a_simple_request(running: Exporter) -> None:
    answer = requests.get(
        f"{running.public}/v1/cmcd", params={"CMCD": 'bl=2000,br=1000,cid="demo",d=2000,ot=av,sid="query"'}, timeout=5
    )
    assert answer.status_code == 204


def test_cmcd_as_json_is_taken(running: Exporter) -> None:
    rows = [
        {"cid": "demo", "sid": "json", "bl": 2000, "br": [2500], "su": False, "v": 2, "e": "ps", "sta": "p", "sn": 0}
    ]
    assert requests.post(f"{running.public}/v1/cmcd", json=rows, timeout=5).status_code == 204
    assert requests.post(f"{running.public}/v1/cmcd", json=rows[0] | {"sid": "json2"}, timeout=5).status_code == 204
    assert requests.post(f"{running.public}/v1/cmcd", json=[1], timeout=5).status_code == 400


def test_headers_are_taken_after_a_preflight(running: Exporter) -> None:
    asked = requests.options(f"{running.public}/v1/cmcd", timeout=5)
    assert asked.status_code == 204
    assert "CMCD-Session" in asked.headers["Access-Control-Allow-Headers"]
    headers = {"CMCD-Session": 'cid="demo",sid="headers"', "CMCD-Request": "bl=100"}
    assert requests.get(f"{running.public}/v1/cmcd", headers=headers, timeout=5).status_code == 204
    assert running.value('livestream_viewer_reports_total{transport="header",version="1",result="ok"}') == 1


def test_an_unknown_stream_is_refused_and_counted(running: Exporter) -> None:
    answer = requests.post(
        f"{running.public}/v1/beacon", json={"stream": "nope", "session": "x", "state": "playing"}, timeout=5
    )
    assert (answer.status_code, answer.text) == (404, "unknown stream\n")
    assert running.value('livestream_viewer_reports_rejected_total{reason="unknown_stream"}') == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "1 to 64"),
        (b'{"stream":"demo","session":"x","state":"dancing"}', "state must be one of"),
        (b'{"stream":"demo","session":"x","state":"playing","seq":"a"}', "seq must be a number"),
        (b'{"stream":"demo","state":"playing"}', "session must be"),
    ],
)
def test_a_bad_beacon_is_told_what_is_wrong(running: Exporter, body: bytes, words: str) -> None:
    answer = requests.post(f"{running.public}/v1/beacon", data=body, timeout=5)
    assert answer.status_code == 400
    assert words in answer.text


def test_gzip_bodies_are_unpacked_and_bombs_are_not(running: Exporter) -> None:
    def send(body: bytes, coding: str = "gzip") -> int:
        headers = {"Content-Encoding": coding, "Content-Type": "application/cmcd"}
        return requests.post(f"{running.public}/v1/cmcd", data=body, headers=headers, timeout=5).status_code

    line = LINE.format("zipped", 0, "p", int(time.time() * 1000)).encode()
    assert send(gzip.compress(line)) == 204
    assert send(gzip.compress(b"\n" * 5_000_000)) == 413
    assert send(gzip.compress(line)[:-9]) == 400
    assert send(b"not gzip") == 400
    assert send(line, "br") == 415


def test_a_body_over_the_limit_is_413(running: Exporter) -> None:
    assert requests.post(f"{running.public}/v1/events", data=b" " * 5000, timeout=5).status_code == 413


def test_a_session_that_floods_is_429(running: Exporter) -> None:
    lines = "".join(LINE.format("flood", n, "p", int(time.time() * 1000)) for n in range(60))
    for _ in range(40):
        answer = requests.post(f"{running.public}/v1/cmcd", data=lines[:4000], timeout=5)
        if answer.status_code == 429:
            break
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, "5")


def test_money_needs_the_token(running: Exporter) -> None:
    tip = {"streamId": "demo", "eventType": "tip", "eventData": {"amount": 5, "currency": "USD"}, "eventId": "tip-1"}
    url = f"{running.public}/v1/events"
    assert requests.post(url, json=tip, timeout=5).status_code == 403
    assert requests.post(url, json=tip, headers={"Authorization": "Bearer wrong"}, timeout=5).status_code == 403
    for _ in range(2):  # the same event again counts once
        assert requests.post(url, json=tip, headers={"Authorization": "Bearer s3cret"}, timeout=5).status_code == 204
    assert running.value('livestream_viewer_revenue_today{stream="demo"}') == 5.0
    like = {"streamId": "demo", "eventType": "like", "timestamp": "2026-11-23T08:00:00Z"}
    assert requests.post(url, json=like, timeout=5).status_code == 204


def test_the_internal_port_takes_events_and_batches_once(running: Exporter) -> None:
    event = {"streamId": "demo", "eventType": "donation", "eventData": {"amount": 7}, "eventId": "d-1"}
    assert requests.post(f"{running.internal}/events", json=event, timeout=5).status_code == 202
    record = [time.time(), "nginx", "demo", "segment", "720p", 200, 9, 0.1, "192.0.2.1", "ua", "SE", "", 'bl=1,sid="h"']
    batch = {"source": "edge", "sequence": 4, "records": [record]}
    url = f"{running.internal}/handoff"
    assert requests.post(url, json=batch, timeout=5).json() == {"taken": 1, "sequence": 4}
    assert requests.post(url, json=batch, timeout=5).json() == {"taken": 0, "sequence": 4}
    assert requests.post(url, data=b"x", timeout=5).status_code == 400
    assert running.value('livestream_viewer_stream_concurrent_by_country{stream="demo",country="SE"}') == 1


def test_the_beacon_module_is_served(running: Exporter) -> None:
    answer = requests.get(f"{running.public}/v1/player.js", timeout=5)
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "export function watch" in answer.text


def test_other_paths_and_methods_are_refused(running: Exporter) -> None:
    assert requests.get(f"{running.public}/metrics", timeout=5).status_code == 404
    assert requests.put(f"{running.public}/v1/cmcd", timeout=5).status_code == 405


def test_no_address_and_no_session_id_is_shown_or_logged(running: Exporter) -> None:
    post_line(running, "secret-session", 0, params={"x": "1"})
    shown = requests.get(f"{running.internal}/metrics", timeout=5).text + (running.folder / "log").read_text()
    assert "secret-session" not in shown
    assert "192.0.2.1" not in shown


@pytest.mark.live
def test_kill_9_neither_loses_nor_doubles(tmp_path: Path) -> None:
    one = exporter(tmp_path)
    one.start()
    for number in range(5):
        assert post_line(one, "a", number).status_code == 204
        assert post_line(one, "b", number).status_code == 204
    batch = {"source": "edge", "sequence": 1, "records": []}
    requests.post(f"{one.internal}/handoff", json=batch, timeout=5)
    before = {name: one.value(name) for name in KEPT}
    one.end(signal.SIGKILL)
    one.start()
    assert {name: one.value(name) for name in KEPT} == before
    assert requests.post(f"{one.internal}/handoff", json=batch, timeout=5).json()["taken"] == 0
    post_line(one, "a", 4)  # sent again, because the answer was lost
    post_line(one, "a", 5, "q")
    post_line(one, "b", 5, "q")
    wait_until(lambda: one.value("livestream_viewer_session_table_sessions") == 0, "both sessions to end")
    assert one.value('livestream_viewer_broadcast_plays{stream="demo"}') == 2
    one.end()
    rows = [row for file in SpoolReader(tmp_path / "spool").files() for row in file.records if row["kind"] == "session"]
    assert sorted(row["end_reason"] for row in rows) == ["quit", "quit"]
    one.start()
    assert one.value('livestream_viewer_broadcast_plays{stream="demo"}') == 2
    one.end()


KEPT = (
    'livestream_viewer_concurrent{stream="demo"}',
    'livestream_viewer_broadcast_plays{stream="demo"}',
    'livestream_viewer_broadcast_peak_concurrent{stream="demo"}',
    'livestream_viewer_play_attempts_total{stream="demo"}',
    'livestream_viewer_unique_estimate{stream="demo",window="stream"}',
)


@contextmanager
def following(folder: Path, streams: list[LiveStream], **settings: str) -> Iterator[Exporter]:
    """An exporter that follows a list of these streams."""
    lists = RunningService(
        Service("lists", [], [], {"/streams": lambda _: Reply(200, write_streams(streams))}), ("127.0.0.1", 0)
    )
    lists.start()
    one = exporter(folder, streams_urls=f"http://127.0.0.1:{lists.port}/streams", **settings)
    one.start()
    try:
        yield one
    finally:
        one.end()
        lists.stop()


def live(stream: str) -> LiveStream:
    return LiveStream(stream, "live", "live", time.time())


def beacon_status(one: Exporter, stream: str) -> int:
    row = {"stream": stream, "session": "x", "state": "playing"}
    return requests.post(f"{one.public}/v1/beacon", json=row, timeout=5).status_code


def test_streams_are_known_by_the_list_that_is_followed(tmp_path: Path) -> None:
    streams = [live("demo")]
    with following(tmp_path, streams) as one:
        wait_until(lambda: one.value('livestream_viewer_broadcast_plays{stream="demo"}') == 0, "the list to be read")
        assert post_line(one, "a", 0).status_code == 204
        assert beacon_status(one, "fresh") == 404
        streams.append(live("fresh"))
        wait_until(lambda: beacon_status(one, "fresh") == 204, "the new stream")


def test_a_stream_that_has_ended_is_410(tmp_path: Path) -> None:
    streams = [live("demo"), live("other")]
    with following(tmp_path, streams, ended_grace_seconds="0") as one:
        assert beacon_status(one, "demo") == 204
        del streams[0]
        wait_until(lambda: beacon_status(one, "demo") == 410, "the stream's end")
        gone = post_line(one, "a", 0)
        assert (gone.status_code, gone.text.strip()) == (410, "the stream has ended")
        assert (one.value('livestream_viewer_reports_rejected_total{reason="ended"}') or 0) >= 2
        assert beacon_status(one, "other") == 204


def test_a_taken_public_port_stops_the_start_with_a_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        one = exporter(tmp_path, public_listen=f"127.0.0.1:{taken.getsockname()[1]}")
        done = subprocess.run(
            [sys.executable, "-m", "exporters", "viewers"], env=one.environ, capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 2
    assert "VIEWERS_PUBLIC_LISTEN: cannot listen" in done.stderr
