"""The examples of docs/extend.md: taken from the page, run as modules, counted and shown."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from deploy.local.config import PROJECT
from exporters.cdn.formats.registry import FormatRegistry
from exporters.errors import ConfigError
from tests.cdn.scene import counted, rows
from tests.rtmp.test_service import exporter
from tests.rtmp.web import Answer, serving
from tests.servers import wait_until

TEXT = (PROJECT / "docs/extend.md").read_text(encoding="utf-8")
BUNNY, TIDE = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
(LINES,) = re.findall(r"```text\n(.*?)```", TEXT, re.DOTALL)
(STATUS,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The files of the page, where Python finds them."""
    files = {"bunny": BUNNY, "tide": TIDE, "empty": "", "greedy": "FORMATS = {'nginx': None}\n"}
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in files:
        sys.modules.pop(name, None)


def test_the_log_format_is_counted_by_its_cdn() -> None:
    tables, tally = counted("bunny", LINES.encode(), modules=("bunny",))
    assert rows(tables.requests.public) == {
        ("bunny", "demo", "segment", "2xx", "hit"): 1,
        ("bunny", "demo", "segment", "4xx", "miss"): 1,
    }
    assert tables.response_bytes.public.total() == 240_153
    assert rows(tables.by_country.public) == {("bunny", "DE"): 1, ("bunny", "US"): 1}
    assert rows(tables.origin_requests.public) == {("bunny", "4xx"): 1}
    assert [one.cmcd for one in tally.handed if one.cmcd] == ['br=3200,d=2000,sid="a1"']
    assert {labels[2] for labels in rows(tables.records.public)} == {"ok"}


def test_a_line_of_another_format_is_refused_and_counted() -> None:
    tables, _ = counted("bunny", LINES.encode().replace(b"|DE\n", b"\n"), modules=("bunny",))
    assert tables.records.public.get("bunny", "edge", "parse_error") == 1


def test_the_media_server_is_shown_in_metrics_and_its_hooks_check_keys(tmp_path: Path) -> None:
    keys = tmp_path / "keys.yml"
    keys.write_text("sk-1: demo\n", encoding="utf-8")
    with (
        serving(lambda asked: Answer(body=STATUS.encode())) as url,
        exporter(backends="tide", targets=f"main=tide+{url}/status", poll_seconds="0.1", keys_file=str(keys)) as base,
    ):
        shown = 'livestream_rtmp_stream_up{app="live",stream="demo"} 1\n'
        wait_until(lambda: shown in requests.get(f"{base}/metrics", timeout=5).text, "the stream")
        page = requests.get(f"{base}/metrics", timeout=5).text
        assert 'livestream_rtmp_up{target="main",backend="tide"} 1\n' in page
        assert 'livestream_rtmp_stream_clients{app="live",stream="demo",role="subscriber"} 3\n' in page
        assert 'livestream_rtmp_stream_video_height_pixels{app="live",stream="demo"} 720\n' in page
        for key, status in (("sk-1", 200), ("sk-2", 403), ("", 403)):
            asked = {"app": "live", "name": "demo", "key": key}
            assert requests.post(f"{base}/hooks/tide", json=asked, timeout=5).status_code == status
        assert requests.post(f"{base}/hooks/tide", data=b"x", timeout=5).status_code == 400


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("nowhere", "CDN_FORMATS names 'nowhere', which cannot be imported"),
        ("empty", "CDN_FORMATS names 'empty', which has no mapping FORMATS"),
        ("greedy", "CDN_FORMATS names 'greedy', which adds nginx once more"),
    ],
)
def test_a_module_that_adds_nothing_good_stops_the_start(module: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        FormatRegistry(modules=(module,))
