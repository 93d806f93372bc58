"""The recent course has one point a step, backfilled once, chat as differences of its lifetime count."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.promapi import Points, PrometheusUnreachableError
from bridge.timeline import Timeline, TimelineFiller
from prometheus import queries
from prometheus.queries import Query
from tests.bridge.streams_made import snapshot_of


class Recorded:
    """A range source with fixed series that counts how often it is asked."""

    def __init__(self, series: Mapping[Query, Mapping[tuple[str, ...], Points]], fails: int = 0) -> None:
        self.series = series
        self.asked = 0
        self.fails = fails

    def range(self, query: Query, start: float, end: float, step_seconds: float) -> Mapping[tuple[str, ...], Points]:
        self.asked += 1
        if self.asked <= self.fails:
            raise PrometheusUnreachableError("away")
        return self.series.get(query, {})


def test_each_step_has_one_point_and_both_series_share_them() -> None:
    timeline = Timeline(step_seconds=10, points=24)
    for at, viewers, chat in ((1000, 3, 0), (1010, 5, 2), (1013, 6, 3), (1020, 4, 9)):
        timeline.observe(
            snapshot_of({queries.VIEWERS: {("s",): viewers}, queries.ENGAGEMENTS: {("s", "chat_message"): chat}}, at)
        )
    course = timeline.course("s", 1025)
    assert len(course) == 24
    assert [(one["viewers"], one["chatActivity"]) for one in course[-3:]] == [(3, 0), (6, 3), (4, 6)]
    assert course[-1]["timestamp"] == "1970-01-01T00:17:00.000Z"
    assert course[0] == {"timestamp": "1970-01-01T00:13:10.000Z", "viewers": 0, "chatActivity": 0}


def test_the_course_is_backfilled_by_one_query_a_series() -> None:
    source = Recorded(
        {
            queries.VIEWERS: {("s",): ((980.0, 7.0), (990.0, 8.0))},
            queries.ENGAGEMENTS: {
                ("s", "chat_message"): ((980.0, 10.0), (990.0, 14.0)),
                ("s", "like"): ((990.0, 1.0),),
            },
        }
    )
    timeline = Timeline(step_seconds=10, points=24)
    fill = TimelineFiller(timeline, source)
    fill(snapshot_of({queries.VIEWERS: {("s",): 9.0}, queries.ENGAGEMENTS: {("s", "chat_message"): 15.0}}, 1001.0))
    fill(snapshot_of({queries.VIEWERS: {("s",): 9.0}, queries.ENGAGEMENTS: {("s", "chat_message"): 15.0}}, 1003.0))
    assert source.asked == 2
    points = [(one["viewers"], one["chatActivity"]) for one in timeline.course("s", 1003)[-3:]]
    assert points == [(7, 0), (8, 4), (9, 1)]


def test_a_backfill_that_failed_is_tried_again() -> None:
    source = Recorded({queries.VIEWERS: {("s",): ((990.0, 8.0),)}}, fails=1)
    timeline = Timeline()
    fill = TimelineFiller(timeline, source)
    fill(snapshot_of({}, 1000.0))
    fill(snapshot_of({}, 1002.0))
    assert timeline.course("s", 1002)[-2]["viewers"] == 8


def test_a_counter_that_was_reset_counts_no_negative_messages() -> None:
    timeline = Timeline()
    for at, chat in ((1000, 9), (1010, 2)):
        timeline.observe(
            snapshot_of({queries.VIEWERS: {("s",): 1}, queries.ENGAGEMENTS: {("s", "chat_message"): chat}}, at)
        )
    assert timeline.course("s", 1010)[-1]["chatActivity"] == 0


def test_an_outage_of_the_viewers_source_invents_no_chat() -> None:
    timeline = Timeline()
    silent = {queries.STREAM_UP: {("s",): 1.0}}
    for at, chat in ((1000, 5000), (1010, 5003), (1020, None), (1030, 5010), (1040, 5012)):
        heard = {queries.VIEWERS: {("s",): 50.0}, queries.ENGAGEMENTS: {("s", "chat_message"): chat}}
        timeline.observe(snapshot_of({**silent, **({} if chat is None else heard)}, at))
    points = [(one["viewers"], one["chatActivity"]) for one in timeline.course("s", 1040)[-5:]]
    assert points == [(50, 0), (50, 3), (0, 0), (50, 7), (50, 2)]


def test_a_step_whose_chat_nobody_tells_invents_none_at_the_next() -> None:
    timeline = Timeline(step_seconds=10, points=24)
    source = Recorded(
        {
            queries.VIEWERS: {("s",): ((970.0, 7.0), (980.0, 7.0), (990.0, 8.0))},
            queries.ENGAGEMENTS: {("s", "chat_message"): ((960.0, 9.0), (970.0, 10.0), (990.0, 14.0))},
        }
    )
    timeline.backfill(source, 1000.0)
    points = [(one["viewers"], one["chatActivity"]) for one in timeline.course("s", 999)[-4:]]
    assert points == [(0, 0), (7, 0), (7, 0), (8, 4)]


def test_old_frames_are_forgotten() -> None:
    timeline = Timeline(step_seconds=10, points=24)
    for step in range(200):
        timeline.observe(snapshot_of({queries.VIEWERS: {("s",): 1.0}}, step * 10.0))
    assert len(timeline._frames) == 25
