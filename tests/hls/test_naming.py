from __future__ import annotations

import pytest

from exporters.hls.naming import MAX_VARIANTS, media_playlists, variant_names
from exporters.hls.playlist import MultivariantPlaylist, Rendition, Variant


def video(height: int, bandwidth: int = 1_000_000, rate: float | None = None, codecs: str = "avc1.42c01f") -> Variant:
    uri = f"{height}-{bandwidth}-{rate}-{codecs}.m3u8"
    return Variant(uri, bandwidth, codecs=codecs, resolution=(16 * height // 9, height), frame_rate=rate)


@pytest.mark.parametrize(
    ("variants", "names"),
    [
        ([video(720), video(240)], ["720p", "240p"]),
        ([video(720, rate=59.94), video(720, rate=30.0)], ["720p60", "720p30"]),
        ([video(1080), video(1080, codecs="hvc1.1.6.L93")], ["1080p_h264", "1080p_hevc"]),
        ([video(720, 3_000_000), video(720, 1_500_000)], ["720p_h264_3000k", "720p_h264_1500k"]),
        ([video(720), video(720)], ["720p_h264_1000k", "720p_h264_1000k_2"]),
        ([Variant("a", 64_000, codecs="mp4a.40.2"), Variant("b", 900_000)], ["audio", "main"]),
        ([Variant("a", 500_000), Variant("b", 900_000)], ["main_500k", "main_900k"]),
    ],
)
def test_names_say_no_more_than_is_needed_to_tell_variants_apart(variants: list[Variant], names: list[str]) -> None:
    assert variant_names(variants) == names


def test_renditions_are_named_by_kind_and_language_and_playlists_are_listed_once() -> None:
    playlist = MultivariantPlaylist(
        variants=(video(720), video(720)._replace(audio="other"), video(240)),
        renditions=(
            Rendition("AUDIO", "aac", "English", "en", "en.m3u8"),
            Rendition("AUDIO", "ac3", "English", "en", "en3.m3u8"),
            Rendition("SUBTITLES", "subs", "Suomi & Sverige!", "", "fi.m3u8"),
            Rendition("CLOSED-CAPTIONS", "cc", "CC1"),
        ),
    )
    assert list(media_playlists(playlist)) == ["720p", "240p", "audio_en", "audio_en_2", "subtitles_suomi_sverige"]


def test_no_stream_has_more_than_twelve_names() -> None:
    playlist = MultivariantPlaylist(tuple(video(100 + number) for number in range(50)))
    assert len(media_playlists(playlist)) == MAX_VARIANTS == 12
