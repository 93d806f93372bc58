"""The session engine's definitions, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exporters.viewers.engine import MAX_SHARING
from exporters.viewers.inputs import AppEvent, StreamLive, StreamOver, Tick
from exporters.viewers.reports import Viewer
from exporters.viewers.roster import MAX_LIVELY
from exporters.viewers.timeline import MAX_OPEN_POINTS
from tests.viewers.making import SOMEBODY, START, Clock, Kept, report


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    one = Kept(tmp_path, Clock())
    yield one
    one.kill()


def tell(kept: Kept, *steps: tuple[float, str], session: str = "a", **values: Any) -> list[str]:
    """Reports of one session at seconds after the start, each arriving at once."""
    results = []
    for number, (second, state) in enumerate(steps):
        one = report(session, START + second, sequence=number, state=state, **values)
        results += kept.shard.take([one])
    return results


def ended(kept: Kept) -> dict[str, Any]:
    (row,) = kept.rows("session")
    return row


def over(kept: Kept, seconds: float = 300.0) -> None:
    kept.tick(START + seconds)


def demo(kept: Kept) -> Any:
    return kept.shard.engine.broadcasts["demo"]


def test_watch_time_is_playing_time_only(kept: Kept) -> None:
    tell(kept, (0, "s"), (1, "p"), (11, "a"), (41, "p"), (46, "q"))
    over(kept)
    assert ended(kept)["watch_seconds"] == 15.0
    assert demo(kept).watch_seconds == 15.0


def test_startup_is_from_the_wish_to_the_first_frame(kept: Kept) -> None:
    tell(kept, (0, "d"), (10, "s"), (12.5, "p"), (20, "q"))
    over(kept)
    assert ended(kept)["startup_seconds"] == 2.5
    assert kept.shard.tables.startup.count("demo") == 1


def test_a_told_startup_time_is_believed(kept: Kept) -> None:
    tell(kept, (0, "s"), (2, "p"), (20, "q"), start_seconds=0.83)
    over(kept)
    assert ended(kept)["startup_seconds"] == 0.83


def test_a_stall_is_counted_apart_from_startup_and_seeks(kept: Kept) -> None:
    tell(kept, (0, "s"), (1, "r"), (2, "p"), (10, "r"), (13, "p"), (20, "k"), (21, "r"), (24, "p"), (30, "q"))
    over(kept)
    row = ended(kept)
    assert (row["rebuffers"], row["rebuffer_seconds"]) == (1, 3.0)
    assert kept.shard.tables.rebuffer_seconds.get("demo", "seek") == 3.0
    assert row["watch_seconds"] == 8.0 + 7.0 + 6.0


def test_a_stall_in_an_advert_is_the_adverts(kept: Kept) -> None:
    kept.shard.take([report("a", START, sequence=0)])
    kept.shard.take([report("a", START + 5, sequence=1, event="as")])
    kept.shard.take([report("a", START + 6, sequence=2, state="r")])
    kept.shard.take([report("a", START + 8, sequence=3, event="ae", state="p")])
    over(kept)
    assert kept.shard.tables.rebuffer_seconds.get("demo", "ad") == 2.0
    assert ended(kept)["rebuffer_seconds"] == 0.0


def test_concurrent_leaves_out_paused_ended_and_failed(kept: Kept) -> None:
    for session, state in (
        ("s", "s"),
        ("p", "p"),
        ("r", "r"),
        ("a", "a"),
        ("e", "e"),
        ("f", "f"),
        ("k", "k"),
        ("d", "d"),
    ):
        kept.shard.take([report(session, START, sequence=0, state=state)])
    assert demo(kept).concurrent == 4
    assert demo(kept).states == {"starting": 2, "playing": 1, "rebuffering": 0, "seeking": 1, "paused": 2, "failed": 1}


def test_a_stall_over_five_minutes_is_nobody_waiting(kept: Kept) -> None:
    kept.shard.take([report("a", START, sequence=0)])
    for number in range(1, 60):
        now = START + number * 10
        kept.tick(now - 1)
        kept.shard.take([report("a", now, sequence=number, state="r", event="t")])
        if number == 30:
            assert demo(kept).concurrent == 1
    kept.tick(START + 591)
    assert demo(kept).concurrent == 0
    assert demo(kept).states["rebuffering"] == 1


def test_a_stall_is_shown_as_one_although_the_first_frame_is_told_late(kept: Kept) -> None:
    kept.shard.take([report("a", START, sequence=0, state="s"), report("a", START + 3, sequence=2, state="r")])
    assert (demo(kept).states["starting"], demo(kept).states["rebuffering"]) == (1, 0)
    kept.shard.take([report("a", START + 3.5, time=START + 2, sequence=1, state="p")])
    assert (demo(kept).states["starting"], demo(kept).states["rebuffering"]) == (0, 1)


def test_an_exit_before_start_waited_a_second(kept: Kept) -> None:
    tell(kept, (0, "s"), (4, "q"), session="waited")
    tell(kept, (0, "s"), (0.5, "q"), session="glanced")
    over(kept)
    assert kept.shard.tables.exits.get("demo") == 1


@pytest.mark.parametrize(
    ("code", "category"),
    [("manifestLoadError 503", "technical"), ("GEO_BLOCKED", "business"), ("fragLoadError 403", "business")],
)
def test_start_failures_are_technical_or_business(kept: Kept, code: str, category: str) -> None:
    tell(kept, (0, "s"))
    kept.shard.take([report("a", START + 2, sequence=1, state="f", errors=(code,))])
    over(kept)
    assert kept.shard.tables.start_failures.get("demo", category) == 1
    assert kept.shard.tables.ended.get("demo", "error") == 1
    assert ended(kept)["errors"] == 1


def test_a_failure_after_the_first_frame_is_a_playback_failure(kept: Kept) -> None:
    tell(kept, (0, "p"), (10, "f"))
    over(kept)
    assert kept.shard.tables.playback_failures.get("demo", "technical") == 1
    assert kept.shard.tables.start_failures.total() == 0


def test_a_player_that_recovers_has_not_failed(kept: Kept) -> None:
    tell(kept, (0, "p"), (10, "f"), (11, "p"), (20, "q"))
    over(kept)
    assert kept.shard.tables.playback_failures.total() == 0
    assert ended(kept)["end_reason"] == "quit"


def test_a_view_watched_the_threshold(kept: Kept) -> None:
    tell(kept, (0, "p"), (2.9, "q"), session="short")
    tell(kept, (0, "p"), (3.0, "q"), session="long")
    over(kept)
    assert (demo(kept).plays, demo(kept).views) == (2, 1)


def test_renditions_switch_up_and_down(kept: Kept) -> None:
    for number, (second, rate, variant) in enumerate(
        [(0, 1e5, "low"), (10, 3e5, "hi"), (30, 1e5, "low"), (35, 1e5, "low")]
    ):
        kept.shard.take([report("a", START + second, sequence=number, rate=rate, variant=variant)])
    over(kept)
    row = ended(kept)
    assert row["rendition_seconds"] == {"low": 15.0, "hi": 20.0}
    assert (row["variant"], row["switches"]) == ("hi", 2)
    assert kept.shard.tables.switches.get("demo", "up") == 1
    assert row["average_bytes_per_second"] == pytest.approx((15 * 1e5 + 20 * 3e5) / 35)


def test_a_bitrate_is_named_as_its_rendition_once_that_is_known(kept: Kept) -> None:
    kept.shard.take([report("a", START, sequence=0, rate=262000.0, variant="720p")])
    kept.shard.take([report("b", START, sequence=0, rate=262000.0)])
    kept.shard.take([report("c", START, sequence=0, rate=100000.0)])
    assert demo(kept).by_variant == {"720p": 2, "800k": 1}


def test_a_report_that_comes_twice_counts_once(kept: Kept) -> None:
    one = report("a", START, sequence=0)
    assert kept.shard.take([one, one]) == ["ok", "duplicate"]
    assert kept.shard.tables.reports.get("event", "2", "duplicate") == 1


def test_missing_numbers_are_lost_reports(kept: Kept) -> None:
    for number in (0, 1, 2, 5, 6, 4):
        kept.shard.take([report("a", START + number, sequence=number)])
    over(kept)
    assert kept.shard.tables.gaps.get("event") == 1


def test_a_report_about_settled_time_is_late(kept: Kept) -> None:
    tell(kept, (0, "p"), (10, "p"), (30, "p"))
    late = report("a", START + 31, time=START + 2, sequence=9, state="a")
    assert kept.shard.take([late._replace(sequence=3)]) == ["skewed"]  # newer by number: the clock went back
    kept.shard.take(
        [report("b", START, sequence=0), report("b", START + 10, sequence=2), report("b", START + 30, sequence=3)]
    )
    assert kept.shard.take([report("b", START + 31, time=START + 5, sequence=1, state="a")]) == ["late"]


def test_a_player_whose_clock_stands_still_has_a_bounded_number_of_open_points(kept: Kept) -> None:
    for number in range(1000):
        kept.shard.take([report("a", START + number, time=START, sequence=number, state="rp"[number % 2])])
        (session,) = kept.shard.engine.sessions.values()
        assert len(session.points) <= MAX_OPEN_POINTS
    over(kept, 1300)
    assert (ended(kept)["watch_seconds"], ended(kept)["rebuffers"]) == (0.0, 499)


def test_many_points_in_a_few_seconds_add_up_although_the_oldest_are_settled_at_once(kept: Kept) -> None:
    for number in range(400):
        kept.shard.take([report("a", START + number / 100, sequence=number, state="rp"[number % 2])])
    over(kept)
    assert ended(kept)["watch_seconds"] == pytest.approx(1.99, abs=1e-4)
    assert ended(kept)["rebuffer_seconds"] == pytest.approx(1.99, abs=1e-4)


def test_a_viewer_is_inferred_from_any_number_of_segments_a_second(kept: Kept) -> None:
    asked: dict[str, Any] = {"transport": "inferred", "version": 0, "event": "", "state": "", "media": True}
    kept.shard.take([report("inferred 7", START + number / 200, **asked) for number in range(300)])
    assert demo(kept).concurrent == 1


def test_a_players_wrong_clock_does_not_matter(kept: Kept) -> None:
    for number, second in enumerate((0, 10, 20)):
        kept.shard.take([report("a", START + second, time=START + second - 5e6, sequence=number)])
    over(kept)
    row = ended(kept)
    assert (row["watch_seconds"], row["joined"]) == (20.0, START)


def test_a_clock_that_is_set_while_playing_is_noticed(kept: Kept) -> None:
    kept.shard.take([report("a", START, sequence=0), report("a", START + 10, sequence=1)])
    assert kept.shard.take([report("a", START + 20, time=START + 3620, sequence=2)]) == ["skewed"]
    assert kept.shard.take([report("a", START + 30, time=START + 3630, sequence=3)]) == ["ok"]
    over(kept)
    assert ended(kept)["watch_seconds"] == 30.0


def test_one_viewer_by_three_transports_is_one_session(kept: Kept) -> None:
    viewer = SOMEBODY._replace(identity=99)
    results = []
    for second in range(0, 20, 2):
        now = START + second
        asked: dict[str, Any] = {"version": 1, "event": "", "state": "", "media": True, "viewer": viewer}
        played: dict[str, Any] = {**asked, "duration": 2.0, "buffer": 4.0, "rate": 262000.0}
        results += kept.shard.take(
            [
                report("a", now, sequence=second // 2, viewer=viewer, rate=262000.0),
                report("a", now + 0.2, transport="query", **{**played, "time": -1.0}),
                report("a", now + 0.5, transport="cdn_log", **played),
                report("inferred 63", now + 0.5, transport="inferred", **asked),
            ]
        )
    over(kept)
    assert (demo(kept).plays, demo(kept).peak, demo(kept).attempts) == (1, 1, 1)
    assert ended(kept)["watch_seconds"] == 18.0
    assert results.count("superseded") == 30


def test_a_viewer_without_cmcd_is_inferred_from_two_segments(kept: Kept) -> None:
    def segment(second: float) -> None:
        kept.shard.take(
            [report("inferred 7", START + second, transport="inferred", version=0, event="", state="", media=True)]
        )

    segment(0)
    assert demo(kept).concurrent == 0  # it may be anything
    segment(2)
    segment(4)
    assert (demo(kept).concurrent, demo(kept).plays) == (1, 1)
    kept.tick(START + 33)
    assert demo(kept).concurrent == 1
    kept.tick(START + 36)
    assert demo(kept).concurrent == 0


def test_a_single_segment_is_no_viewer(kept: Kept) -> None:
    kept.shard.take([report("inferred 7", START, transport="inferred", version=0, event="", state="", media=True)])
    over(kept)
    assert demo(kept).attempts == 0
    assert kept.rows("session") == []


def test_an_inferred_viewer_who_starts_to_tell_goes_on_as_one(kept: Kept) -> None:
    viewer = SOMEBODY._replace(identity=5)
    for second in (0, 2, 4):
        kept.shard.take(
            [
                report(
                    "inferred 5",
                    START + second,
                    transport="inferred",
                    version=0,
                    event="",
                    state="",
                    media=True,
                    viewer=viewer,
                )
            ]
        )
    kept.shard.take([report("told", START + 5, sequence=0, viewer=viewer)])
    assert (demo(kept).concurrent, demo(kept).plays, demo(kept).attempts) == (1, 1, 1)
    assert len(kept.shard.engine.sessions) == 1


@pytest.mark.parametrize("leaves", ["elder", "younger"])
def test_no_viewer_is_inferred_while_any_session_of_the_same_address_and_agent_tells(kept: Kept, leaves: str) -> None:
    asked: dict[str, Any] = {"transport": "inferred", "version": 0, "event": "", "state": "", "media": True}
    stays = "younger" if leaves == "elder" else "elder"

    def all_report(number: int) -> list[str]:
        now = START + number * 5
        for session in ("elder", "younger"):
            if session == stays or number <= 4:
                state = "q" if session == leaves and number == 4 else "p"
                kept.shard.take([report(session, now, sequence=number, state=state, interval=5.0, viewer=SOMEBODY)])
        kept.tick(now)
        return kept.shard.take([report("inferred 7", now + 0.1, viewer=SOMEBODY, **asked)])

    for number in range(20):
        if number == 12:
            kept.store.checkpoint()
            kept.kill()
            kept.start()
        assert all_report(number) == ["superseded"]
    assert (demo(kept).concurrent, demo(kept).plays) == (1, 2)
    over(kept)
    for second in (300, 302):
        kept.shard.take([report("inferred 7", START + second, viewer=SOMEBODY, **asked)])
    assert demo(kept).plays == 3


def test_a_query_player_is_gone_within_ten_seconds(kept: Kept) -> None:
    for second in range(0, 20, 2):
        kept.shard.take(
            [
                report(
                    "a",
                    START + second,
                    transport="query",
                    version=1,
                    time=-1.0,
                    event="",
                    state="",
                    buffer=6.0,
                    duration=2.0,
                    media=True,
                )
            ]
        )
    kept.tick(START + 22)
    assert demo(kept).concurrent == 1
    kept.tick(START + 25)
    assert demo(kept).concurrent == 0


@pytest.mark.parametrize("interval", [2.0, 4.0, 6.0])
def test_a_query_player_stays_while_it_asks_although_one_request_is_missing(kept: Kept, interval: float) -> None:
    def asks(second: float) -> None:
        asked: dict[str, Any] = {"transport": "query", "version": 1, "time": -1.0, "event": "", "state": ""}
        kept.shard.take([report("a", START + second, buffer=6.0, duration=interval, media=True, **asked)])

    asks(0)
    for number in [*range(1, 10), *range(11, 20)]:
        kept.tick(START + number * interval - 0.1)
        assert demo(kept).concurrent == 1
        asks(number * interval)
    assert demo(kept).attempts == 1


def test_an_event_player_lives_three_intervals(kept: Kept) -> None:
    for number in range(20):
        kept.shard.take([report("a", START + number * 10, sequence=number, event="t")])
    kept.tick(START + 190 + 29)
    assert demo(kept).concurrent == 1
    kept.tick(START + 190 + 45)
    assert demo(kept).concurrent == 0


def test_a_patience_that_became_shorter_holds(kept: Kept) -> None:
    for number in range(23):
        hidden = 1 if number < 22 else 0
        kept.shard.take([report("a", START + number * 5, sequence=number, background=hidden, interval=5.0)])
        kept.tick(START + number * 5)
    kept.tick(START + 110 + 14)
    assert demo(kept).concurrent == 1
    kept.tick(START + 110 + 16)
    assert demo(kept).concurrent == 0


def test_a_goodbye_counts_at_once(kept: Kept) -> None:
    tell(kept, (0, "p"), (10, "q"))
    assert demo(kept).concurrent == 0
    over(kept, 16)
    assert ended(kept)["end_reason"] == "quit"


def test_a_session_that_comes_back_is_no_second_play(kept: Kept) -> None:
    tell(kept, (0, "p"), (10, "p"))
    over(kept, 150)
    kept.shard.take([report("a", START + 200, sequence=2), report("a", START + 210, sequence=3)])
    over(kept, 500)
    rows = sorted(kept.rows("session"), key=lambda row: row["joined"])
    assert [row["played"] for row in rows] == [True, False]
    assert [row["viewed"] for row in rows] == [True, False]
    assert (demo(kept).plays, demo(kept).watch_seconds) == (1, 20.0)


def test_an_echo_of_an_ended_session_is_late(kept: Kept) -> None:
    tell(kept, (0, "p"), (10, "q"))
    over(kept, 20)
    assert kept.shard.take([report("a", START + 21, sequence=2, event="rr", state="")]) == ["late"]
    assert kept.shard.take([report("a", START + 21, sequence=0)]) == ["late"]


def test_ended_sessions_are_remembered_for_ten_minutes_only(kept: Kept) -> None:
    for number in range(50):
        tell(kept, (number, "p"), (number + 1, "e"), session=f"s{number}")
    over(kept)
    assert len(kept.shard.engine.remembered) == 50
    tell(kept, (1000, "p"), (1001, "e"), session="late")
    over(kept, 1100)
    assert len(kept.shard.engine.remembered) == 1


def test_a_session_that_names_many_users_is_kept_for_the_first_only(kept: Kept) -> None:
    for number in range(50):
        kept.shard.take([report(received=START + number, user=f"u{number}")])
    sessions = kept.shard.engine.sessions
    assert sessions.of_user("demo", "u0") is not None
    assert sessions.of_user("demo", "u1") is None
    over(kept)
    assert len(sessions) == 0
    assert not sessions._by_user


def test_app_events_join_sessions_and_count_once(kept: Kept) -> None:
    kept.shard.take([report("a", START, sequence=0, user="ann")])
    chat = AppEvent("e1", "demo", "chat_message", START, START, "ann", "", 0.0, "", "{}")
    tip = AppEvent("e2", "demo", "tip", START, START, "ann", "a", 5.0, "USD", '{"amount":5}')
    assert kept.shard.take([chat, chat, tip]) == ["ok", "duplicate", "ok"]
    over(kept)
    row = ended(kept)
    assert (row["engagements"], row["chat_messages"]) == ({"chat_message": 1, "tip": 1}, 1)
    assert kept.shard.tables.engaged.get("demo") == 1
    assert demo(kept).revenue_today == 5.0
    assert {one["event_id"]: one["amount"] for one in kept.rows("event")} == {"e1": None, "e2": 5.0}


def test_after_a_restart_sessions_are_looked_at_when_they_would_have_been(kept: Kept) -> None:
    for number in range(4):
        kept.shard.take([report("a", START + number * 5, sequence=number, background=number % 2, interval=5.0)])
    before = [(one.due, one.expires) for one in kept.shard.engine.sessions.values()]
    kept.clock.now = START + 15
    kept.store.checkpoint()
    kept.kill()
    kept.start()
    assert [(one.due, one.expires) for one in kept.shard.engine.sessions.values()] == before
    assert before[0][0] < before[0][1]


@pytest.mark.parametrize("saved", [2, 3, 4])
def test_after_a_restart_a_users_event_goes_where_it_would_have_gone(kept: Kept, saved: int) -> None:
    for number, session in enumerate("abac"):
        user = "ann" if session != "c" else "bob"
        kept.shard.take([report(session, START + number, sequence=number, user=user)])
        if number + 1 == saved:
            kept.store.checkpoint()
    kept.kill()
    kept.start()
    kept.shard.take([AppEvent("e1", "demo", "like", START + 5, START + 5, "ann", "", 0.0, "", "{}")])
    engaged = [one.session_id for one in kept.shard.engine.sessions.values() if one.engagements]
    assert engaged == ["a"]


def test_sessions_of_an_earlier_versions_checkpoint_are_read(kept: Kept) -> None:
    kept.shard.take([report("a", START, sequence=0, user="ann")])
    engine = kept.shard.engine
    (session,) = engine.sessions.values()
    stream, viewer, device, values = session.dump()
    engine.end(session, "timeout")
    engine.restore_session([stream, viewer, device, values[:-2]])
    back = engine.sessions.of_user("demo", "ann")
    assert back is not None
    assert (back.named, back.due, back.dump()[3]) == (True, back.expires, values)


def test_a_user_named_elsewhere_while_a_checkpoint_is_written_is_saved_as_before(kept: Kept) -> None:
    kept.shard.take([report("a", START, sequence=0, user="ann")])
    kept.shard.take([report("b", START + 1, sequence=0, user="ann")])
    kept.shard.take([report("a", START + 2, sequence=1, user="ann")])
    engine = kept.shard.engine
    saved: dict[str, bool] = {}
    engine.before_change = lambda session: saved.setdefault(session.session_id, session.named) and None
    engine.epoch += 1
    kept.shard.take([report("b", START + 3, sequence=1, user="ann")])
    assert saved == {"a": True, "b": False}
    assert [one.session_id for one in engine.sessions.values() if one.named] == ["b"]


def test_a_country_told_later_moves_the_viewer(kept: Kept) -> None:
    kept.shard.take([report("a", START, sequence=0, viewer=SOMEBODY._replace(country="ZZ"))])
    assert demo(kept).by_country == {"ZZ": 1}
    kept.shard.take([report("a", START + 1, sequence=1, viewer=Viewer(7, "203.0.113.0", "", "FR", "", "", True))])
    assert demo(kept).by_country == {"FR": 1}


def test_a_log_record_tells_the_country_and_rendition_of_a_player_that_reports_events(kept: Kept) -> None:
    nowhere = SOMEBODY._replace(country="ZZ")
    kept.shard.take([report("a", START, sequence=0, rate=262000.0, viewer=nowhere)])
    asked = report("a", START + 1, transport="cdn_log", version=1, event="", state="", media=True, rate=262000.0)
    assert kept.shard.take([asked._replace(variant="720p", viewer=SOMEBODY._replace(country="SE"))]) == ["superseded"]
    kept.shard.take([report("a", START + 2, sequence=1, rate=262000.0)])
    assert (demo(kept).by_country, demo(kept).by_variant) == ({"SE": 1}, {"720p": 1})


def test_a_broadcast_ends_with_its_stream_and_writes_exact_totals(kept: Kept) -> None:
    kept.shard.take([StreamLive("demo", START - 5, START)])
    tell(kept, (0, "p"), (10, "p"), session="a")
    tell(kept, (0, "p"), (20, "p"), session="b")
    kept.shard.take([StreamOver("demo", START + 20)])
    kept.tick(START + 81)
    (row,) = kept.rows("broadcast")
    assert (row["started"], row["plays"], row["peak_concurrent"], row["watch_seconds"]) == (START - 5, 2, 2, 30.0)
    assert {one["end_reason"] for one in kept.rows("session")} == {"ended"}
    assert demo(kept).concurrent == 0


def test_an_encoder_that_reconnects_goes_on_with_its_broadcast(kept: Kept) -> None:
    kept.shard.take([StreamLive("demo", START, START), StreamOver("demo", START + 20)])
    kept.tick(START + 40)
    kept.shard.take([StreamLive("demo", START + 45, START + 45)])
    kept.tick(START + 200)
    assert kept.rows("broadcast") == []
    assert demo(kept).started == START


def test_a_listed_stream_that_nobody_watches_for_long_is_the_same_broadcast(kept: Kept) -> None:
    kept.shard.take([StreamLive("demo", START, START)])
    tell(kept, (0, "p"), (10, "q"), session="a")
    for later in (1_000, 2_000):
        kept.tick(START + later)
        kept.shard.take([StreamLive("demo", START, START + later)])
        kept.kill()
        kept.start()
    tell(kept, (2_100, "p"), (2_110, "q"), session="b")
    kept.shard.take([StreamOver("demo", START + 2_200)])
    kept.tick(START + 2_300)
    (row,) = kept.rows("broadcast")
    assert (row["started"], row["plays"], row["watch_seconds"]) == (START, 2, 20.0)


def test_a_session_that_cannot_be_ended_is_gone_all_the_same_and_holds_no_other_up(kept: Kept) -> None:
    for session in ("a", "b"):
        kept.shard.take([report(session, START, sequence=0)])
    broken = next(iter(kept.shard.engine.sessions.values()))
    broken.points.append(("no point",))  # type: ignore[arg-type]
    kept.shard.take([Tick(START + 300)])
    assert len(kept.shard.engine.sessions) == 0
    assert (demo(kept).concurrent, demo(kept).sessions) == (0, 0)
    assert kept.shard.tables.rejected.get("error") == 1


def test_the_next_broadcast_starts_at_zero_while_counters_go_on(kept: Kept) -> None:
    kept.shard.take([StreamLive("demo", START, START)])
    tell(kept, (0, "p"), (10, "q"))
    kept.shard.take([StreamOver("demo", START + 20)])
    kept.tick(START + 90)
    kept.shard.take([StreamLive("demo", START + 100, START + 100)])
    assert (demo(kept).plays, demo(kept).started) == (0, START + 100)
    assert kept.shard.tables.attempts.get("demo") == 1


def test_an_ended_broadcasts_series_go_after_the_retention(kept: Kept) -> None:
    kept.shard.take([StreamLive("demo", START, START)])
    tell(kept, (0, "p"), (10, "q"))
    kept.shard.take([StreamOver("demo", START + 20)])
    kept.tick(START + 90)
    assert kept.shard.tables.attempts.get("demo") == 1
    kept.tick(START + 1000)
    assert kept.shard.tables.attempts.get("demo") is None
    assert kept.shard.engine.broadcasts == {}


def test_a_full_table_gives_up_the_stalest(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Clock(), max_sessions=2)
    for number, session in enumerate("abc"):
        kept.shard.take([report(session, START + number, sequence=0)])
    assert [one.session_id for one in kept.shard.engine.sessions.values()] == ["b", "c"]
    assert kept.shard.tables.evicted.get("capacity") == 1
    kept.kill()


def test_a_full_table_gives_up_who_is_silent_not_who_came_first(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Clock(), max_sessions=3)
    kept.shard.take([report("lively", START, sequence=0, interval=5.0)])
    kept.shard.take([report("silent", START + 4, sequence=0, interval=5.0)])
    for number in (1, 2):
        kept.shard.take([report("lively", START + number * 5, sequence=number, interval=5.0)])
    for session in ("x", "y"):
        kept.shard.take([report(session, START + 11, sequence=0, interval=5.0)])
    assert [one.session_id for one in kept.shard.engine.sessions.values()] == ["lively", "x", "y"]
    kept.kill()


def test_a_full_table_of_lively_sessions_is_searched_in_part(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Clock(), max_sessions=200)
    for number in range(2):
        for session in range(200):
            kept.shard.take([report(str(session), START + number * 5, sequence=number, interval=5.0)])
    sessions = kept.shard.engine.sessions
    stalest = sessions.stalest()
    assert stalest is not None
    assert sum(one.due == one.expires for one in sessions.values()) == MAX_LIVELY
    kept.shard.take([report("new", START + 6, sequence=0, interval=5.0)])
    assert len(kept.shard.engine.sessions) == 200
    kept.tick(START + 300)
    assert len(kept.shard.engine.sessions) == 0
    kept.kill()


def test_streams_beyond_the_bound_share_one_label(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Clock(), max_streams=1)
    kept.shard.take(
        [report("a", START, stream="one"), report("b", START, stream="two"), report("c", START, stream="three")]
    )
    assert dict(kept.shard.tables.attempts.items()) == {("one",): 1, ("_other",): 2}
    assert kept.shard.tables.dropped_series.get("stream") == 2
    kept.kill()


def crowd(kept: Kept, count: int, second: float = 0.0) -> list[str]:
    """Chat in so many streams of which nothing else is known."""
    now = START + second
    chats = [
        AppEvent(f"{second} {number}", f"crowd{number}", "chat_message", now, now, "u", "", 0.0, "", "{}")
        for number in range(count)
    ]
    return kept.shard.take(chats)


def test_streams_that_nobody_watches_make_room_for_further_ones(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Clock(), max_streams=1)
    engine = kept.shard.engine
    kept.shard.take([report("a", START, stream="own"), report("b", START, stream="watched")])
    assert set(crowd(kept, MAX_SHARING + 500, 1.0)) == {"ok"}
    assert len(engine.broadcasts) == 1 + MAX_SHARING
    assert "crowd500" not in engine.broadcasts and "crowd501" in engine.broadcasts
    assert len(kept.rows("broadcast")) == 501  # with their totals
    assert kept.shard.take([report("c", START + 2, stream="new")]) == ["ok"]
    assert [engine.broadcasts[stream].concurrent for stream in ("own", "watched", "new")] == [1, 1, 1]
    assert kept.shard.tables.engagements.get("_other", "chat_message") == MAX_SHARING + 500
    kept.kill()


def test_a_broadcast_that_is_about_to_end_makes_room_too(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Clock(), max_streams=1)
    kept.shard.take([report("a", START, stream="own")])
    for number in range(250):
        kept.shard.take([report(str(number), START, stream="leaving", interval=1.0)])
    crowd(kept, MAX_SHARING - 1, 1.0)
    kept.shard.take([StreamOver("leaving", START), Tick(START + 61)])  # ends some of its sessions
    leaving = kept.shard.engine.broadcasts["leaving"]
    assert 0 < leaving.sessions < 250
    while leaving.sessions:
        kept.shard.engine.advance(START + 61, 100)
    assert set(crowd(kept, MAX_SHARING, 62.0)) == {"ok"}
    kept.tick(START + 63)
    assert leaving.closed
    kept.kill()


def test_when_all_streams_are_watched_further_ones_are_surplus(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Clock(), max_streams=1)
    for number in range(1 + MAX_SHARING):
        assert kept.shard.take([report("a", START, stream=f"s{number}")]) == ["ok"]
    assert kept.shard.take([report("a", START + 1, stream="one more")]) == ["surplus"]
    assert crowd(kept, 1, 1.0) == ["surplus"]
    kept.shard.take([StreamLive("listed", START, START + 1)])
    assert len(kept.shard.engine.broadcasts) == len(kept.shard.engine.sessions) == 1 + MAX_SHARING
    assert len(kept.rows("event")) == 1  # history has it
    kept.tick(START + 200)
    assert kept.shard.take([report("a", START + 200, stream="one more")]) == ["ok"]
    kept.kill()


def test_a_restart_gives_labels_of_their_own_to_the_same_streams(tmp_path: Path) -> None:
    kept = Kept(tmp_path, Clock(), max_streams=2)

    def labels() -> dict[str, str]:
        return {one.stream: one.label for one in kept.shard.engine.broadcasts.values()}

    kept.shard.take([report("a", START, stream="first"), report("a", START, stream="second")])
    kept.shard.take([report("a", START, stream="third"), report("a", START, stream="fourth")])
    for number in range(1, 200):
        kept.shard.take([report("a", START + number * 10, stream=one) for one in ("second", "third", "fourth")])
        kept.tick(START + number * 10)
    kept.shard.take([report("a", START + 2000, stream="fifth")])
    assert labels() == {"second": "second", "fifth": "fifth", "third": "_other", "fourth": "_other"}
    before = list(labels().items())
    kept.store.checkpoint()
    kept.kill()
    kept.start()
    assert list(labels().items()) == before
    kept.kill()


def play_show(kept: Kept, name: str, second: float, viewers: int) -> None:
    """A minute of a show without a stream list."""
    for number in range(12):
        now = START + second + number * 5
        for viewer in range(viewers):
            state = "q" if number == 11 else "p"
            kept.shard.take([report(f"{name}{viewer}", now, sequence=number, state=state, interval=5.0)])
        kept.tick(now)


@pytest.mark.parametrize("restarts", [False, True])
def test_without_a_list_the_next_show_is_a_broadcast_of_its_own(kept: Kept, restarts: bool) -> None:
    play_show(kept, "first", 0, 3)
    kept.tick(START + 70)
    kept.tick(START + 55 + 901)
    assert demo(kept).closed
    if restarts:
        kept.store.checkpoint()
        kept.kill()
        kept.start()
        assert demo(kept).closed
    play_show(kept, "second", 960, 5)
    if restarts:
        kept.kill()
        kept.start()
    assert (demo(kept).closed, demo(kept).plays, demo(kept).started) == (False, 5, START + 960)
    for second in (1030, 1920, 3000):
        kept.tick(START + second)
    assert sorted((row["started"], row["plays"]) for row in kept.rows("broadcast")) == [(START, 3), (START + 960, 5)]
    assert kept.shard.engine.broadcasts == {}


def test_a_late_report_of_the_show_before_does_not_begin_a_broadcast(kept: Kept) -> None:
    play_show(kept, "first", 0, 1)
    kept.tick(START + 70)
    kept.shard.take([StreamOver("demo", START + 100)])
    kept.tick(START + 161)
    assert kept.shard.take([report("first0", START + 162, sequence=11, state="q")]) == ["late"]
    assert kept.shard.take([report("first0", START + 162, sequence=12, event="rr", state="")]) == ["late"]
    assert demo(kept).closed


def test_who_comes_while_a_broadcast_is_ended_is_in_its_totals(kept: Kept) -> None:
    kept.shard.take([StreamLive("demo", START, START)])
    kept.shard.take([report(str(number), START, sequence=0) for number in range(150)])
    kept.shard.take([StreamOver("demo", START + 1)])
    kept.shard.take([report(str(number), START + 60, sequence=1) for number in range(150)])
    assert kept.shard.take([Tick(START + 61.5)]) == ["more"]
    kept.shard.take([report("new", START + 61.6, sequence=0)])
    kept.tick(START + 61.7)
    (row,) = kept.rows("broadcast")
    assert (row["plays"], demo(kept).closed, len(kept.shard.engine.sessions)) == (151, True, 0)
