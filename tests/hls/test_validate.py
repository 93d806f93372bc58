"""The command as people and CI run it, against an origin in the test."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from exporters.__main__ import main
from tests.hls.llhls_origin import low_latency_origin
from tests.hls.origin import Origin, Page, Seen, media, origin
from tests.hls.test_sampling import MULTIVARIANT


@pytest.fixture
def site() -> Iterator[Origin]:
    with origin() as one:
        one.pages["/demo.m3u8"] = MULTIVARIANT
        one.pages["/720p.m3u8"] = media(100)
        one.pages["/105.ts"] = bytes(190_000)
        yield one


def validate(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(["hls", "validate", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_a_right_stream_gives_code_0_and_a_readable_report(site: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"{site.url}/demo.m3u8"
    code, out, err = validate(capsys, url)
    assert code == 0
    assert out.splitlines() == [
        f"{url}: 1 rendition, looked at once",
        "",
        "rendition  target  listed              sequence  new  behind live  declared     measured",
        "720p       2 s     6 segments, 12.0 s  100       0    unknown      0.80 Mbit/s  0.76 Mbit/s",
        "",
        "nothing found wrong",
    ]
    assert err.splitlines() == [f"  fetching {url}", "  sampling a segment of 720p"]


def test_warnings_give_code_1(site: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    site.pages["/105.ts"] = bytes(400_000)
    code, out, _ = validate(capsys, f"{site.url}/demo.m3u8", "--quiet")
    assert code == 1
    assert "warning  720p: bandwidth_exceeded: measured peak 1600000 bit/s, BANDWIDTH 800000" in out
    assert out.splitlines()[-1] == "1 warning"


def test_errors_give_code_2_and_json_has_it_all(site: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    site.pages["/720p.m3u8"] = media(100, duration=3.0)
    code, out, err = validate(capsys, f"{site.url}/demo.m3u8", "--json", "--quiet")
    report = json.loads(out)
    assert (code, err) == (2, "")
    assert (report["verdict"], report["exit_code"], report["watched_seconds"]) == ("error", 2, 0.0)
    assert report["renditions"][0]["media_sequence"] == 100
    assert report["findings"][0] == {
        "severity": "error",
        "rule": "segment_too_long",
        "where": "720p",
        "message": "segment 100 lasts 3 s, target duration 2 s",
        "basis": "§4.4.3.1: EXTINF rounds to at most the target duration",
        "times": 6,
    }


def test_watching_finds_what_one_look_cannot(site: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    def frozen_target(seen: Seen) -> Page:
        grown = int(time.monotonic() - begun)
        return Page(media(100 + grown, target=1 + (grown > 1), duration=1.0).encode())

    begun = time.monotonic()
    site.pages["/720p.m3u8"] = frozen_target
    for number in range(100, 120):
        site.pages[f"/{number}.ts"] = bytes(10_000)
    code, out, err = validate(capsys, f"{site.url}/demo.m3u8", "--watch", "4")
    assert code == 2
    assert "target_duration_changed: from 1 s to 2 s" in out
    assert "watched for 4 s" in out
    assert " of 4 s: 720p " in err


def test_a_low_latency_stream_is_checked_too(capsys: pytest.CaptureFixture[str]) -> None:
    with low_latency_origin("hint_404") as one:
        code, out, _ = validate(capsys, one.url)
    assert code == 1
    assert "main: preload_hint_404" in out
    assert "low latency" in out


def test_a_stream_that_is_not_there_gives_code_2(site: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = validate(capsys, f"{site.url}/nothing.m3u8")
    assert code == 2
    assert "http_status" in out


def test_a_rendition_that_cannot_be_read_is_reported(site: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    site.pages["/720p.m3u8"] = Page(b"", 500)
    code, out, _ = validate(capsys, f"{site.url}/demo.m3u8")
    assert code == 2
    assert "720p       unreachable" in out


def test_headers_are_sent(site: Origin, capsys: pytest.CaptureFixture[str]) -> None:
    validate(capsys, f"{site.url}/demo.m3u8", "--header", "Authorization: Bearer x")
    assert {seen.headers.get("authorization") for seen in site.seen} == {"Bearer x"}


@pytest.mark.parametrize(
    "arguments",
    [[], ["not-a-url"], ["http://host/a", "--watch", "-1"], ["http://host/a", "--header", "nocolon"], ["--nothing"]],
)
def test_wrong_usage_gives_code_64(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = validate(capsys, *arguments)
    assert (code, out) == (64, "")
    assert "Error: " in err
