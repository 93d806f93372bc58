"""What a media server says of itself: bytes and clients, from nginx-rtmp's ``/stat`` page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

import requests
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bridge.containers.errors import ContainerError

MAX_STAT_BYTES = 8 << 20
INGEST, PACKAGER = "live", "hls"
RELAY = "ngx-local-relay"


@dataclass(frozen=True, slots=True)
class MediaStat:
    """RTMP bytes since the server's start, and the clients that publish or play now."""

    received_bytes: int
    sent_bytes: int
    connections: int
    """clients of the application that encoders publish to, without its own relay"""


StatReader = Callable[[str], MediaStat]


def parse_media_stat(xml: bytes) -> MediaStat:
    """Read ``/stat``; raises ContainerError when it is no such page."""
    try:
        root = fromstring(xml)
        applications = {one.findtext("name"): one for one in root.iter("application")}
        # What the ingest hands to the packager inside the server is no traffic of the server.
        inside = sum(_number(stream, "bytes_in") for stream in _streams(applications.get(PACKAGER)))
        return MediaStat(
            received_bytes=max(0, _number(root, "bytes_in") - inside),
            sent_bytes=max(0, _number(root, "bytes_out") - inside),
            connections=sum(
                client.findtext("flashver") != RELAY
                for stream in _streams(applications.get(INGEST))
                for client in stream.iter("client")
            ),
        )
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise ContainerError(f"not an nginx-rtmp state page: {error}") from error


def read_media_stat(url: str, timeout_seconds: float = 2.0) -> MediaStat:
    """Ask a media server; raises ContainerError when it does not answer rightly."""
    try:
        answer = requests.get(url, timeout=timeout_seconds)
        answer.raise_for_status()
    except requests.RequestException as error:
        raise ContainerError(f"{url}: {error}") from error
    if len(answer.content) > MAX_STAT_BYTES:
        raise ContainerError(f"{url}: state page over {MAX_STAT_BYTES} bytes")
    return parse_media_stat(answer.content)


def _streams(application: Element | None) -> Iterable[Element]:
    return () if application is None else application.iter("stream")


def _number(element: Element, name: str) -> int:
    return int(element.findtext(name) or 0)
