from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.errors import SourceFormatError
from exporters.hls.playlist import Key, MediaPlaylist, MultivariantPlaylist, Part, Playlist, ServerControl
from exporters.hls.progress import Progress
from exporters.hls.reading import read_playlist
from exporters.hls.rules.single import check_media
from exporters.hls.rules.update import check_step

FIXTURES = Path(__file__).parent.parent / "fixtures" / "hls"
CORPUS = sorted(file.read_bytes() for file in FIXTURES.rglob("*.m3u8"))


def read_media(text: str) -> MediaPlaylist:
    playlist = read_playlist(text.encode())
    assert isinstance(playlist, MediaPlaylist)
    return playlist


def test_a_media_playlist_is_read_with_what_each_segment_says() -> None:
    playlist = read_media(
        """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-TARGETDURATION:4
#EXT-X-MEDIA-SEQUENCE:7
#EXT-X-DISCONTINUITY-SEQUENCE:2
#EXT-X-PLAYLIST-TYPE:EVENT
#EXT-X-MAP:URI="init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T18:00:00.500+02:00
#EXTINF:4.0,A title, with a comma
a.m4s
#EXT-X-DISCONTINUITY
#EXT-X-GAP
#EXT-X-BYTERANGE:100@0
#EXTINF:3.5
b.m4s
#EXT-X-ENDLIST
"""
    )
    first, second = playlist.segments
    assert (playlist.target_duration, playlist.media_sequence, playlist.type, playlist.ended) == (4, 7, "EVENT", True)
    assert (first.msn, first.uri, first.duration, first.map_uri) == (7, "a.m4s", 4.0, "init.mp4")
    assert first.program_date == 1795449600.5
    assert (second.msn, second.discontinuity, second.gap, second.byterange) == (8, True, True, "100@0")
    assert (first.discontinuity_sequence, second.discontinuity_sequence) == (2, 3)
    assert (playlist.next_msn, playlist.seconds, playlist.edge_time) == (9, 7.5, None)


def test_keys_of_several_formats_apply_together_and_none_ends_them() -> None:
    playlist = read_media(
        """#EXTM3U
#EXT-X-TARGETDURATION:2
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://one",KEYFORMAT="com.apple.streamingkeydelivery"
#EXT-X-KEY:METHOD=SAMPLE-AES,URI="data:text/plain;base64,AA==",KEYFORMAT="urn:uuid:edef8ba9"
#EXTINF:2,
1.ts
#EXTINF:2,
2.ts
#EXT-X-KEY:METHOD=AES-128,URI="k",IV=0x01
#EXTINF:2,
3.ts
#EXT-X-KEY:METHOD=NONE
#EXTINF:2,
4.ts
"""
    )
    both = (
        Key("SAMPLE-AES", "skd://one", "", "com.apple.streamingkeydelivery"),
        Key("SAMPLE-AES", "data:text/plain;base64,AA==", "", "urn:uuid:edef8ba9"),
    )
    assert [one.keys for one in playlist.segments] == [both, both, (Key("AES-128", "k", "0x01"),), ()]


def test_a_low_latency_playlist_is_read_with_parts_hints_and_reports() -> None:
    playlist = read_media(
        """#EXTM3U
#EXT-X-TARGETDURATION:1
#EXT-X-MEDIA-SEQUENCE:10
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=0.6,CAN-SKIP-UNTIL=6
#EXT-X-PART-INF:PART-TARGET=0.2
#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES="a\tb"
#EXT-X-PROGRAM-DATE-TIME:2026-11-23T18:00:00Z
#EXT-X-PART:DURATION=0.2,URI="13.0.mp4",INDEPENDENT=YES
#EXT-X-PART:DURATION=0.2,URI="13.1.mp4"
#EXTINF:0.4,
13.mp4
#EXT-X-PART:DURATION=0.1,URI="14.0.mp4",GAP=YES
#EXT-X-PRELOAD-HINT:TYPE=PART,URI="14.1.mp4"
"""
    )
    assert playlist.server_control == ServerControl(True, None, 0.6, 6.0, False)
    assert (playlist.part_target, playlist.skipped, playlist.removed_date_ranges) == (0.2, 3, ("a", "b"))
    assert playlist.segments[0].msn == 13
    assert playlist.segments[0].parts == (Part("13.0.mp4", 0.2, True), Part("13.1.mp4", 0.2))
    assert playlist.open_parts == (Part("14.0.mp4", 0.1, gap=True),)
    assert [(hint.type, hint.uri) for hint in playlist.hints] == [("PART", "14.1.mp4")]
    assert playlist.position == (14, 1)
    assert playlist.edge_time == pytest.approx(1795456800.5)


def test_a_multivariant_playlist_is_read_with_commas_in_quotes() -> None:
    playlist = read_playlist((FIXTURES / "rules" / "codecs_missing" / "good-1.m3u8").read_bytes())
    assert isinstance(playlist, MultivariantPlaylist)
    variant = playlist.variants[0]
    assert (variant.uri, variant.bandwidth) == ("720p/index.m3u8", 2_096_000)
    assert (variant.codecs, variant.resolution, variant.frame_rate) == ("avc1.42c01f,mp4a.40.2", (1280, 720), 30.0)
    assert variant.closed_captions == "NONE"
    assert [(one.name, one.default) for one in playlist.renditions] == [("English, main", True), ("Suomi", False)]


def test_variables_are_replaced() -> None:
    text = """#EXTM3U
#EXT-X-DEFINE:NAME="host",VALUE="https://cdn.example"
#EXT-X-DEFINE:QUERYPARAM="token"
#EXT-X-TARGETDURATION:2
#EXTINF:2,
{$host}/1.ts?t={$token}&u={$unknown}
"""
    playlist = read_playlist(text.encode(), "https://origin.example/a.m3u8?token=abc")
    assert isinstance(playlist, MediaPlaylist)
    assert playlist.segments[0].uri == "https://cdn.example/1.ts?t=abc&u={$unknown}"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not_m3u8"),
        (b"#EXTM3U", "not_m3u8"),
        (b"\xff\xfe#EXTM3U", "not_m3u8"),
        (b"#EXTM3U\n\xff", "not_m3u8"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:0\n", "parse"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:nan,\na.ts\n", "parse"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:-1,\na.ts\n", "parse"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:inf,\na.ts\n", "parse"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PROGRAM-DATE-TIME:soon\n#EXTINF:1,\na.ts\n", "parse"),
        (b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1e999\na.m3u8\n", "parse"),
        (b"#EXTM3U\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1\n", "parse"),
    ],
)
def test_what_is_no_playlist_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(SourceFormatError) as caught:
        read_playlist(body)
    assert caught.value.reason == reason


def test_a_playlist_without_bounds_is_refused() -> None:
    body = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + "#EXTINF:2,\na.ts\n" * 50_001
    with pytest.raises(SourceFormatError, match="over 50000 segments"):
        read_playlist(body.encode())


def take(body: bytes, progress: Progress) -> None:
    """All that the exporter does with a body must either work or refuse it."""
    try:
        playlist: Playlist = read_playlist(body, "https://origin.example/a.m3u8")
    except SourceFormatError:
        return
    if isinstance(playlist, MediaPlaylist):
        step = progress.step(playlist)
        check_media(step.playlist, "https://origin.example/a.m3u8")
        check_step(step)


LINES = sorted({line for body in CORPUS for line in body.splitlines(keepends=True)})


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.sampled_from(LINES), max_size=30), min_size=1, max_size=3))
def test_any_mixture_of_playlist_lines_is_read_or_refused(versions: list[list[bytes]]) -> None:
    progress = Progress()
    for lines in versions:
        take(b"#EXTM3U\n" + b"".join(lines), progress)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CORPUS), st.integers(0, 2000), st.binary(max_size=12), st.integers(0, 12))
def test_a_damaged_playlist_is_read_or_refused(body: bytes, place: int, noise: bytes, cut: int) -> None:
    place %= len(body) + 1
    progress = Progress()
    take(body, progress)
    take(body[:place] + noise + body[place + cut :], progress)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    take(body, Progress())
    take(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + body, Progress())
