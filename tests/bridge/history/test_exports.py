"""Tests of history as files."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.history.report import Page, round_up, short
from tests.bridge.history.made import NOON, event, session
from tests.bridge.history.world import World, at, steady


@pytest.fixture
def world(one_url: str, tmp_path: Path) -> Iterator[World]:
    made = World(one_url, tmp_path)
    made.register("demo", title="=cmd|' /C calc'!A0")
    made.record(
        session(1),
        session(2, joined=at(NOON, days=-1), left=at(NOON, days=-1, seconds=9)),
        session(3, stream="zoë", country="FR"),
        event(1),
        event(2, event="donation", amount=4.5),
    )
    made.minutes(steady("demo", NOON, 30, 6.0))
    yield made
    made.close()


def test_csv_has_a_row_a_stream_and_day(world: World) -> None:
    answer = world.client.get("/analytics/export?format=csv&period=week")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="analytics-2026-11-14-2026-11-20.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
    assert [(row["date"], row["stream_id"], row["views"]) for row in rows] == [
        ("2026-11-19", "demo", "1"),
        ("2026-11-20", "demo", "1"),
        ("2026-11-20", "zoë", "1"),
    ]
    assert (rows[1]["revenue"], rows[1]["chat_messages"], rows[1]["peak_viewers"]) == ("4.5", "1", "7")
    assert rows[1]["hours_on_air"] == "0.5"


def test_a_title_cannot_be_a_formula(world: World) -> None:
    text = world.client.get("/analytics/export?format=csv").get_data(as_text=True)
    assert "'=cmd|" in text
    assert ",=cmd" not in text


def test_json_has_the_same_rows(world: World) -> None:
    body = world.client.get("/analytics/export?format=json&streamIds=demo&period=week").get_json()
    assert [(row["date"], row["title"]) for row in body["rows"]] == [
        ("2026-11-19", "=cmd|' /C calc'!A0"),
        ("2026-11-20", "=cmd|' /C calc'!A0"),
    ]
    assert body["period"]["start"] == "2026-11-14T00:00:00.000Z"


def test_a_file_of_nothing_is_whole(world: World) -> None:
    empty = "startDate=2025-01-01&endDate=2025-01-02"
    assert world.client.get(f"/analytics/export?format=json&{empty}").get_json()["rows"] == []
    assert world.client.get(f"/analytics/export?format=csv&{empty}").get_data().count(b"\r\n") == 1


def test_a_filter_narrows_the_file(world: World) -> None:
    text = world.client.get("/analytics/export?format=csv&regions=France").get_data(as_text=True)
    assert [row["stream_id"] for row in csv.DictReader(io.StringIO(text))] == ["zoë"]


def test_the_report_is_a_pdf_with_the_numbers_and_charts(world: World, tmp_path: Path) -> None:
    answer = world.client.get("/analytics/export?format=pdf&period=week")
    assert answer.content_type == "application/pdf"
    path = tmp_path / "report.pdf"
    path.write_bytes(answer.get_data())
    text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout
    for part in ("Streaming analytics", "2026-11-14 to 2026-11-20", "Views by day", "Revenue by day", "Germany", "zoë"):
        assert part in text


@pytest.mark.parametrize(
    "title", ["\u6771\u4eac\u30e9\u30a4\u30d6", "\uc11c\uc6b8", "\u041c\u043e\u0441\u043a\u0432\u0430 Ωμέγα"]
)
def test_titles_of_any_script_are_drawn(title: str, tmp_path: Path) -> None:
    page = Page()
    page.heading(title, "below")
    path = tmp_path / "page.pdf"
    path.write_bytes(page.finish())
    assert title in subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
    fonts = subprocess.run(["pdffonts", path], capture_output=True, text=True, check=True).stdout
    assert ("WenQuanYi" in fonts) == (title[0] > "\u2000")


def test_scales_are_round() -> None:
    assert [round_up(value) for value in (0.3, 1, 1.1, 7, 99, 1234)] == [0.5, 1, 2, 10, 100, 2000]
    assert [short(value) for value in (0.5, 20, 1500, 2e6)] == ["0.5", "20", "1.5k", "2M"]
