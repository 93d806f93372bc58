"""The book: what polls and hooks tell, brought together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from exporters.naming import Naming
from exporters.rtmp.book import Limits, Round, StreamBook
from exporters.rtmp.broadcast import Broadcast
from exporters.rtmp.model import ServerReading, StreamReading
from exporters.rtmp.tallies import Tallies
from tests.rtmp.fixtures import EPOCH_WALL, HandClock, server, stream


def unknown(epoch: str) -> bool | None:
    return None


class Scene:
    """A book with a clock that is moved by hand and polls that take no time."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.clock = HandClock()
        self.tallies = Tallies()
        self.book = StreamBook(Naming(), self.tallies, limits, self.clock)

    def poll(
        self,
        seconds: float,
        *readings: ServerReading,
        target: str = "a",
        begun: float | None = None,
        complete: bool = True,
        alive: Callable[[str], bool | None] = unknown,
    ) -> None:
        self.clock.seconds = seconds
        started = self.clock.at(seconds if begun is None else begun)
        self.book.observe(Round(target, readings, started, self.clock(), complete, alive))

    def broadcast(self, name: str = "demo") -> Broadcast:
        (found,) = self.book.rows(lambda one: one if one.stream == name else None)
        return found

    def live(self) -> list[str]:
        return [one.stream for one in self.book.streams() if one.state == "live"]

    def ends(self, reason: str) -> float:
        return self.tallies.ends.get("live", reason) or 0

    def starts(self, reason: str) -> float:
        return self.tallies.starts.get("live", reason) or 0


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_stream_found_running_keeps_its_true_start(scene: Scene) -> None:
    scene.poll(10, server(stream(connected_seconds=300.0)))
    (row,) = scene.book.streams()
    assert (row.stream, row.app, row.state, row.started) == ("demo", "live", "live", EPOCH_WALL - 290)
    assert scene.broadcast().publishing_seconds(scene.clock()) == 300.0
    assert scene.starts("found") == 1


def test_a_stream_that_appears_between_polls_is_a_start(scene: Scene) -> None:
    scene.poll(0, server())
    scene.poll(1, server(stream(connected_seconds=0.4)))
    assert scene.live() == ["demo"]
    assert scene.starts("poll") == 1


def test_a_stream_that_is_gone_from_a_poll_has_ended(scene: Scene) -> None:
    scene.poll(0, server(stream()))
    scene.poll(1, server())
    assert scene.live() == []
    assert scene.ends("gap") == 1
    assert scene.tallies.durations.count("live") == 1


def test_a_stream_that_only_players_hold_open_has_ended(scene: Scene) -> None:
    scene.poll(0, server(stream()))
    scene.poll(1, server(StreamReading("live", "demo", clients={"subscriber": 1})))
    assert scene.live() == []


def test_two_streams_end_apart(scene: Scene) -> None:
    scene.poll(0, server(stream("a", "1"), stream("b", "2")))
    scene.poll(1, server(stream("b", "2")))
    assert scene.live() == ["b"]


def test_renditions_are_one_stream_that_lives_as_long_as_one_of_them(scene: Scene) -> None:
    scene.poll(0, server(stream("demo_720p", "1"), stream("demo_480p", "2")))
    scene.poll(1, server(stream("demo_480p", "2")))
    assert scene.live() == ["demo"]
    scene.poll(2, server())
    assert scene.live() == []


def test_a_publisher_back_within_a_minute_reconnects_and_goes_on(scene: Scene) -> None:
    scene.poll(0, server(stream(id="1", connected_seconds=0.0)))
    scene.poll(10, server())
    scene.poll(30, server(stream(id="2", connected_seconds=0.0)))
    scene.clock.seconds = 40
    broadcast = scene.broadcast()
    assert broadcast.reconnects == 1
    assert broadcast.first_start is not None and broadcast.first_start.wall == EPOCH_WALL
    assert broadcast.publishing_seconds(scene.clock()) == 20.0


def test_a_publisher_back_after_more_than_a_minute_begins_a_new_broadcast(scene: Scene) -> None:
    scene.poll(0, server(stream(id="1", connected_seconds=0.0)))
    scene.poll(10, server())
    scene.poll(80, server(stream(id="2", connected_seconds=0.0)))
    broadcast = scene.broadcast()
    assert broadcast.reconnects == 0
    assert broadcast.first_start is not None and broadcast.first_start.wall == EPOCH_WALL + 80
    assert broadcast.publishing_seconds(scene.clock()) == 0.0


def test_a_republish_between_two_polls_is_noticed_by_the_connection(scene: Scene) -> None:
    scene.poll(0, server(stream(id="1")))
    scene.poll(1, server(stream(id="2", connected_seconds=0.3)))
    assert scene.live() == ["demo"]
    assert scene.broadcast().reconnects == 1
    assert (scene.ends("gap"), scene.starts("poll")) == (1, 1)


def test_time_is_not_counted_twice_when_a_successor_began_before_the_end_was_noticed(scene: Scene) -> None:
    scene.poll(0, server(stream(id="1", connected_seconds=0.0)))
    scene.poll(9, server(stream(id="1", connected_seconds=9.0)))
    scene.poll(10, server(stream(id="2", connected_seconds=5.0)))
    assert scene.broadcast().publishing_seconds(scene.clock()) == 10.0


def test_bytes_are_kept_through_reconnects_and_resets(scene: Scene) -> None:
    scene.poll(0, server(stream(id="1", receive_bytes=1000, age_seconds=10.0)))
    scene.poll(1, server(stream(id="1", receive_bytes=1500, age_seconds=11.0)))
    scene.poll(2, server())
    scene.poll(3, server(stream(id="2", receive_bytes=1600, age_seconds=0.5)))
    assert scene.broadcast().receive_bytes == 3100


def test_bytes_of_a_name_in_two_server_blocks_are_added(scene: Scene) -> None:
    twice = (stream(place="0", receive_bytes=100), stream(place="1", receive_bytes=70))
    scene.poll(0, server(*twice))
    assert scene.broadcast().receive_bytes == 170


def test_bytes_that_a_sibling_worker_relays_are_received_once(scene: Scene) -> None:
    true_one = server(stream(receive_bytes=100, transmit_bytes=90), epoch="1")
    relay = server(stream(id="9", relay=True, receive_bytes=90, transmit_bytes=500), epoch="2")
    scene.poll(0, relay, true_one)
    assert (scene.broadcast().receive_bytes, scene.broadcast().transmit_bytes) == (100, 590)
    scene.poll(1, true_one, relay)
    assert scene.starts("found") == 1
    assert scene.ends("gap") == 0


def test_a_server_that_copies_a_stream_adds_no_received_bytes(scene: Scene) -> None:
    scene.poll(0, server(stream(receive_bytes=100)), target="origin")
    scene.poll(0, server(stream(id="7", receive_bytes=95, transmit_bytes=400)), target="edge")
    assert (scene.broadcast().receive_bytes, scene.broadcast().transmit_bytes) == (100, 400)
    scene.poll(1, server(), target="edge")
    assert scene.live() == ["demo"]


def test_a_hook_makes_a_stream_live_before_any_poll(scene: Scene) -> None:
    scene.clock.seconds = 5
    scene.book.begin("live", "demo", "1", "a")
    (row,) = scene.book.streams()
    assert (row.state, row.started) == ("live", EPOCH_WALL + 5)
    assert scene.starts("hook") == 1


def test_a_poll_that_was_asked_before_the_publish_does_not_end_it(scene: Scene) -> None:
    scene.poll(0, server())
    scene.book.begin("live", "demo", "1", "a")
    scene.poll(0.5, server(), begun=0)
    assert scene.live() == ["demo"]
    scene.poll(1, server(stream(id="1")))
    assert scene.starts("hook") == 1
    assert scene.starts("poll") == 0


def test_a_publish_that_the_server_refused_after_the_hook_is_dropped(scene: Scene) -> None:
    scene.book.begin("live", "demo", "1", "a")
    scene.poll(4, server())
    assert scene.live() == ["demo"]
    scene.poll(6, server())
    assert scene.live() == []


def test_a_publish_at_an_unknown_server_is_kept_while_some_server_is_away(scene: Scene) -> None:
    scene.book.lose("b")
    scene.book.begin("live", "demo", "1")
    scene.poll(60, server())
    assert scene.live() == ["demo"]
    scene.poll(61, server(), target="b")
    assert scene.live() == []


def test_a_hook_ends_a_stream_at_once(scene: Scene) -> None:
    scene.poll(0, server(stream(id="1")))
    scene.clock.seconds = 0.5
    scene.book.end("live", "demo", "1")
    assert scene.live() == []
    assert scene.ends("hook") == 1


def test_a_poll_that_was_asked_before_the_end_does_not_revive_the_stream(scene: Scene) -> None:
    scene.poll(0, server(stream(id="1")))
    scene.clock.seconds = 1.1
    scene.book.end("live", "demo", "1")
    scene.poll(1.2, server(stream(id="1")), begun=1.0)
    assert scene.live() == []


def test_a_second_publisher_of_a_taken_name_changes_nothing(scene: Scene) -> None:
    """nginx asks the hook first and refuses the second publisher afterwards, with a hook for its end."""
    scene.book.begin("live", "demo", "1", "a")
    scene.book.begin("live", "demo", "2", "a")
    scene.book.end("live", "demo", "2")
    assert scene.live() == ["demo"]
    assert scene.starts("hook") == 1
    scene.book.end("live", "demo", "1")
    assert scene.live() == []


def test_a_publisher_in_a_drained_worker_lives_on_while_its_process_does(scene: Scene) -> None:
    scene.poll(0, server(stream(), epoch="100"))
    scene.poll(60, server(epoch="200"), alive=lambda epoch: True)
    assert scene.live() == ["demo"]
    scene.poll(61, server(epoch="200"), alive=lambda epoch: False)
    assert scene.live() == []
    assert scene.ends("error") == 1


def test_a_vanished_worker_elsewhere_is_given_some_seconds(scene: Scene) -> None:
    scene.poll(0, server(stream(), epoch="100"))
    scene.poll(9, server(epoch="200"))
    assert scene.live() == ["demo"]
    scene.poll(11, server(epoch="200"))
    assert scene.live() == []


def test_an_update_hook_keeps_a_publisher_in_a_vanished_worker(scene: Scene) -> None:
    scene.poll(0, server(stream(id="1"), epoch="100"))
    for seconds in range(5, 60, 5):
        scene.clock.seconds = seconds
        scene.book.confirm("live", "demo", "1", seconds)
        scene.poll(seconds, server(epoch="200"))
    assert scene.live() == ["demo"]


def test_an_update_hook_takes_back_an_end_that_was_none(scene: Scene) -> None:
    scene.poll(0, server(stream(id="1", connected_seconds=0.0), epoch="100"))
    scene.poll(20, server(epoch="200"))
    assert scene.live() == []
    scene.clock.seconds = 30
    scene.book.confirm("live", "demo", "1", 30.0)
    assert scene.live() == ["demo"]
    assert scene.broadcast().reconnects == 0
    assert scene.broadcast().publishing_seconds(scene.clock()) == 30.0


def test_an_update_hook_of_an_unknown_stream_tells_its_start(scene: Scene) -> None:
    scene.clock.seconds = 100
    scene.book.confirm("live", "demo", "1", 90.0)
    assert scene.book.streams()[0].started == EPOCH_WALL + 10


def test_an_update_hook_after_the_end_hook_revives_nothing(scene: Scene) -> None:
    scene.book.begin("live", "demo", "1", "a")
    scene.book.end("live", "demo", "1")
    scene.book.confirm("live", "demo", "1", 5.0)
    assert scene.live() == []


def test_a_worker_that_an_incomplete_round_missed_keeps_its_streams(scene: Scene) -> None:
    scene.poll(0, server(stream("a"), epoch="1"), server(stream("b"), epoch="2"))
    scene.poll(30, server(stream("a"), epoch="1"), complete=False)
    assert scene.live() == ["a", "b"]


def test_a_server_that_is_away_ends_nothing_until_the_retention_is_over() -> None:
    scene = Scene(Limits(retention=100))
    scene.poll(0, server(stream()))
    for seconds in (1, 50, 100):
        scene.clock.seconds = seconds
        scene.book.lose("a")
    assert scene.live() == ["demo"]
    assert "a" in scene.book.lost
    scene.clock.seconds = 102
    scene.book.lose("a")
    assert scene.live() == []
    assert scene.ends("error") == 1


def test_a_server_that_answers_again_is_not_lost(scene: Scene) -> None:
    scene.book.lose("a")
    scene.poll(1, server())
    assert scene.book.lost == {}


def test_an_ended_stream_is_listed_for_the_retention_and_then_removed() -> None:
    scene = Scene(Limits(retention=100))
    scene.poll(0, server(stream()))
    scene.poll(1, server())
    scene.poll(100, server())
    assert [(one.stream, one.state, one.started) for one in scene.book.streams()] == [("demo", "ended", EPOCH_WALL)]
    scene.poll(102, server())
    assert scene.book.streams() == ()
    assert scene.book.rows(lambda one: one) == []


def test_streams_beyond_the_bound_are_folded_and_counted() -> None:
    scene = Scene(Limits(streams=2))
    scene.poll(0, server(*(stream(f"s{number}", str(number), receive_bytes=10) for number in range(5))))
    assert sorted(one.stream for one in scene.book.rows(lambda one: one)) == ["_other", "s0", "s1"]
    assert scene.broadcast("_other").receive_bytes == 30
    assert [one.stream for one in scene.book.streams()] == ["s0", "s1"]
    assert scene.tallies.dropped_series.get("streams") == 3


def test_names_folded_together_are_counted_once_each_and_forgotten() -> None:
    scene = Scene(Limits(streams=1))
    for second in range(0, 400, 2):
        names = ("first", f"n{second}")
        scene.poll(second, server(*(stream(name, name) for name in names)))
        scene.poll(second + 1, server(*(stream(name, name) for name in names)))
    assert scene.tallies.dropped_series.get("streams") == 200
    other = scene.broadcast("_other")
    assert len(other.publishes) == 1
    assert len(other.last) <= 31


def test_removed_streams_make_room_for_new_ones() -> None:
    scene = Scene(Limits(streams=1, retention=10))
    scene.poll(0, server(stream("a")))
    scene.poll(1, server())
    scene.poll(20, server())
    scene.poll(21, server(stream("b")))
    assert scene.live() == ["b"]
