"""The body of a launch: every field checked, every bad one named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from bridge import problems

DEFAULT_VIEWERS = 100
MOST_VIEWERS = 100_000_000
RESOLUTION = re.compile(r"\d{3,4}p|\d{2,5}x\d{2,5}|[248][kK]")


@dataclass(frozen=True, slots=True)
class LaunchRequest:
    """What a media server is launched for."""

    expected_viewers: int = DEFAULT_VIEWERS
    recording: bool = False


def read_launch(body: Any) -> LaunchRequest:
    """A checked launch request; raises a 422 Problem that lists every bad field."""
    if not isinstance(body, dict):
        raise problems.invalid([("body", "must be a JSON object")])
    bad: list[tuple[str, str]] = []
    viewers = body.get("expected_viewers", DEFAULT_VIEWERS)
    if not _is_number(viewers, 0, MOST_VIEWERS):
        bad.append(("expected_viewers", f"must be a whole number from 0 to {MOST_VIEWERS}"))
    recording = body.get("recording_enabled", False)
    if not isinstance(recording, bool):
        bad.append(("recording_enabled", "must be true or false"))
    regions = body.get("audience_regions", [])
    if not isinstance(regions, list) or len(regions) > 300 or not all(isinstance(one, str) for one in regions):
        bad.append(("audience_regions", "must be a list of up to 300 texts"))
    bad += _bad_quality(body.get("quality_settings", {}))
    if bad:
        raise problems.invalid(bad)
    return LaunchRequest(viewers, recording)


def _bad_quality(quality: Any) -> list[tuple[str, str]]:
    if not isinstance(quality, dict):
        return [("quality_settings", "must be an object")]
    bad = []
    resolution = quality.get("resolution", "720p")
    if not isinstance(resolution, str) or not RESOLUTION.fullmatch(resolution):
        bad.append(("quality_settings.resolution", "must be such as 1080p or 1920x1080"))
    if not _is_number(quality.get("bitrate", 1), 1, 1_000_000):
        bad.append(("quality_settings.bitrate", "must be kbit/s from 1 to 1000000"))
    if not _is_number(quality.get("fps", 1), 1, 1000):
        bad.append(("quality_settings.fps", "must be frames a second from 1 to 1000"))
    return bad


def _is_number(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
