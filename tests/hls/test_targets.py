from __future__ import annotations

from pathlib import Path

import pytest

from exporters.discovery import LiveStream
from exporters.errors import ConfigError
from exporters.hls.targets import Endpoint, Target, TargetFile, live_targets, read_endpoints, read_targets

ORIGIN = Endpoint("origin", "http://o/hls/{stream}.m3u8")
CDN = Endpoint("cdn", "https://c/{stream}/index.m3u8")


def test_live_streams_are_probed_at_every_endpoint_and_ended_ones_at_none() -> None:
    streams = [LiveStream("demo", "live", "live", 1.0), LiveStream("old", "live", "ended", 1.0)]
    assert live_targets(streams, [ORIGIN, CDN]) == [
        Target("demo", "origin", "http://o/hls/demo.m3u8"),
        Target("demo", "cdn", "https://c/demo/index.m3u8"),
    ]


def test_a_stream_id_is_quoted_in_urls() -> None:
    assert ORIGIN.url("a/../b?c") == "http://o/hls/a%2F..%2Fb%3Fc.m3u8"


def test_endpoints_are_read_from_settings() -> None:
    assert read_endpoints("X", ["origin=http://o/hls/{stream}.m3u8"]) == (ORIGIN,)


@pytest.mark.parametrize(
    "texts",
    [
        ["http://o/{stream}"],
        ["a=http://o/no-stream"],
        ["a=ftp://o/{stream}"],
        ["a=http://o/{stream}"] * 2,
        [f"a{number}=http://o/{{stream}}" for number in range(9)],
    ],
)
def test_wrong_endpoints_are_refused_by_the_variables_name(texts: list[str]) -> None:
    with pytest.raises(ConfigError, match="HLS_ENDPOINTS"):
        read_endpoints("HLS_ENDPOINTS", texts)


def test_a_file_names_streams_endpoints_and_headers() -> None:
    text = """
targets:
- stream: show
  url: http://o/show.m3u8
- stream: other
  endpoints: {origin: "http://o/other.m3u8", cdn: "https://c/other.m3u8"}
  headers: {Authorization: Bearer x}
"""
    headers = (("Authorization", "Bearer x"),)
    assert read_targets(text) == [
        Target("show", "origin", "http://o/show.m3u8"),
        Target("other", "origin", "http://o/other.m3u8", headers),
        Target("other", "cdn", "https://c/other.m3u8", headers),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "list named targets"),
        ("targets: 1", "list named targets"),
        ("[1]", "list named targets"),
        ("a: [", "not YAML"),
        ("targets: [{url: 'http://o/x'}]", "target 1 needs a stream"),
        ("targets: [{stream: a}]", r"target 1 \(a\) needs a url"),
        ("targets: [{stream: a, url: 'file:///etc/passwd'}]", r"origin has no http\(s\) URL"),
        ("targets: [{stream: a, endpoints: {1: 'http://o/x'}}]", r"1 has no http\(s\) URL"),
        (f"targets: [{{stream: a, endpoints: {{{', '.join(f'e{n}: http://o/x' for n in range(9))}}}}}]", "more than 8"),
    ],
)
def test_a_wrong_file_is_refused_with_the_entry(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_targets(text)


def test_a_broken_or_missing_file_keeps_the_last_good_targets(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "targets.yml"
    path.write_text("targets: [{stream: a, url: 'http://o/a'}]")
    file = TargetFile(path)
    assert (file.refresh(), file.refresh()) == (True, False)
    path.write_text("targets: [{stream: a, url: nowhere}]")
    assert not file.refresh()
    path.unlink()
    assert not file.refresh()
    assert not file.refresh()
    assert file.targets == [Target("a", "origin", "http://o/a")]
    assert len(caplog.records) == 2
    path.write_text("targets: []")
    assert file.refresh()
    assert file.targets == []
