"""What a media server says of itself: bytes and clients, from nginx-rtmp's ``/stat`` page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

import requests
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bridge.containers.errors import ContainerError

MAX_STAT_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class MediaStat:
    """Bytes since the server's start, and the clients that publish or play now."""

    received_bytes: int
    sent_bytes: int
    connections: int
    """clients of the application that encoders publish to"""


StatReader = Callable[[str], MediaStat]


def parse_media_stat(xml: bytes) -> MediaStat:
    """Read ``/stat``; raises ContainerError when it is no such page."""
    try:
        root = fromstring(xml)
        return MediaStat(
            received_bytes=_number(root, "bytes_in"),
            sent_bytes=_number(root, "bytes_out"),
            connections=sum(
                _number(stream, "nclients")
                for application in root.iter("application")
                if application.findtext("name") == "live"
                for stream in application.iter("stream")
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


def _number(element: Element, name: str) -> int:
    return int(element.findtext(name) or 0)
