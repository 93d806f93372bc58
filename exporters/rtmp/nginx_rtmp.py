"""nginx-rtmp statistics pages: XML of arut's module, its forks and nginx-http-flv-module, and the latter's JSON.

One answer covers one worker process. Every element is optional and unknown ones are ignored.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import orjson
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from exporters.errors import SourceFormatError
from exporters.rtmp.encoders import encoder_family
from exporters.rtmp.fields import listed, mapping, number, text, whole
from exporters.rtmp.model import Audio, Publisher, Role, ServerReading, StreamReading, Video

ROOTS = frozenset({"rtmp", "http-flv"})
RELAY_FLASHVER = "ngx-local-relay"
FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is no character of XML 1.0 (§2.2)."""
FLAGS = frozenset({"publishing", "active"})
REPEATED = {"server": "servers", "application": "applications", "stream": "streams", "client": "clients"}
Fields = Mapping[str, Any]


def parse_stat(body: bytes) -> ServerReading:
    """Read a statistics page, XML or JSON; raises SourceFormatError."""
    try:
        fields = _json(body) if body.lstrip()[:1] == b"{" else _xml(body)
    except (ParseError, DefusedXmlException, LookupError, ValueError, RecursionError) as error:
        raise SourceFormatError(f"not an nginx-rtmp statistics page: {error}") from error
    if "pid" not in fields:
        raise SourceFormatError("not an nginx-rtmp statistics page: it has no pid")
    return _server(fields)


def _json(body: bytes) -> Fields:
    """http-flv's JSON, which nests everything below its name and keeps HTML's escapes in names."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = orjson.loads(_legible(body))
    fields = mapping(_unescaped(found))
    return mapping(fields.get("http-flv", fields))


def _unescaped(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unescaped(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_unescaped(one) for one in value]
    return html.unescape(value) if isinstance(value, str) else value


def _legible(body: bytes) -> str:
    """The page without bytes its format forbids: a publisher's strange name must not blind us to all others."""
    return FORBIDDEN.sub("?", body.decode("utf-8", "replace"))


def _xml(body: bytes) -> Fields:
    try:
        root = fromstring(body, forbid_dtd=True)
    except ParseError:
        root = fromstring(_legible(body), forbid_dtd=True)
    if root.tag not in ROOTS:
        raise SourceFormatError(f"not an nginx-rtmp statistics page: the root element is {root.tag[:40]!r}")
    return mapping(_fields(root))


def _fields(element: Element) -> Any:
    """An element as http-flv's JSON has it: repeated elements as lists with plural names, flags as true."""
    if not len(element):
        return True if element.tag in FLAGS else (element.text or "").strip()
    found: dict[str, Any] = {}
    for child in element:
        plural = REPEATED.get(child.tag)
        if plural is None:
            found[child.tag] = _fields(child)
        else:
            found.setdefault(plural, []).append(_fields(child))
    return found


def _server(fields: Fields) -> ServerReading:
    streams: list[StreamReading] = []
    apps: dict[str, None] = {}
    for position, server in enumerate(listed(fields.get("servers"))):
        for application in listed(server.get("applications")):
            app = text(application.get("name"))
            apps[app] = None
            live = mapping(application.get("live"))
            streams += [_stream(app, str(position), one) for one in listed(live.get("streams"))]
    module = text(fields.get("nginx_rtmp_version")) or text(fields.get("nginx_http_flv_version"))
    kind = "http-flv" if "nginx_http_flv_version" in fields else "rtmp"
    return ServerReading(
        version=f"nginx {text(fields.get('nginx_version'))} {kind} {module}".strip(),
        epoch=text(fields.get("pid")),
        uptime_seconds=number(fields.get("uptime")),
        accepted=whole(fields.get("naccepted")),
        receive_bytes=whole(fields.get("bytes_in")),
        transmit_bytes=whole(fields.get("bytes_out")),
        apps=tuple(apps),
        streams=tuple(streams),
    )


def _stream(app: str, place: str, fields: Fields) -> StreamReading:
    clients = listed(fields.get("clients"))
    publisher = _publisher(clients)
    if publisher is None and fields.get("publishing"):
        publisher = Publisher()  # a page without clients still says that somebody publishes
    meta = mapping(fields.get("meta"))
    return StreamReading(
        app=app,
        name=text(fields.get("name")),
        place=place,
        age_seconds=_milliseconds(fields.get("time")),
        publisher=publisher,
        receive_bytes=whole(fields.get("bytes_in")),
        transmit_bytes=whole(fields.get("bytes_out")),
        receive_rates=_rates(fields),
        clients=_roles(clients, whole(fields.get("nclients")), publisher),
        dropped={text(one.get("id")): (_role(one), whole(one.get("dropped")) or 0) for one in clients if "id" in one},
        video=_video(mapping(meta.get("video"))),
        audio=_audio(mapping(meta.get("audio"))),
    )


def _rates(fields: Fields) -> dict[str, float]:
    """Receive rates in bytes per second, by media; the page has bits per second."""
    names = {"total": "bw_in", "audio": "bw_audio", "video": "bw_video", "data": "bw_data"}
    rates = {media: number(fields.get(name)) for media, name in names.items()}
    return {media: rate / 8 for media, rate in rates.items() if rate is not None}


def _role(client: Fields) -> Role:
    if text(client.get("flashver")) == RELAY_FLASHVER:
        return "relay"
    return "publisher" if client.get("publishing") else "subscriber"


def _roles(clients: list[Fields], count: int | None, publisher: Publisher | None) -> dict[Role, int]:
    """Clients by role; where the page lists none, from the count, which includes the publisher."""
    roles: dict[Role, int] = {"publisher": 0, "subscriber": 0, "relay": 0}
    for client in clients:
        roles[_role(client)] += 1
    if not clients and count is not None:
        roles["publisher"] = min(count, 1 if publisher else 0)
        roles["subscriber"] = count - roles["publisher"]
    return roles


def _publisher(clients: list[Fields]) -> Publisher | None:
    client = next((one for one in clients if one.get("publishing")), None)
    if client is None:
        return None
    return Publisher(
        id=text(client.get("id")),
        encoder=encoder_family(text(client.get("flashver"))),
        connected_seconds=_milliseconds(client.get("time")),
        media_seconds=_milliseconds(client.get("timestamp")),
        avsync_seconds=_milliseconds(client.get("avsync")),  # an empty element with `interleave on`
        relay=_role(client) == "relay",
    )


def _video(fields: Fields) -> Video:
    return Video(
        codec=text(fields.get("codec")),
        profile=text(fields.get("profile")),
        width=whole(fields.get("width")) or None,
        height=whole(fields.get("height")) or None,
        frame_rate=number(fields.get("frame_rate")) or None,
        keyframe_seconds=number(fields.get("keyframe_frequency")) or None,
    )


def _audio(fields: Fields) -> Audio:
    return Audio(
        codec=text(fields.get("codec")),
        sample_rate=whole(fields.get("sample_rate")) or None,
        channels=whole(fields.get("channels")) or None,
    )


def _milliseconds(value: Any) -> float | None:
    found = number(value)
    return None if found is None else found / 1000
