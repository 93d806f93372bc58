"""Paths are mapped to streams by patterns that are checked at start."""

from __future__ import annotations

import pytest

from exporters.cdn.paths import PathMapper, Target
from exporters.errors import ConfigError


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/hls/demo.m3u8", Target("demo", "multivariant", "")),
        ("/hls/demo_720p/index.m3u8", Target("demo", "media", "720p")),
        ("/hls/demo_720p/12.ts", Target("demo", "segment", "720p")),
        ("/hls/demo_720p.m3u8", Target("demo", "media", "720p")),
        ("/hls/demo_720p-12.ts", Target("demo", "segment", "720p")),
        ("/hls/demo-1/index.m3u8", Target("demo-1", "media", "")),
        ("/live/demo/master.m3u8", Target("demo", "multivariant", "")),
        ("/live/demo/video1_stream.m3u8", Target("demo", "media", "")),
        ("/live/demo/abc_video1_seg7.mp4", Target("demo", "segment", "")),
        ("/live/demo/abc_part3.mp4", Target("demo", "part", "")),
        ("/live/demo/abc_video1_init.mp4", Target("demo", "init", "")),
        ("/live/demo/secret.key", Target("demo", "key", "")),
        ("/live/demo/poster.jpg", Target("demo", "other", "")),
        ("/favicon.ico", Target("", "other", "")),
        ("", Target("", "other", "")),
    ],
)
def test_a_path_tells_stream_kind_and_variant(path: str, target: Target) -> None:
    assert PathMapper().map(path) == target


def test_own_patterns_come_with_their_own_groups() -> None:
    mapper = PathMapper([r"^/v1/(?P<stream>\w+)/(?P<variant>\d+p)/", r"^/v2/(?P<stream>\w+)/"])
    assert mapper.map("/v1/demo/720p/1.m4s") == Target("demo", "segment", "720p")
    assert mapper.map("/v2/demo_480p/1.m4s") == Target("demo", "segment", "480p")
    assert mapper.map("/v3/demo/1.m4s").stream == ""


@pytest.mark.parametrize(
    ("patterns", "words"),
    [(["("], "is no regular expression"), (["^/x/(.*)"], "has no group"), ([], "CDN_PATTERNS is empty")],
)
def test_a_bad_pattern_is_named_at_once(patterns: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PathMapper(patterns)


def test_a_name_is_kept_short() -> None:
    assert len(PathMapper().map(f"/hls/{'x' * 5_000}/1.ts").stream) == 128
