"""A simulated audience: viewers that really fetch playlists and segments through the edge and report by CMCD.

Each viewer is a small live HLS player: it polls its media playlist, keeps a few segments of buffer, sends CMCD v1 in
the query (CTA-5004), changes rendition now and then, sometimes chats or likes, leaves after a while and is replaced.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import urllib.parse
import uuid
from dataclasses import dataclass, field

import m3u8
import requests

from deploy.local.config import LocalConfig
from deploy.local.renditions import LADDER

log = logging.getLogger(__name__)
TIMEOUT_SECONDS = 5
VISIT_SECONDS = (60.0, 600.0)
EVENTS = ("chat_message", "chat_message", "chat_message", "like", "reaction", "share", "donation")
COUNTRIES = ("DE", "DE", "US", "US", "US", "GB", "FR", "BR", "IN", "JP", "NG", "ES")
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
AGENTS = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_WEBKIT} Safari/605.1.15",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {_WEBKIT} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_CHROME} Mobile Safari/537.36",
    f"Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) {_WEBKIT} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 8.0) AppleWebKit/537.36 (KHTML, like Gecko) Version/8.0 TV Safari/537.36",
)


def cmcd_query(values: dict[str, str | int | bool]) -> str:
    """The ``CMCD`` query argument: keys sorted, texts quoted, true as a bare key (CTA-5004 §3.2)."""
    parts = []
    for key, value in sorted(values.items()):
        if value is True:
            parts.append(key)
        elif isinstance(value, str) and key in ("cid", "sid", "nor"):
            parts.append(f'{key}="{value}"')
        else:
            parts.append(f"{key}={value}")
    return urllib.parse.quote(",".join(parts), safe="")


@dataclass
class Viewer:
    """One simulated player; ``turn`` does what it would do now and gives the seconds until its next turn."""

    config: LocalConfig
    chance: random.Random
    session: requests.Session = field(default_factory=requests.Session)
    session_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    rendition: int = 0
    last_segment: str = ""
    buffer_until: float = 0.0
    starting: bool = True
    throughput_kbps: int = 2000

    def __post_init__(self) -> None:
        self.session.headers["User-Agent"] = self.chance.choice(AGENTS)
        # The local edge takes the country from this header, as a CDN would from its own look-up.
        self.session.headers["X-Viewer-Country"] = self.chance.choice(COUNTRIES)
        self.rendition = self.chance.randrange(len(LADDER))
        self.leaves_at = time.monotonic() + self.chance.uniform(*VISIT_SECONDS)

    def turn(self) -> float:
        """Poll the playlist, fetch what is new, perhaps send an event; raises requests.RequestException."""
        if self.starting:
            self._get(f"/hls/{self.config.stream}.m3u8", {"ot": "m"})
        elif self.chance.random() < 0.02:
            self.rendition = self.chance.randrange(len(LADDER))
        folder = f"/hls/{self.config.stream}_{LADDER[self.rendition].name}/"
        text = self._get(folder + "index.m3u8", {"ot": "m", "bl": self._buffer_ms()}).text
        for segment in self._new_segments(m3u8.loads(text)):
            self._fetch(folder + segment.uri, segment.duration)
        if self.chance.random() < 0.03:
            self._engage()
        return 2.0

    def _new_segments(self, playlist: m3u8.M3U8) -> list[m3u8.Segment]:
        segments = playlist.segments[-3:] if self.starting else playlist.segments
        names = [segment.uri for segment in segments]
        if self.last_segment in names:
            return list(segments[names.index(self.last_segment) + 1 :])
        return list(segments[-3:])

    def _fetch(self, path: str, duration: float) -> None:
        begun = time.monotonic()
        playing = LADDER[self.rendition]
        values: dict[str, str | int | bool] = {
            "br": playing.bandwidth // 1000,
            "bl": self._buffer_ms(),
            "d": int(duration * 1000),
            "mtp": self.throughput_kbps // 100 * 100,
            "ot": "av",
            "tb": LADDER[0].bandwidth // 1000,
        }
        if self.starting:
            values["su"] = True
        answer = self._get(path, values)
        seconds = max(0.001, time.monotonic() - begun)
        self.throughput_kbps = int(len(answer.content) * 8 / seconds / 1000)
        self.buffer_until = max(time.monotonic(), self.buffer_until) + duration
        self.last_segment = path.rsplit("/", 1)[1]
        self.starting = False

    def _buffer_ms(self) -> int:
        return max(0, int((self.buffer_until - time.monotonic()) * 10) * 100)

    def _get(self, path: str, values: dict[str, str | int | bool]) -> requests.Response:
        values = {**values, "cid": self.config.stream, "sid": self.session_id, "sf": "h", "st": "l"}
        url = self.config.edge(f"{path}?CMCD={cmcd_query(values)}")
        answer = self.session.get(url, timeout=TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer

    def _engage(self) -> None:
        kind = self.chance.choice(EVENTS)
        event: dict[str, object] = {
            "streamId": self.config.stream,
            "eventType": kind,
            "sessionId": self.session_id,
            "userId": self.session_id[:8],
            "timestamp": int(time.time() * 1000),
            "eventData": {"amount": self.chance.choice((2, 5, 10)), "currency": "USD"} if kind == "donation" else {},
        }
        address, headers = self.config.bridge("/api/v1/analytics/events"), self.config.authorization()
        self.session.post(address, json=event, headers=headers, timeout=TIMEOUT_SECONDS).raise_for_status()


class Audience:
    """Keeps a number of viewers watching until it is stopped; arrivals are spread over the first seconds."""

    def __init__(self, config: LocalConfig, seed: int = 0) -> None:
        self._config = config
        self._stop = threading.Event()
        self._seed = seed

    def run(self) -> None:
        """Watch with ``config.viewers`` viewers, one thread each; returns when stopped."""
        threads = [
            threading.Thread(target=self._seat, args=(number,), name=f"viewer-{number}", daemon=True)
            for number in range(self._config.viewers)
        ]
        for thread in threads:
            thread.start()
        self._stop.wait()
        for thread in threads:
            thread.join(timeout=TIMEOUT_SECONDS)

    def stop(self) -> None:
        self._stop.set()

    def _seat(self, number: int) -> None:
        """One seat: viewers come and go, one at a time."""
        chance = random.Random(self._seed * 10_000 + number)
        self._stop.wait(chance.uniform(0, 3))
        while not self._stop.is_set():
            viewer = Viewer(self._config, chance)
            while not self._stop.is_set() and time.monotonic() < viewer.leaves_at:
                try:
                    pause = viewer.turn()
                except requests.RequestException as error:
                    log.debug("viewer %d: %s", number, error)
                    pause = 1.0
                self._stop.wait(pause)
            viewer.session.close()
