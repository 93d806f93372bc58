"""One publisher's time on one name: from the first sign of it to its end, with what polls found meanwhile."""

from __future__ import annotations

from exporters.rtmp.clock import Instant
from exporters.rtmp.model import StreamReading

TIMESTAMP_WRAP_SECONDS = 2**32 / 1000
"""RTMP timestamps are 32 bits of milliseconds (RTMP 1.0 §3)."""


class Publish:
    """``id`` is the server's id of the connection, ``target`` and ``epoch`` where a poll found it (empty before).

    ``seen`` is the last sign of life by poll or hook, ``read`` the last poll that showed it, ``last_data`` when
    received bytes last grew, ``drift_seconds`` media time elapsed minus time elapsed since the first poll.
    """

    def __init__(self, app: str, name: str, id: str, start: Instant, seen: Instant, target: str = "") -> None:
        self.app = app
        self.name = name
        self.id = id
        self.target = target
        self.epoch = ""
        self.start = start
        self.seen = seen
        self.reading: StreamReading | None = None
        self.read: Instant | None = None
        self.last_data: Instant | None = None
        self.drift_seconds: float | None = None
        self._anchor: tuple[float, Instant] | None = None
        self._last_media = 0.0

    def is_other(self, id: str, epoch: str) -> bool:
        """Whether a publisher with this connection id in this process is not the one of this publish."""
        return bool(id and self.id and id != self.id) or bool(epoch and self.epoch and epoch != self.epoch)

    def take(self, target: str, epoch: str, reading: StreamReading, at: Instant) -> None:
        """Note what a poll found at this instant."""
        grew = self.reading is None or reading.receive_bytes != self.reading.receive_bytes
        if reading.receive_bytes is not None and grew:
            self.last_data = at
        if reading.publisher is not None:
            self.id = self.id or reading.publisher.id
            if reading.publisher.media_seconds is not None:
                self._take_media_time(reading.publisher.media_seconds, at)
        self.target, self.epoch, self.reading = target, epoch, reading
        self.read = self.seen = at

    def _take_media_time(self, media: float, at: Instant) -> None:
        back = self._last_media - media
        self._last_media = media
        if self._anchor is not None and back > TIMESTAMP_WRAP_SECONDS / 2:
            self._anchor = (self._anchor[0] - TIMESTAMP_WRAP_SECONDS, self._anchor[1])
        elif self._anchor is None or back > 0:
            self._anchor = (media, at)  # an encoder that starts its timestamps again is measured again
        self.drift_seconds = (media - self._anchor[0]) - at.since(self._anchor[1])
