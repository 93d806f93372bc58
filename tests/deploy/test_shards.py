"""Two shards of the session engine behind nginx with the configuration that is shipped for it."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.config import PROJECT
from exporters import metrics
from tests.servers import free_port, running, wait_until

SESSIONS = [f"5f0c0000-0000-4000-8000-{number:012d}" for number in range(40)]
MAIN = """daemon off; worker_processes 1; user root; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
{http}
}}
"""
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Shards:
    """Where players report, and where each shard tells its numbers."""

    reports: str
    numbers: tuple[str, str]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shards]:
    folder = tmp_path_factory.mktemp("shards")
    front, public, internal = free_port(), (free_port(), free_port()), (free_port(), free_port())
    text = (PROJECT / "deploy/nginx/shards.conf").read_text("utf-8")
    for shipped, ours in zip((8002, 8011, 8012), (front, *public), strict=True):
        text = text.replace(f"127.0.0.1:{shipped}", f"127.0.0.1:{ours}")
    paths = "".join(f"{name}_temp_path {folder}/{name};\n" for name in TEMPORARY)
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder, http=paths + text))
    with ExitStack() as stack:
        stack.enter_context(running(["nginx", "-c", folder / "nginx.conf", "-e", folder / "e"], folder / "nginx.log"))
        urls = [f"http://127.0.0.1:{port}" for port in internal]
        for number in (0, 1):
            environ = {
                "VIEWERS_LISTEN": f"127.0.0.1:{internal[number]}",
                "VIEWERS_PUBLIC_LISTEN": f"127.0.0.1:{public[number]}",
                "VIEWERS_STREAMS": "demo",
                "VIEWERS_STATE_FOLDER": str(folder / f"state{number}"),
                "VIEWERS_SPOOL_FOLDER": str(folder / "spool"),
                "VIEWERS_SHARD": f"{number + 1}/2",
                "VIEWERS_PEERS": urls[1 - number],
            }
            command = [sys.executable, "-m", "exporters", "viewers"]
            stack.enter_context(running(command, folder / f"viewers{number}.log", environ, PROJECT))
        for url in urls:
            wait_until(lambda url=url: requests.get(f"{url}/healthz", timeout=2).ok, f"{url} ({folder})", 60)
        yield Shards(f"http://127.0.0.1:{front}/v1", (urls[0], urls[1]))


def report(shards: Shards, session: str, argument: bool) -> int:
    """A player's report by CMCD in the query, or by beacon with its session as an argument; the answer's status."""
    if argument:
        beacon = {"stream": "demo", "session": session, "seq": 0, "time": int(time.time() * 1000)}
        body = {**beacon, "state": "playing", "interval": 60}
        return requests.post(f"{shards.reports}/beacon?sid={session}", json=body, timeout=5).status_code
    keys = quote(f'bl=4000,br=2000,cid="demo",d=2000,ot=v,sf=h,sid="{session}",st=l', safe="")
    return requests.get(f"{shards.reports}/cmcd?CMCD={keys}", timeout=5).status_code


def held(url: str) -> int:
    """How many sessions a shard holds."""
    page = requests.get(f"{url}/metrics", timeout=5).text
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == metrics.VIEWER_TABLE_SESSIONS.name:
                return int(sample.value)
    return 0


@pytest.mark.live
def test_a_session_reaches_one_shard_however_it_reports(shards: Shards) -> None:
    for _ in range(3):
        assert {report(shards, session, argument=False) for session in SESSIONS} <= {200, 204}
    wait_until(lambda: sum(held(url) for url in shards.numbers) == len(SESSIONS), "every session to be held once")
    by_query = [held(url) for url in shards.numbers]
    assert min(by_query) > 0, "the hash sends every session to one shard"
    assert {report(shards, session, argument=True) for session in SESSIONS} <= {200, 204}
    assert [held(url) for url in shards.numbers] == by_query


@pytest.mark.live
def test_the_balancer_of_the_page_forwards_nothing_internal(tmp_path: Path) -> None:
    page = (PROJECT / "docs/growing.md").read_text("utf-8")
    (text,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    front, bridge = free_port(), free_port()
    text = re.sub(r"10\.0\.0\.1[12]:8001", f"127.0.0.1:{bridge}", text)
    text = text.replace("server {\n", f"server {{\n    listen 127.0.0.1:{front};\n", 1)
    paths = "".join(f"{name}_temp_path {tmp_path}/{name};\n" for name in TEMPORARY)
    stub = f'access_log off; server {{ listen 127.0.0.1:{bridge}; location / {{ return 200 "$request_uri"; }} }}\n'
    (tmp_path / "nginx.conf").write_text(MAIN.format(folder=tmp_path, http=paths + stub + text))
    with running(["nginx", "-c", tmp_path / "nginx.conf", "-e", tmp_path / "e"], tmp_path / "nginx.log"):
        url = f"http://127.0.0.1:{front}"
        wait_until(lambda: requests.get(f"{url}/", timeout=2).ok, f"nginx ({tmp_path})")
        for path in ("/", "/api/v1/streams/internal", "/internals", "/ws/analytics/demo"):
            assert requests.get(url + path, timeout=5).text == path
        for path in ("/internal/publish", "//internal/alerts", "/api/internal/streams", "/api/v1/internal/targets"):
            assert requests.get(url + path, timeout=5).status_code == 404
        answer = http_status(front, "/%69nternal/publish"), http_status(front, "/api/../internal/publish")
        assert answer == (404, 404)


def http_status(port: int, path: str) -> int:
    """The answer to a path that is sent as it is written."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
