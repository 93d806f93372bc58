"""History against the session engine itself: what live numbers said at a stream's end, history says afterwards."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bridge.contract import finite
from bridge.database import connect
from bridge.history.ingest import SpoolIngest
from exporters.viewers.inputs import AppEvent, Input, StreamLive, StreamOver
from tests.bridge.history.world import World
from tests.viewers.making import START, Clock, Kept, report

VIEWERS = 60
RATES = (250_000.0, 500_000.0)


def arrivals(chance: random.Random) -> list[Input]:
    """Viewers who come, stall, chat, leave, or vanish, in the order in which they are heard of."""
    found: list[Input] = []
    for viewer in range(VIEWERS):
        name, at = f"viewer{viewer}", START + chance.uniform(1, 600)
        states = ["s", *chance.choices("pprpa", k=chance.randint(1, 30)), *chance.choices(["", "q", "e"])]
        for number, state in enumerate(one for one in states if one):
            at += chance.uniform(0.3, 7)
            rate = chance.choice(RATES)
            found.append(report(name, at, sequence=number, state=state, rate=rate, user=name))
        for number in range(chance.choice([0, 0, 3])):
            when = START + chance.uniform(1, 600)
            kind, amount = chance.choice([("chat_message", 0.0), ("tip", 2.75), ("like", 0.0)])
            found.append(
                AppEvent(f"{name}-{number}", "demo", kind, when, when, name, "", amount, "USD" if amount else "", "")
            )
    return sorted(found, key=lambda one: getattr(one, "received", 0.0))


def test_totals_equal_the_live_numbers_at_the_streams_end_exactly(url: str, tmp_path: Path) -> None:
    clock = Clock()
    kept = Kept(tmp_path / "viewers", clock)
    kept.shard.take([StreamLive("demo", START, START)])
    for one in arrivals(random.Random(11)):
        kept.tick(one.received)  # type: ignore[union-attr]
        kept.shard.take([one])
    over = clock.now + 100
    kept.tick(over)
    kept.shard.take([StreamOver("demo", over)])
    kept.tick(over + 61)
    live = kept.shard.engine.broadcasts["demo"]
    assert live.closed
    assert live.plays > 20
    kept.shard.spool.close()
    kept.kill()

    world = World(url, tmp_path, now=datetime.fromtimestamp(over, UTC) + timedelta(hours=1))
    ingest = SpoolIngest([tmp_path / "viewers" / "spool"], timedelta(days=400), "USD", "default", now=lambda: world.now)
    with connect(url) as connection:
        connection.autocommit = True
        while ingest.turn(connection):
            pass
    assert list((tmp_path / "viewers" / "spool").iterdir()) == []

    body = world.get("comprehensive/demo")
    overview = body["overview"]
    assert overview["totalViewers"] == live.plays
    assert overview["averageViewTime"] == finite(live.watch_seconds / live.plays)
    assert overview["bufferingEvents"] == live.rebuffers
    assert overview["peakViewers"] == live.peak
    assert overview["chatMessages"] == live.engagements["chat_message"]
    assert overview["uniqueViewers"] == round(live.viewers.whole.estimate())
    assert overview["chatParticipants"] == round(live.chatters.estimate())
    assert body["revenue"]["totalRevenue"] == finite(live.revenue, 2)
    summary = world.get("summary", period="week")
    assert summary["totalWatchTime"] == finite(live.watch_seconds)
    assert summary["likes"] == live.engagements["like"]
    world.close()
