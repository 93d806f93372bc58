"""Every rule has a fixture that breaks it and one that keeps it, in ``tests/fixtures/hls/rules/<rule>/``.

``good-1``, ``good-2`` … are versions of one playlist in time; ``good-720p``, ``good-240p`` are renditions side by side.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from exporters.errors import SourceFormatError
from exporters.hls.breaks import AdBreaks
from exporters.hls.findings import ALL, RULES, Finding
from exporters.hls.playlist import MediaPlaylist, MultivariantPlaylist
from exporters.hls.progress import Progress
from exporters.hls.reading import read_playlist
from exporters.hls.rules.across import check_multivariant, check_renditions
from exporters.hls.rules.fetches import failure_finding
from exporters.hls.rules.single import check_media
from exporters.hls.rules.update import check_step

FIXTURES = Path(__file__).parent.parent / "fixtures" / "hls"
RULE_FOLDERS = sorted((FIXTURES / "rules").iterdir())
TRAPS = sorted((FIXTURES / "traps").iterdir())
URL = "https://origin.example/live/index.m3u8"


def findings(files: list[Path]) -> list[Finding]:
    """All that the exporter would find while it fetches these one after the other."""
    progress, breaks, found = Progress(), AdBreaks(), []
    for file in files:
        try:
            playlist = read_playlist(file.read_bytes(), URL)
        except SourceFormatError as error:
            found.append(failure_finding(error))
            continue
        if isinstance(playlist, MultivariantPlaylist):
            found += check_multivariant(playlist)
            continue
        step = progress.step(playlist)
        found += check_media(step.playlist, URL) + check_step(step)
        found += breaks.follow(step.segments if step.before else step.playlist.segments).findings
    return found


def side_by_side(files: list[Path]) -> list[Finding]:
    playlists: dict[str, MediaPlaylist] = {}
    for file in files:
        playlist = read_playlist(file.read_bytes(), URL)
        assert isinstance(playlist, MediaPlaylist)
        playlists[file.stem.partition("-")[2]] = playlist
    playlists = dict(sorted(playlists.items(), key=lambda item: -int(item[0].rstrip("p"))))
    return check_renditions(playlists)


def rules_broken(folder: Path, kind: str) -> set[str]:
    files = sorted(folder.glob(f"{kind}-*.m3u8"))
    assert files, f"{folder} has no {kind} fixture"
    if not files[0].stem.rpartition("-")[2].isdigit():
        return {one.rule for one in side_by_side(files)}
    return {one.rule for one in findings(files)}


@pytest.mark.parametrize("folder", RULE_FOLDERS, ids=lambda folder: folder.name)
def test_a_broken_rule_is_found(folder: Path) -> None:
    notes = {rule.id for rule in ALL if rule.severity == "info"} - {folder.name}
    assert rules_broken(folder, "bad") - notes == {folder.name}


@pytest.mark.parametrize("folder", RULE_FOLDERS, ids=lambda folder: folder.name)
def test_a_kept_rule_is_not_found(folder: Path) -> None:
    notes = {rule.id for rule in ALL if rule.severity == "info"} - {folder.name}
    assert rules_broken(folder, "good") - notes == set()


@pytest.mark.parametrize("folder", TRAPS, ids=lambda folder: folder.name)
def test_a_playlist_that_is_right_raises_no_alarm(folder: Path) -> None:
    found = findings(sorted(folder.glob("*.m3u8"), key=lambda file: int(file.stem)))
    assert [one for one in found if RULES[one.rule].severity != "info"] == []


@pytest.mark.parametrize("name", ["origin-restart", "origin-restart-soon-after-the-start"])
def test_a_restart_is_reported_once(name: str) -> None:
    found = findings(sorted((FIXTURES / "traps" / name).glob("*.m3u8"), key=lambda file: int(file.stem)))
    assert [one.rule for one in found] == ["sequence_reset"]


def test_every_rule_is_tested() -> None:
    """By fixtures where a playlist's text shows it, else by a test that names it and lets a server break it."""
    by_fixture = {folder.name for folder in RULE_FOLDERS}
    texts = "".join(file.read_text() for file in Path(__file__).parent.glob("test_*.py"))
    assert {rule.id for rule in ALL if rule.id not in by_fixture and f'"{rule.id}"' not in texts} == set()


def test_rule_ids_are_distinct() -> None:
    assert len(RULES) == len(ALL)
