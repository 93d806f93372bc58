"""MediaMTX control API v3: paths, and the connections that feed and read them, in both generations of field names.

https://mediamtx.org/docs/references/control-api
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from exporters.errors import SourceFormatError
from exporters.rtmp.encoders import encoder_family
from exporters.rtmp.fetch import Fetch, NotFoundError
from exporters.rtmp.fields import instant, listed, mapping, number, text, whole
from exporters.rtmp.model import Audio, Publisher, Role, ServerReading, StreamReading, Video

PAGE_ROWS = 1000
MAX_PAGES = 50
ROOT_APP = "default"
"""The application of paths without a slash, because an empty label is none."""
CONNECTION_LISTS = ("rtmpconns", "rtmpsconns", "srtconns", "webrtcsessions")
PROTOCOLS = {
    "rtmpConn": "rtmp",
    "rtmpSource": "rtmp",
    "rtmpsConn": "rtmps",
    "srtConn": "srt",
    "srtSource": "srt",
    "webRTCSession": "webrtc",
    "webRTCSource": "webrtc",
    "rtspSession": "rtsp",
    "rtspSource": "rtsp",
    "rtspsSession": "rtsps",
    "hlsSource": "hls",
    "moqSession": "moq",
    "moqSource": "moq",
    "mpegtsSource": "mpegts",
    "rtpSource": "rtp",
}
VIDEO_CODECS = frozenset({"AV1", "VP9", "VP8", "H265", "H264", "MPEG-4 Video", "MPEG-1/2 Video", "M-JPEG"})
NO_SOUND = frozenset({"MPEG-TS", "KLV", "Generic", ""})
Fields = Mapping[str, Any]


class MediamtxSource:
    """Reads one MediaMTX: ``url`` is the address of its API, for example ``http://127.0.0.1:9997``."""

    def __init__(self, url: str, fetch: Fetch, wall: Callable[[], float] = time.time) -> None:
        base = url.rstrip("/")
        self._base = base if base.endswith("/v3") else f"{base}/v3"
        self._fetch = fetch
        self._wall = wall

    def read(self) -> tuple[ServerReading, ...]:
        info: Fields = {}
        with contextlib.suppress(NotFoundError):  # versions before 1.15 have no info
            info = parse_object(self._fetch(f"{self._base}/info"))
        paths = list(self._rows("paths"))
        connections: dict[str, Fields] = {}
        for kind in CONNECTION_LISTS:
            with contextlib.suppress(NotFoundError):  # a protocol that is switched off has no list
                connections.update({text(row.get("id")): row for row in self._rows(kind)})
        return (reading(info, paths, connections, self._wall()),)

    def _rows(self, kind: str) -> Iterator[Fields]:
        for page in range(MAX_PAGES):
            answer = parse_object(self._fetch(f"{self._base}/{kind}/list?page={page}&itemsPerPage={PAGE_ROWS}"))
            if "items" not in answer:
                raise SourceFormatError(f"MediaMTX's list of {kind} has no items")
            yield from listed(answer.get("items"))
            if page + 1 >= (whole(answer.get("pageCount")) or 0):
                return


def parse_object(body: bytes) -> Fields:
    """A JSON object; raises SourceFormatError."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise SourceFormatError(f"not an answer of MediaMTX: {error}") from error
    if not isinstance(found, dict):
        raise SourceFormatError("not an answer of MediaMTX: no object")
    return found


def reading(info: Fields, paths: Sequence[Fields], connections: Mapping[str, Fields], wall: float) -> ServerReading:
    """The answers of one round, taken at ``wall`` (Unix seconds), as one reading."""
    started = instant(info.get("started"))
    streams = tuple(_stream(path, connections, wall) for path in paths)
    return ServerReading(
        version=f"MediaMTX {text(info.get('version'))}".strip(),
        epoch=text(info.get("started")) or "unknown",
        uptime_seconds=None if started is None else wall - started,
        apps=tuple(dict.fromkeys(stream.app for stream in streams)),
        streams=streams,
    )


def split_path(path: str) -> tuple[str, str]:
    """Application and name of a path such as ``live/demo``."""
    app, _, name = path.rpartition("/")
    return app or ROOT_APP, name


def _stream(path: Fields, connections: Mapping[str, Fields], wall: float) -> StreamReading:
    app, name = split_path(text(path.get("name")))
    begun = instant(path.get("onlineTime")) or instant(path.get("availableTime")) or instant(path.get("readyTime"))
    age = None if begun is None else max(0.0, wall - begun)
    readers = listed(path.get("readers"))
    publisher = _publisher(path, connections, age)
    return StreamReading(
        app=app,
        name=name,
        age_seconds=age,
        publisher=publisher,
        receive_bytes=_newer(path, "inboundBytes", "bytesReceived"),
        transmit_bytes=_newer(path, "outboundBytes", "bytesSent"),
        clients=_roles(readers, publisher),
        dropped=_dropped(readers, connections),
        error_frames=whole(path.get("inboundFramesInError")),
        video=_video(path),
        audio=_audio(path),
    )


def _newer(fields: Fields, name: str, older: str) -> int | None:
    return whole(fields.get(name)) if name in fields else whole(fields.get(older))


def _publisher(path: Fields, connections: Mapping[str, Fields], age: float | None) -> Publisher | None:
    """Who feeds a path; an `available` one may show a stand-in, so `online` decides where it is told."""
    source = mapping(path.get("source"))
    live = next((path[name] for name in ("online", "available", "ready") if name in path), False)
    kind = text(source.get("type"))
    if live is not True or not kind or kind == "redirect":
        return None
    connection = connections.get(text(source.get("id")), {})
    rtt = number(connection.get("msRTT"))
    return Publisher(
        id=text(source.get("id")),
        protocol=PROTOCOLS.get(kind, "other"),
        encoder=encoder_family(text(connection.get("userAgent"))),
        connected_seconds=age,
        rtt_seconds=None if rtt is None else rtt / 1000,
        loss_ratio=_loss(connection),
    )


def _loss(connection: Fields) -> float | None:
    """Share of packets lost on the way in: SRT tells a percentage, WebRTC counts."""
    percent = number(connection.get("packetsReceivedLossRate"))
    if percent is not None:
        return percent / 100
    lost = _newer(connection, "inboundRTPPacketsLost", "rtpPacketsLost")
    arrived = _newer(connection, "inboundRTPPackets", "rtpPacketsReceived")
    if lost is None or arrived is None or lost + arrived == 0:
        return None
    return lost / (lost + arrived)


def _roles(readers: Sequence[Fields], publisher: Publisher | None) -> dict[Role, int]:
    hidden = sum(1 for reader in readers if reader.get("type") == "hidden")
    return {"publisher": 1 if publisher else 0, "subscriber": len(readers) - hidden, "relay": hidden}


def _dropped(readers: Sequence[Fields], connections: Mapping[str, Fields]) -> dict[str, tuple[Role, int]]:
    found: dict[str, tuple[Role, int]] = {}
    for reader in readers:
        id = text(reader.get("id"))
        dropped = whole(connections.get(id, {}).get("outboundFramesDiscarded"))
        if dropped is not None:
            found[id] = ("subscriber", dropped)
    return found


def _tracks(path: Fields) -> Iterator[tuple[str, Fields]]:
    """Codec and properties of each track; the older generation has names alone."""
    for track in listed(path.get("tracks2")):
        yield text(track.get("codec")), mapping(track.get("codecProps"))
    older = path.get("tracks")
    if "tracks2" not in path and isinstance(older, list):
        for codec in older:
            yield text(codec), {}


def _video(path: Fields) -> Video:
    for codec, properties in _tracks(path):
        if codec in VIDEO_CODECS:
            width, height = whole(properties.get("width")), whole(properties.get("height"))
            return Video(codec, text(properties.get("profile")), width or None, height or None)
    return Video()


def _audio(path: Fields) -> Audio:
    for codec, properties in _tracks(path):
        if codec not in VIDEO_CODECS and codec not in NO_SOUND:
            rate, channels = whole(properties.get("sampleRate")), whole(properties.get("channelCount"))
            return Audio(codec, rate or None, channels or None)
    return Audio()
