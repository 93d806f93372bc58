"""Streams as metric families."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from exporters import metrics
from exporters.exposition import render
from exporters.metrics import Family
from exporters.naming import Naming
from exporters.rtmp.book import Limits, Round, StreamBook
from exporters.rtmp.collector import StreamCollector
from exporters.rtmp.model import Audio, ServerReading, Video
from exporters.rtmp.nginx_rtmp import parse_stat
from exporters.rtmp.tallies import Tallies
from tests.rtmp.fixtures import EPOCH_WALL, HandClock, fixture, server, stream


class Scene:
    def __init__(self) -> None:
        self.clock = HandClock()
        tallies = Tallies()
        self.book = StreamBook(Naming(), tallies, Limits(retention=900), self.clock)
        self.collector = StreamCollector(self.book, tallies, self.clock)

    def poll(self, seconds: float, *readings: ServerReading) -> None:
        self.clock.seconds = seconds
        self.book.observe(Round("a", readings, self.clock(), self.clock()))

    def text(self) -> str:
        return render(self.collector.collect(), openmetrics=False)

    def value(self, family: Family, **labels: str) -> float | None:
        """The value of the one series with these labels (among others), or None."""
        found = [
            sample.value
            for parsed in text_string_to_metric_families(self.text())
            for sample in parsed.samples
            if sample.name == family.name and labels.items() <= sample.labels.items()
        ]
        assert len(found) < 2
        return found[0] if found else None


def test_a_recorded_page_shows_as_families() -> None:
    scene = Scene()
    scene.poll(0, parse_stat(fixture("arut-renditions.xml")))
    assert scene.value(metrics.RTMP_STREAM_UP, app="abr", stream="show") == 1
    assert scene.value(metrics.RTMP_STREAM_START, stream="show") == EPOCH_WALL - 95.912
    assert scene.value(metrics.RTMP_STREAM_PUBLISHING_SECONDS, stream="show") == 95.912
    assert scene.value(metrics.RTMP_STREAM_WIDTH, stream="show") == 1280
    assert scene.value(metrics.RTMP_STREAM_HEIGHT, stream="show") == 720
    assert scene.value(metrics.RTMP_STREAM_FRAME_RATE, stream="show") == 25
    assert scene.value(metrics.RTMP_STREAM_SAMPLE_RATE, stream="show") == 44100
    assert scene.value(metrics.RTMP_STREAM_CHANNELS, stream="show") == 1
    assert scene.value(metrics.RTMP_STREAM_CLIENTS, stream="show", role="publisher") == 3
    assert scene.value(metrics.RTMP_STREAM_CLIENTS, stream="show", role="subscriber") == 0
    assert scene.value(metrics.RTMP_STREAM_RECEIVE_BYTES, stream="show") == 25222899 + 11987708 + 5599107
    assert scene.value(metrics.RTMP_STREAM_RECEIVE_RATE, stream="show", media="audio") == 13355.0 * 2 + 8967.0
    assert scene.value(metrics.RTMP_STREAM_AVSYNC, stream="show") == -0.019
    assert scene.value(metrics.RTMP_STREAM_INFO, video_codec="H264", audio_codec="AAC", encoder="ffmpeg") == 1
    assert scene.value(metrics.RTMP_RECONNECTS, stream="show") == 0


def test_at_the_end_a_stream_is_0_and_its_picture_is_gone() -> None:
    scene = Scene()
    scene.poll(0, parse_stat(fixture("arut-renditions.xml")))
    scene.poll(1, server(epoch="13211"))
    assert scene.value(metrics.RTMP_STREAM_UP, stream="show") == 0
    assert scene.value(metrics.RTMP_STREAM_RECEIVE_RATE, stream="show", media="total") == 0
    assert scene.value(metrics.RTMP_STREAM_CLIENTS, stream="show", role="publisher") == 0
    assert scene.value(metrics.RTMP_STREAM_RECEIVE_BYTES, stream="show") == 42809714
    for family in (
        metrics.RTMP_STREAM_START,
        metrics.RTMP_STREAM_WIDTH,
        metrics.RTMP_STREAM_AVSYNC,
        metrics.RTMP_STREAM_LAST_DATA,
        metrics.RTMP_STREAM_DRIFT,
        metrics.RTMP_STREAM_INFO,
    ):
        assert scene.value(family, stream="show") is None


def test_the_start_of_a_broadcast_outlasts_a_short_break_and_goes_after_a_long_one() -> None:
    scene = Scene()
    scene.poll(0, server(stream(connected_seconds=0.0)))
    scene.poll(10, server())
    assert scene.value(metrics.RTMP_STREAM_FIRST_START, stream="demo") == EPOCH_WALL
    scene.poll(71, server())
    assert scene.value(metrics.RTMP_STREAM_FIRST_START, stream="demo") is None
    assert scene.value(metrics.RTMP_STREAM_UP, stream="demo") == 0


def test_after_the_retention_no_series_is_left() -> None:
    scene = Scene()
    scene.poll(0, server(stream()))
    scene.poll(1, server())
    scene.poll(902, server())
    assert 'stream="demo"' not in scene.text()


def test_series_of_a_server_that_is_away_are_withheld_until_it_answers() -> None:
    scene = Scene()
    scene.poll(0, server(stream(receive_bytes=10)))
    scene.clock.seconds = 1
    scene.book.lose("a")
    assert 'stream="demo"' not in scene.text()
    scene.poll(2, server(stream(receive_bytes=25)))
    assert scene.value(metrics.RTMP_STREAM_UP, stream="demo") == 1
    assert scene.value(metrics.RTMP_STREAM_RECEIVE_BYTES, stream="demo") == 25


def test_a_hook_shows_although_the_server_is_away() -> None:
    scene = Scene()
    scene.book.lose("a")
    scene.book.begin("live", "demo", "1", "a")
    assert scene.value(metrics.RTMP_STREAM_UP, stream="demo") == 1
    assert scene.value(metrics.RTMP_STREAM_CLIENTS, role="publisher") == 1


def test_media_time_against_the_wall_clock_is_drift() -> None:
    scene = Scene()
    for second in range(11):
        scene.poll(second, server(stream(media_seconds=100 + second * 0.9)))
    drift = scene.value(metrics.RTMP_STREAM_DRIFT, stream="demo")
    assert drift is not None and round(drift, 6) == -1.0


def test_timestamps_that_wrap_are_no_drift() -> None:
    scene = Scene()
    wrap = 2**32 / 1000
    scene.poll(0, server(stream(media_seconds=wrap - 1)))
    scene.poll(2, server(stream(media_seconds=1.0)))
    drift = scene.value(metrics.RTMP_STREAM_DRIFT, stream="demo")
    assert drift is not None and abs(drift) < 1e-6


def test_timestamps_that_start_again_are_measured_again() -> None:
    scene = Scene()
    scene.poll(0, server(stream(media_seconds=500.0)))
    scene.poll(1, server(stream(media_seconds=0.0)))
    assert scene.value(metrics.RTMP_STREAM_DRIFT, stream="demo") == 0.0


def test_a_frozen_stream_ages_while_its_publisher_stays() -> None:
    scene = Scene()
    scene.poll(0, server(stream(receive_bytes=10)))
    scene.poll(5, server(stream(receive_bytes=20)))
    scene.poll(9, server(stream(receive_bytes=20)))
    assert scene.value(metrics.RTMP_STREAM_LAST_DATA, stream="demo") == EPOCH_WALL + 5
    assert scene.value(metrics.RTMP_STREAM_UP, stream="demo") == 1


def test_of_several_renditions_the_worst_synchronisation_shows() -> None:
    scene = Scene()
    scene.poll(0, server(stream("demo_hi", "1", avsync_seconds=0.01), stream("demo_low", "2", avsync_seconds=-0.5)))
    assert scene.value(metrics.RTMP_STREAM_AVSYNC, stream="demo") == -0.5


def test_dropped_frames_grow_by_role() -> None:
    scene = Scene()
    scene.poll(0, server(stream(dropped={"7": ("subscriber", 4), "1": ("publisher", 0)})))
    scene.poll(1, server(stream(dropped={"8": ("subscriber", 3), "1": ("publisher", 0)})))
    assert scene.value(metrics.RTMP_STREAM_DROPPED_FRAMES, role="subscriber") == 7
    assert scene.value(metrics.RTMP_STREAM_DROPPED_FRAMES, role="publisher") == 0


def test_frames_and_errors_show_where_the_server_counts_them() -> None:
    scene = Scene()
    scene.poll(0, server(stream("a", "1", frames=100, error_frames=2), stream("b", "2")))
    assert scene.value(metrics.RTMP_STREAM_FRAMES, stream="a") == 100
    assert scene.value(metrics.RTMP_STREAM_ERROR_FRAMES, stream="a") == 2
    assert scene.value(metrics.RTMP_STREAM_FRAMES, stream="b") is None


def test_transport_quality_shows_the_worst_publisher() -> None:
    scene = Scene()
    worse = stream("demo_hi", "1", protocol="srt", rtt_seconds=0.2, loss_ratio=0.01)
    scene.poll(0, server(worse, stream("demo_low", "2", protocol="srt", rtt_seconds=0.1, loss_ratio=0.05)))
    assert scene.value(metrics.RTMP_TRANSPORT_RTT, stream="demo", protocol="srt") == 0.2
    assert scene.value(metrics.RTMP_TRANSPORT_LOSS, stream="demo", protocol="srt") == 0.05


def test_what_a_drained_worker_told_last_is_not_shown_for_ever() -> None:
    scene = Scene()
    scene.poll(0, server(stream(video=Video("H264", width=10)), epoch="1"))
    scene.clock.seconds = 11
    scene.book.observe(Round("a", (server(epoch="2"),), scene.clock(), scene.clock(), worker_alive=lambda _: True))
    assert scene.value(metrics.RTMP_STREAM_UP, stream="demo") == 1
    assert scene.value(metrics.RTMP_STREAM_WIDTH, stream="demo") is None


def test_strange_names_are_escaped() -> None:
    scene = Scene()
    scene.poll(0, server(stream('a"b\\c\nd', audio=Audio("AAC"))))
    assert scene.value(metrics.RTMP_STREAM_UP, stream='a"b\\c\nd') == 1


def test_labels_are_those_of_the_vocabulary() -> None:
    scene = Scene()
    scene.poll(0, parse_stat(fixture("arut.xml")))
    for line in scene.text().splitlines():
        if not line.startswith("#"):
            assert not re.search(r'(address|id|ip|flashver)="', line)
