"""Publishes the test picture: asks the bridge for the stream's key, then becomes ffmpeg."""

from __future__ import annotations

import logging
import os
import time
from typing import Any

import requests

from deploy.local.config import LocalConfig
from deploy.local.renditions import AUDIO_BITS_PER_SECOND, FRAME_RATE, LADDER, SEGMENT_SECONDS, Rendition

log = logging.getLogger(__name__)
RETRY_SECONDS = 1.0


def publish(config: LocalConfig) -> None:
    """Publish every rendition under the stream's key; does not return while ffmpeg runs."""
    key = stream_key(config)
    command = ffmpeg_command(config.ingest(), key)
    os.execvp(command[0], command)


def stream_key(config: LocalConfig) -> str:
    """The key of the test stream, which is made in the registry when it is not there; waits for the bridge."""
    while True:
        try:
            return _key_from_registry(config)
        except (requests.RequestException, KeyError) as error:
            log.info("the bridge is not ready for the stream's key: %s", error)
            time.sleep(RETRY_SECONDS)


def _key_from_registry(config: LocalConfig) -> str:
    streams, headers = config.bridge("/api/streams"), config.authorization()
    found = requests.get(f"{streams}/{config.stream}", headers=headers, timeout=5)
    if found.status_code == 404:
        body: dict[str, Any] = {
            "id": config.stream,
            "title": "Test picture",
            "description": "A moving test picture with a tone, published by the local stack.",
            "tags": ["test"],
            "category": "test",
            "privacy": "public",
        }
        found = requests.post(streams, json=body, headers=headers, timeout=5)
    found.raise_for_status()
    return str(found.json()["stream_key"])


def ffmpeg_command(address: str, key: str) -> list[str]:
    """One ffmpeg that encodes the ladder from one test source and publishes each rendition as ``key_name``."""
    top = LADDER[0]
    picture = f"testsrc2=size={top.width}x{top.height}:rate={FRAME_RATE}"
    command = ["ffmpeg", "-hide_banner", "-nostdin", "-loglevel", "warning", "-re", "-f", "lavfi", "-i", picture]
    command += ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100"]
    splits = "".join(f"[s{index}]" for index in range(len(LADDER)))
    scales = ";".join(f"[s{i}]scale={one.width}:{one.height}[v{i}]" for i, one in enumerate(LADDER))
    command += ["-filter_complex", f"[0:v]split={len(LADDER)}{splits};{scales}"]
    for index, rendition in enumerate(LADDER):
        command += _output(index, rendition, f"{address}/{key}_{rendition.name}")
    return command


def _output(index: int, rendition: Rendition, address: str) -> list[str]:
    rate = str(rendition.video_bits_per_second)
    # Keyframes at segment ends, and none elsewhere, so that every segment is equally long.
    keyframes = ["-g", str(FRAME_RATE * SEGMENT_SECONDS), "-sc_threshold", "0"]
    video = ["-c:v", "libx264", "-preset", "ultrafast", "-profile:v", "baseline", "-pix_fmt", "yuv420p"]
    rates = ["-b:v", rate, "-maxrate", rate, "-bufsize", str(2 * rendition.video_bits_per_second)]
    audio = ["-c:a", "aac", "-b:a", str(AUDIO_BITS_PER_SECOND), "-ac", "2"]
    return ["-map", f"[v{index}]", "-map", "1:a", *video, *keyframes, *rates, *audio, "-f", "flv", address]
