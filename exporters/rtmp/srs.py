"""SRS HTTP API: summaries, virtual hosts, streams and clients, page by page.

https://ossrs.net/lts/en-us/docs/v6/doc/http-api
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from exporters.errors import SourceFormatError
from exporters.rtmp.fetch import Fetch
from exporters.rtmp.fields import listed, mapping, number, text, whole
from exporters.rtmp.model import Audio, Publisher, Role, ServerReading, StreamReading, Video

DEFAULT_VHOST = "__defaultVhost__"
PAGE_ROWS = 1000
MAX_PAGES = 50
PROTOCOLS = {"fmle-publish": "rtmp", "flash-publish": "rtmp", "haivision-publish": "rtmp"}
Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer of the API: which run of the server gave it, and its fields."""

    epoch: str
    fields: Fields


def parse_envelope(body: bytes) -> Envelope:
    """Read an answer; raises SourceFormatError when it is none, or tells of an error."""
    try:
        fields = mapping(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise SourceFormatError(f"not an answer of SRS: {error}") from error
    if fields.get("code") != 0:
        raise SourceFormatError(f"SRS answered code {text(fields.get('code')) or 'none'}")
    return Envelope("/".join(text(fields.get(name)) for name in ("server", "service", "pid")), fields)


class SrsSource:
    """Reads one SRS: ``url`` is the address of its API, for example ``http://127.0.0.1:1985``."""

    def __init__(self, url: str, fetch: Fetch) -> None:
        base = url.rstrip("/")
        self._base = base if base.endswith("/api/v1") else f"{base}/api/v1"
        self._fetch = fetch

    def read(self) -> tuple[ServerReading, ...]:
        summary = self._ask("summaries/")
        vhosts = listed(self._ask("vhosts/").fields.get("vhosts"))
        streams = self._rows("streams", summary.epoch)
        clients = self._rows("clients", summary.epoch)
        return (reading(summary, vhosts, streams, clients),)

    def _ask(self, path: str) -> Envelope:
        # Without the slash at the end of a list's path SRS answers with a redirect.
        return parse_envelope(self._fetch(f"{self._base}/{path}"))

    def _rows(self, kind: str, epoch: str) -> list[Fields]:
        rows: dict[str, Fields] = {}
        for page in range(MAX_PAGES):
            answer = self._ask(f"{kind}/?start={page * PAGE_ROWS}&count={PAGE_ROWS}")
            if answer.epoch != epoch:
                raise SourceFormatError("SRS restarted while it was read", "connect")
            found = listed(answer.fields.get(kind))
            # Rows move between pages while streams come and go, so they are told apart by their ids.
            rows.update({text(row.get("id")): row for row in found})
            if len(found) < PAGE_ROWS:
                break
        return list(rows.values())


def app_label(vhost: str, app: str) -> str:
    """The application, with its virtual host where that is not the default one."""
    return app if vhost in ("", DEFAULT_VHOST) else f"{vhost}/{app}"


def reading(
    summary: Envelope, vhosts: Sequence[Fields], streams: Sequence[Fields], clients: Sequence[Fields]
) -> ServerReading:
    """The answers of one round as one reading."""
    data = mapping(summary.fields.get("data"))
    process, system = mapping(data.get("self")), mapping(data.get("system"))
    names = {text(vhost.get("id")): text(vhost.get("name")) for vhost in vhosts}
    by_stream: dict[str, list[Fields]] = {}
    for client in clients:
        by_stream.setdefault(text(client.get("stream")), []).append(client)
    found = tuple(_stream(one, names, by_stream.get(text(one.get("id")), [])) for one in streams)
    return ServerReading(
        version=f"SRS {text(process.get('version'))}".strip(),
        epoch=summary.epoch,
        uptime_seconds=number(process.get("srs_uptime")),
        receive_bytes=whole(system.get("srs_recv_bytes")),
        transmit_bytes=whole(system.get("srs_send_bytes")),
        cpu_ratio=number(system.get("cpu_percent")),  # a share from 0 to 1, whatever its name says
        apps=tuple(dict.fromkeys(stream.app for stream in found)),
        streams=found,
    )


def _stream(fields: Fields, vhosts: Mapping[str, str], clients: Sequence[Fields]) -> StreamReading:
    vhost = text(fields.get("vhost"))
    publish = mapping(fields.get("publish"))
    publisher = None
    if publish.get("active") is True:
        publisher = _publisher(text(publish.get("cid")), clients)
    rate = number(mapping(fields.get("kbps")).get("recv_30s"))
    return StreamReading(
        app=app_label(vhosts.get(vhost, vhost), text(fields.get("app"))),
        name=text(fields.get("name")),
        place=text(fields.get("id")),
        publisher=publisher,
        receive_bytes=whole(fields.get("recv_bytes")),
        transmit_bytes=whole(fields.get("send_bytes")),
        receive_rates={} if rate is None else {"total": rate * 1000 / 8},
        clients=_roles(clients, whole(fields.get("clients")), publisher),
        frames=whole(fields.get("frames")),
        video=_video(mapping(fields.get("video"))),
        audio=_audio(mapping(fields.get("audio"))),
    )


def _publisher(id: str, clients: Sequence[Fields]) -> Publisher:
    """The publishing client; `live_ms` of the stream is the server's clock, so its start comes from the client."""
    client = next((one for one in clients if text(one.get("id")) == id), {})
    kind = text(client.get("type"))
    protocol = PROTOCOLS.get(kind) or next((one for one in ("srt", "rtc", "rtmp") if one in kind), "rtmp")
    return Publisher(id, "webrtc" if protocol == "rtc" else protocol, connected_seconds=number(client.get("alive")))


def _roles(clients: Sequence[Fields], count: int | None, publisher: Publisher | None) -> dict[Role, int]:
    """Clients by role; the stream's own count (which includes the publisher) where the list was short."""
    publishers = sum(1 for one in clients if one.get("publish") is True) or (1 if publisher else 0)
    relays = sum(1 for one in clients if "forward" in text(one.get("type")) or "edge" in text(one.get("type")))
    total = max(len(clients), count or 0)
    return {"publisher": publishers, "subscriber": max(0, total - publishers - relays), "relay": relays}


def _video(fields: Fields) -> Video:
    return Video(
        text(fields.get("codec")),
        text(fields.get("profile")),
        whole(fields.get("width")) or None,
        whole(fields.get("height")) or None,
    )


def _audio(fields: Fields) -> Audio:
    return Audio(
        text(fields.get("codec")), whole(fields.get("sample_rate")) or None, whole(fields.get("channel")) or None
    )
