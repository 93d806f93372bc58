"""One stream's probe against an origin whose pages the tests set, with a clock that they turn."""

from __future__ import annotations

import gzip
from collections.abc import Awaitable, Callable, Iterator

import pytest

from exporters import metrics
from tests.hls.origin import Origin, Page, Seen, media, origin
from tests.hls.probing import Probing, Turning, probe, until
from tests.servers import free_port

MULTIVARIANT = """#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=2096000,RESOLUTION=1280x720,CODECS="avc1.42c01f,mp4a.40.2"
720p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=464000,RESOLUTION=426x240,CODECS="avc1.42c015,mp4a.40.2"
240p.m3u8
"""
Drive = Callable[[Probing, Turning], Awaitable[None]]


@pytest.fixture
def site() -> Iterator[Origin]:
    with origin() as one:
        one.pages["/demo.m3u8"] = MULTIVARIANT
        one.pages["/720p.m3u8"] = media(100)
        one.pages["/240p.m3u8"] = media(100)
        yield one


def act(site: Origin, drive: Drive, timeout: float = 5.0) -> Probing:
    """Let ``drive`` act once both renditions have been read for the first time."""
    turning = Turning()

    async def prepared(probing: Probing) -> None:
        await probing.stream.turn()
        renditions = probing.stream.renditions
        await until(lambda: all(one.watch.playlist for one in renditions.values()), "the first playlists")
        probing.stream.tick()
        await drive(probing, turning)

    return probe(f"{site.url}/demo.m3u8", prepared, turning.clock(), timeout)


async def poll(probing: Probing, *names: str) -> None:
    for name in names:
        await probing.stream.renditions[name].turn()
    probing.stream.tick()


def test_a_stream_with_fresh_renditions_is_up_and_breaks_no_rule(site: Origin) -> None:
    async def drive(probing: Probing, turning: Turning) -> None:
        turning.now += 2
        site.pages["/720p.m3u8"] = site.pages["/240p.m3u8"] = media(101)
        await poll(probing, "720p", "240p")

    probing = act(site, drive)
    labels = ("demo", "origin", "720p")
    assert probing.rules() == set()
    assert probing.tables[metrics.HLS_UP].get("demo", "origin") == 1
    assert probing.tables[metrics.HLS_SEGMENTS].get(*labels) == 1
    assert probing.tables[metrics.HLS_MEDIA_SECONDS].get(*labels) == 2
    assert probing.tables[metrics.HLS_PLAYLIST_LAST_CHANGE].get(*labels) == 1_800_001_002
    assert probing.tables[metrics.HLS_DECLARED_RATE].get(*labels) == 262_000
    assert probing.tables[metrics.HLS_MEDIA_SEQUENCE].get(*labels) == 101
    assert probing.tables[metrics.HLS_TARGET_DURATION].get("demo", "origin") == 2


def test_a_playlist_that_stops_growing_is_stale_after_one_and_a_half_target_durations(site: Origin) -> None:
    async def drive(probing: Probing, turning: Turning) -> None:
        turning.now += 3
        await poll(probing, "720p", "240p")
        assert probing.rules() == set()
        turning.now += 0.5
        site.pages["/240p.m3u8"] = media(101)
        await poll(probing, "720p", "240p")

    probing = act(site, drive)
    stale = probing.tables[metrics.HLS_PLAYLIST_STALE]
    assert probing.rules() == {"stale_playlist", "variant_stale"}
    assert (stale.get("demo", "origin", "720p"), stale.get("demo", "origin", "240p")) == (1, 0)
    assert probing.tables[metrics.HLS_VARIANTS].get("demo", "origin", "stale") == 1
    assert probing.tables[metrics.HLS_VIOLATIONS].get("demo", "origin", "stale_playlist", "error") == 1
    assert probing.tables[metrics.HLS_UP].get("demo", "origin") == 1


def test_a_violation_is_counted_when_it_begins_and_active_while_it_lasts(site: Origin) -> None:
    async def drive(probing: Probing, turning: Turning) -> None:
        count, active = probing.tables[metrics.HLS_VIOLATIONS], probing.tables[metrics.HLS_VIOLATION_ACTIVE]
        labels = ("demo", "origin", "stale_playlist")
        for seconds in (4, 2, 2):
            turning.now += seconds
            await poll(probing, "720p", "240p")
            assert (count.get(*labels, "error"), active.get(*labels)) == (2, 1)
        site.pages["/720p.m3u8"] = site.pages["/240p.m3u8"] = media(101)
        await poll(probing, "720p", "240p")
        assert (count.get(*labels, "error"), active.get(*labels)) == (2, 0)
        assert probing.tables[metrics.HLS_PLAYLIST_STALE_SECONDS].get("demo", "origin") == 8
        turning.now += 4
        await poll(probing, "720p", "240p")
        assert (count.get(*labels, "error"), active.get(*labels)) == (4, 1)

    act(site, drive)


def test_a_cache_may_hold_a_playlist_for_its_time_to_live(site: Origin) -> None:
    headers = (("X-Cache", "HIT"), ("Cache-Control", "max-age=1"))
    site.pages["/720p.m3u8"] = site.pages["/240p.m3u8"] = Page(media(100).encode(), headers=headers)

    async def drive(probing: Probing, turning: Turning) -> None:
        turning.now += 3.9
        await poll(probing, "720p", "240p")
        assert probing.rules() == set()
        turning.now += 0.2
        await poll(probing, "720p", "240p")

    assert act(site, drive).rules() == {"stale_playlist"}


def test_a_playlist_that_cannot_be_fetched_is_stale_when_its_time_is_up(site: Origin) -> None:
    async def drive(probing: Probing, turning: Turning) -> None:
        stale = probing.tables[metrics.HLS_PLAYLIST_STALE]
        turning.now += 5.5  # nobody asked: that says nothing of the playlist
        probing.stream.tick()
        assert stale.get("demo", "origin", "720p") == 0
        site.pages["/720p.m3u8"] = Page(b"", 500)
        await poll(probing, "720p")
        assert stale.get("demo", "origin", "720p") == 1

    act(site, drive)


def test_an_ended_playlist_is_not_stale(site: Origin) -> None:
    async def drive(probing: Probing, turning: Turning) -> None:
        turning.now += 2
        site.pages["/720p.m3u8"] = site.pages["/240p.m3u8"] = media(100) + "#EXT-X-ENDLIST\n"
        await poll(probing, "720p", "240p")
        turning.now += 60
        await poll(probing, "720p", "240p")

    assert act(site, drive).rules() == {"endlist_on_live"}


def test_a_declared_rendition_that_cannot_be_fetched_is_missing(site: Origin) -> None:
    async def drive(probing: Probing, turning: Turning) -> None:
        site.pages["/240p.m3u8"] = Page(b"", 404)
        await poll(probing, "240p")
        assert probing.rules() == set()
        await poll(probing, "240p")

    probing = act(site, drive)
    assert probing.rules() == {"http_status", "variant_missing"}
    assert probing.tables[metrics.HLS_FETCH_ERRORS].get("demo", "origin", "media", "http_4xx") == 2
    assert probing.tables[metrics.HLS_VARIANTS].get("demo", "origin", "failing") == 1


def test_renditions_whose_live_edges_are_apart_have_drifted(site: Origin) -> None:
    def dated(second: int) -> str:
        return media(second // 2, extra=f"#EXT-X-PROGRAM-DATE-TIME:2026-11-23T18:00:{second:02d}Z\n")

    site.pages["/720p.m3u8"] = site.pages["/240p.m3u8"] = dated(10)

    async def drive(probing: Probing, turning: Turning) -> None:
        turning.now += 2
        site.pages["/720p.m3u8"] = dated(14)
        site.pages["/240p.m3u8"] = dated(12)
        await poll(probing, "720p", "240p")
        assert probing.rules() == set()
        assert probing.tables[metrics.HLS_VARIANT_DRIFT].get("demo", "origin") == 2
        turning.now += 2
        site.pages["/720p.m3u8"] = dated(16)
        await poll(probing, "720p", "240p")

    probing = act(site, drive)
    assert probing.rules() == {"variant_drift"}
    assert probing.tables[metrics.HLS_VARIANT_DRIFT].get("demo", "origin") == 4


def test_live_edge_latency_is_now_minus_the_dated_end_of_the_playlist(site: Origin) -> None:
    site.pages["/720p.m3u8"] = media(100, extra="#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:16:30Z\n")

    async def drive(probing: Probing, turning: Turning) -> None:
        pass

    latency = act(site, drive).tables[metrics.HLS_LIVE_EDGE_LATENCY]
    assert latency.get("demo", "origin", "720p") == -2.0  # 1 800 001 000 is 08:16:40, the playlist ends at 08:16:42
    assert latency.get("demo", "origin", "240p") is None


@pytest.mark.parametrize(
    ("page", "rule", "reason"),
    [
        (Page(b"", 503), "http_status", "http_5xx"),
        (Page(b"<html>"), "not_m3u8", "parse"),
        (Page(b"#EXTM3U\n", withheld=100), "playlist_unavailable", "truncated"),
        (Page(b"", 302, (("Location", "/demo.m3u8"),)), "http_status", "http_3xx"),
        (Page(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n#EXTINF:1,\nb\n"), "mixed_kind", "parse"),
        (Page(b"#EXTM3U\n#EXT-X-TARGETDURATION:x\n"), "not_m3u8", "parse"),
    ],
)
def test_a_playlist_that_cannot_be_used_is_found(site: Origin, page: Page, rule: str, reason: str) -> None:
    site.pages["/demo.m3u8"] = page

    async def drive(probing: Probing) -> None:
        await probing.stream.turn()
        assert probing.rules() == set()
        await probing.stream.turn()
        probing.stream.tick()

    probing = probe(f"{site.url}/demo.m3u8", drive)
    assert probing.rules() == {rule}
    assert probing.tables[metrics.HLS_FETCH_ERRORS].get("demo", "origin", "multivariant", reason) == 2
    assert probing.tables[metrics.HLS_UP].get("demo", "origin") == 0


def test_a_server_that_is_away_or_silent_is_found(site: Origin) -> None:
    async def drive(probing: Probing) -> None:
        await probing.stream.turn()
        await probing.stream.turn()

    away = probe(f"http://127.0.0.1:{free_port()}/demo.m3u8", drive)
    assert away.rules() == {"playlist_unavailable"}
    assert away.tables[metrics.HLS_FETCH_ERRORS].get("demo", "origin", "multivariant", "connect") == 2
    site.delays["/demo.m3u8"] = 0.5
    silent = probe(f"{site.url}/demo.m3u8", drive, timeout=0.1)
    assert silent.rules() == {"timeout"}


def test_a_media_playlist_without_multivariant_is_followed(site: Origin) -> None:
    async def drive(probing: Probing) -> None:
        await probing.stream.turn()
        await until(lambda: probing.stream.renditions["main"].watch.playlist, "the playlist")

    probing = probe(f"{site.url}/720p.m3u8", drive)
    assert probing.tables[metrics.HLS_WINDOW_SEGMENTS].get("demo", "origin", "main") == 6


def test_compressed_playlists_are_read(site: Origin) -> None:
    packed = gzip.compress(media(100).encode())
    site.pages["/720p.m3u8"] = Page(packed, headers=(("Content-Encoding", "gzip"),))

    async def drive(probing: Probing) -> None:
        await probing.stream.turn()
        await until(lambda: probing.stream.renditions["main"].watch.playlist, "the playlist")

    assert probe(f"{site.url}/720p.m3u8", drive).rules() == set()


def test_redirects_are_followed_and_tokens_kept(site: Origin) -> None:
    site.pages["/enter.m3u8"] = Page(b"", 302, (("Location", "/session/7/demo.m3u8?sid=a%2Fb"),))
    site.pages["/session/7/demo.m3u8"] = MULTIVARIANT.replace("720p.m3u8", "720p.m3u8?token=x%3D1")
    site.pages["/session/7/720p.m3u8"] = site.pages["/session/7/240p.m3u8"] = media(100)

    async def drive(probing: Probing) -> None:
        await probing.stream.turn()
        renditions = probing.stream.renditions
        await until(lambda: all(one.watch.playlist for one in renditions.values()), "the playlists")

    probe(f"{site.url}/enter.m3u8", drive)
    queries = {seen.path: seen.query for seen in site.seen}
    assert queries["/session/7/demo.m3u8"] == "sid=a%2Fb"
    assert queries["/session/7/720p.m3u8"] == "token=x%3D1"


def test_an_expired_token_leads_back_to_the_multivariant_playlist(site: Origin) -> None:
    def with_token(seen: Seen) -> Page:
        return Page(media(100).encode()) if seen.query == f"token={token}" else Page(b"", 403)

    token = "old"
    site.pages["/demo.m3u8"] = lambda seen: Page(MULTIVARIANT.replace("p.m3u8", f"p.m3u8?token={token}").encode())
    site.pages["/720p.m3u8"] = site.pages["/240p.m3u8"] = with_token

    async def drive(probing: Probing) -> None:
        nonlocal token
        probing.stream.start()
        await until(lambda: len(probing.stream.renditions) == 2, "the renditions")
        renditions = probing.stream.renditions
        await until(lambda: all(one.watch.ok for one in renditions.values()), "the playlists")
        token = "new"
        await until(lambda: all(one.watch.url.endswith("token=new") for one in renditions.values()), "new addresses")
        await until(lambda: all(one.watch.ok for one in renditions.values()), "the playlists again")

    assert "http_status" not in probe(f"{site.url}/demo.m3u8", drive).rules()


def test_a_rendition_that_is_no_longer_declared_leaves_no_series(site: Origin) -> None:
    async def drive(probing: Probing, turning: Turning) -> None:
        site.pages["/demo.m3u8"] = "\n".join(MULTIVARIANT.splitlines()[:3])
        await probing.stream.turn()

    probing = act(site, drive)
    assert list(probing.stream.renditions) == ["720p"]
    for table in probing.tables.all():
        assert 'variant="240p"' not in table.render(False)


def test_unchanged_playlists_are_asked_for_with_validators(site: Origin) -> None:
    headers = (
        ("ETag", '"1"'),
        ("Last-Modified", "Mon, 23 Nov 2026 18:00:00 GMT"),
    )
    body = media(100).encode()
    site.pages["/720p.m3u8"] = lambda seen: (
        Page(b"", 304) if seen.headers.get("if-none-match") == '"1"' else Page(body, headers=headers)
    )

    async def drive(probing: Probing, turning: Turning) -> None:
        await poll(probing, "720p")

    probing = act(site, drive)
    assert probing.tables[metrics.HLS_FETCHES].get("demo", "origin", "media", "3xx") == 1
    assert probing.rules() == set()


def test_a_stalled_playlist_stalls_the_synthetic_player(site: Origin) -> None:
    async def drive(probing: Probing, turning: Turning) -> None:
        turning.now += 4
        probing.stream.tick()
        assert probing.tables[metrics.HLS_PROBE_BUFFER].get("demo", "origin") == 2
        turning.now += 5
        probing.stream.tick()

    tables = act(site, drive).tables
    assert tables[metrics.HLS_PROBE_BUFFER].get("demo", "origin") == 0
    assert tables[metrics.HLS_PROBE_REBUFFERS].get("demo", "origin") == 1
    assert tables[metrics.HLS_PROBE_REBUFFER_SECONDS].get("demo", "origin") == 3


def test_ad_breaks_are_counted_once_for_a_stream(site: Origin) -> None:
    async def drive(probing: Probing, turning: Turning) -> None:
        text = media(100, 9).replace("#EXTINF:2.000,\n106.ts", "#EXT-X-CUE-OUT:2\n#EXTINF:2.000,\n106.ts")
        text = text.replace("#EXTINF:2.000,\n107.ts", "#EXT-X-CUE-IN\n#EXTINF:2.000,\n107.ts")
        site.pages["/720p.m3u8"] = site.pages["/240p.m3u8"] = text
        await poll(probing, "720p", "240p")

    tables = act(site, drive).tables
    assert tables[metrics.HLS_AD_BREAKS].get("demo") == 1
    assert tables[metrics.HLS_AD_BREAK_DELTA].get("demo") == 0
