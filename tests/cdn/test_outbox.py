"""Batches reach the session engine in order, each until it is taken, and with the same number and content."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporters.cdn.outbox import OutboxSender
from exporters.errors import ConfigError
from tests.cdn.scene import Scene, nginx_line
from tests.cdn.taker import Taker


@pytest.fixture
def taker() -> Iterator[Taker]:
    made = Taker()
    yield made
    made.stop()


def filled(folder: Path, batches: int = 3) -> Scene:
    scene = Scene(folder)
    scene.ledger.restore()
    _, counter = scene.source("nginx")
    for number in range(batches):
        counter.take(nginx_line(size=number))
        scene.ledger.commit()
    return scene


def test_batches_arrive_in_order_and_leave_the_outbox(tmp_path: Path, taker: Taker) -> None:
    scene = filled(tmp_path)
    sender = OutboxSender(scene.ledger, taker.url)
    while sender.send_oldest():
        pass
    assert [record.bytes for record in taker.records()] == [0, 1, 2]
    assert scene.ledger.checkpoint.waiting() == (0, 0)
    scene.ledger.commit()
    assert scene.tables.handoff.public.get("taken") == 3
    sender.close()
    scene.close()


@pytest.mark.parametrize("status", [503, 500, 429])
def test_a_batch_not_taken_waits_and_comes_again_unchanged(status: int, tmp_path: Path, taker: Taker) -> None:
    scene = filled(tmp_path)
    taker.status = status
    sender = OutboxSender(scene.ledger, taker.url)
    assert not sender.send_oldest()
    sender.close()
    scene.close()
    taker.status = 200
    again = Scene(tmp_path)
    again.ledger.restore()
    sender = OutboxSender(again.ledger, taker.url)
    while sender.send_oldest():
        pass
    assert taker.bodies[0] == taker.bodies[1]
    assert [record.bytes for record in taker.records()] == [0, 1, 2]
    sender.close()
    again.close()


def test_an_engine_that_is_away_loses_nothing(tmp_path: Path, taker: Taker) -> None:
    scene = filled(tmp_path)
    sender = OutboxSender(scene.ledger, "http://127.0.0.1:9/handoff")
    assert not sender.send_oldest()
    assert scene.ledger.checkpoint.waiting()[0] == 3
    sender.close()
    scene.close()


def test_a_batch_refused_for_good_makes_way(tmp_path: Path, taker: Taker) -> None:
    scene = filled(tmp_path)
    taker.status = 400
    sender = OutboxSender(scene.ledger, taker.url)
    while sender.send_oldest():
        pass
    scene.ledger.commit()
    assert scene.tables.handoff.public.get("refused") == 3
    assert scene.ledger.checkpoint.waiting() == (0, 0)
    sender.close()
    scene.close()


@pytest.mark.parametrize("url", ["", "127.0.0.1:9704", "ftp://x/", "https://x/handoff"])
def test_a_url_that_cannot_be_used_is_named(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="CDN_HANDOFF_URL"):
        OutboxSender(Scene(tmp_path).ledger, url)
