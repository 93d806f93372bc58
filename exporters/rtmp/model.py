"""What any media server tells about its streams, as plain values in base units: the one model behind every backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Role = Literal["publisher", "subscriber", "relay"]
ROLES: tuple[Role, ...] = ("publisher", "subscriber", "relay")


@dataclass(frozen=True, slots=True)
class Video:
    """The published picture; what the server does not know is empty or None."""

    codec: str = ""
    profile: str = ""
    width: int | None = None
    height: int | None = None
    frame_rate: float | None = None
    keyframe_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Audio:
    """The published sound; what the server does not know is empty or None."""

    codec: str = ""
    sample_rate: int | None = None
    channels: int | None = None


@dataclass(frozen=True, slots=True)
class Publisher:
    """The connection that feeds a stream.

    ``id`` is the server's own id of the connection (the same one that its hooks name) or empty, ``media_seconds`` the
    media time of its last packet, ``relay`` true when another worker of the same server feeds the stream.
    """

    id: str = ""
    protocol: str = "rtmp"
    encoder: str = "other"
    connected_seconds: float | None = None
    media_seconds: float | None = None
    avsync_seconds: float | None = None
    rtt_seconds: float | None = None
    loss_ratio: float | None = None
    relay: bool = False


@dataclass(frozen=True, slots=True)
class StreamReading:
    """One stream in one place of a server, as one poll found it.

    ``place`` tells apart places that count the same name separately (nginx server blocks); ``age_seconds`` is how long
    the byte counters have been running; ``dropped`` maps a connection id to its role and its dropped frames.
    """

    app: str
    name: str
    place: str = ""
    age_seconds: float | None = None
    publisher: Publisher | None = None
    receive_bytes: int | None = None
    transmit_bytes: int | None = None
    receive_rates: Mapping[str, float] = field(default_factory=dict)
    clients: Mapping[Role, int] = field(default_factory=dict)
    dropped: Mapping[str, tuple[Role, int]] = field(default_factory=dict)
    frames: int | None = None
    error_frames: int | None = None
    video: Video = Video()
    audio: Audio = Audio()


@dataclass(frozen=True, slots=True)
class ServerReading:
    """One process of a media server, as one poll found it; ``epoch`` changes when the process does."""

    version: str
    epoch: str
    uptime_seconds: float | None = None
    accepted: int | None = None
    receive_bytes: int | None = None
    transmit_bytes: int | None = None
    cpu_ratio: float | None = None
    apps: tuple[str, ...] = ()
    streams: tuple[StreamReading, ...] = ()
