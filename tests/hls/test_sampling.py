from __future__ import annotations

from collections.abc import Iterator

import pytest

from exporters import metrics
from exporters.hls.fetching import Answer
from exporters.hls.playlist import MediaPlaylist
from exporters.hls.reading import read_playlist
from exporters.hls.sampling import RemovedSegments, is_slow_start
from tests.hls.origin import Origin, Page, media, origin
from tests.hls.probing import Probing, Turning, probe, until

MULTIVARIANT = """#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=1280x720,CODECS="avc1.42c01f,mp4a.40.2"
720p.m3u8
"""


@pytest.fixture
def site() -> Iterator[Origin]:
    with origin() as one:
        one.pages["/demo.m3u8"] = MULTIVARIANT
        one.pages["/720p.m3u8"] = media(100)
        one.pages["/105.ts"] = bytes(200_000)
        yield one


def sampled(site: Origin, timeout: float = 5.0) -> Probing:
    """The probe after one round of samples."""

    async def drive(probing: Probing) -> None:
        await probing.stream.turn()
        await until(lambda: probing.stream.renditions["720p"].watch.playlist, "the playlist")
        await probing.stream.sample()

    return probe(f"{site.url}/demo.m3u8", drive, timeout=timeout)


def test_a_sampled_segment_is_measured_against_the_declared_rate(site: Origin) -> None:
    probing = sampled(site)
    labels = ("demo", "origin", "720p")
    assert probing.rules() == set()
    assert probing.tables[metrics.HLS_SEGMENT_BYTES].get(*labels) == 200_000
    assert probing.tables[metrics.HLS_MEASURED_RATE].get(*labels) == 100_000
    assert probing.tables[metrics.HLS_DECLARED_RATE].get(*labels) == 100_000
    assert probing.tables.histogram(metrics.HLS_DOWNLOAD_RATIO).count("origin") == 1
    assert probing.tables.histogram(metrics.HLS_TTFB).count("origin", "segment") == 1


def test_a_rate_above_bandwidth_is_found(site: Origin) -> None:
    site.pages["/105.ts"] = bytes(230_000)
    probing = sampled(site)
    assert probing.rules() == {"bandwidth_exceeded"}
    assert probing.found[0].message == "measured peak 920000 bit/s, BANDWIDTH 800000"


def test_a_listed_segment_that_is_not_there_is_found(site: Origin) -> None:
    del site.pages["/105.ts"]
    assert sampled(site).rules() == {"segment_unavailable"}


def test_a_gap_is_not_fetched(site: Origin) -> None:
    site.pages["/720p.m3u8"] = media(100).replace("#EXTINF:2.000,\n105.ts", "#EXT-X-GAP\n#EXTINF:2.000,\n105.ts")
    site.pages["/104.ts"] = bytes(1000)
    assert sampled(site).rules() == {"gap_present"}
    assert "/105.ts" not in [seen.path for seen in site.seen]


def test_a_download_that_takes_nearly_as_long_as_it_plays_is_found(site: Origin) -> None:
    site.pages["/720p.m3u8"] = media(100, target=1, duration=0.5)
    site.pages["/105.ts"] = bytes(10_000)
    site.delays["/105.ts"] = 0.45
    assert sampled(site).rules() == {"download_ratio_high"}


def test_a_segment_that_comes_at_the_pace_of_its_production_is_found(site: Origin) -> None:
    site.pages["/720p.m3u8"] = media(100, target=1, duration=0.5)
    site.pages["/105.ts"] = bytes(90_000)
    site.pages["/demo.m3u8"] = MULTIVARIANT.replace("800000", "8000000")
    site.drips["/105.ts"] = (3, 0.2)
    assert sampled(site).rules() == {"segment_slow_start"}


def test_a_slow_start_is_a_long_body_with_pauses() -> None:
    def answer(body_seconds: float, pause: float) -> Answer:
        return Answer("", 200, {}, b"", 0, 0.1, 0.1 + body_seconds, body_seconds, pause)

    assert is_slow_start(answer(1.9, 0.5), 2)
    assert not is_slow_start(answer(1.9, 0.1), 2)
    assert not is_slow_start(answer(0.9, 0.5), 2)


@pytest.mark.parametrize(("present", "rules"), [(True, set()), (False, {"segment_removed_early"})])
def test_a_removed_segment_must_stay_for_a_while(site: Origin, present: bool, rules: set[str]) -> None:
    turning = Turning()
    site.pages["/106.ts"] = bytes(1000)
    if present:
        site.pages["/100.ts"] = Page(b"x", 206)

    async def drive(probing: Probing) -> None:
        await probing.stream.turn()
        rendition = probing.stream.renditions["720p"]
        await until(lambda: rendition.watch.playlist, "the playlist")
        turning.now += 2
        site.pages["/720p.m3u8"] = media(101)
        await rendition.turn()
        await probing.stream.sample()

    assert probe(f"{site.url}/demo.m3u8", drive, turning.clock()).rules() == rules


def test_a_removed_segment_may_go_after_its_length_and_the_playlists() -> None:
    def version(sequence: int) -> MediaPlaylist:
        playlist = read_playlist(media(sequence).encode())
        assert isinstance(playlist, MediaPlaylist)
        return playlist

    removed = RemovedSegments()
    removed.take(version(100), version(101), "http://a/b.m3u8", now=50.0)
    due = removed.due(63.0, margin_seconds=0)
    assert due is not None
    assert (due[0].msn, due[1]) == (100, "http://a/100.ts")
    assert removed.due(64.0, margin_seconds=0) is None
