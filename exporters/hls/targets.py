"""What to probe: streams and their playlist URLs at each endpoint, from a list of live streams and a YAML file."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from exporters import broken_yaml
from exporters.checks import is_url, without_account
from exporters.discovery import LiveStream
from exporters.errors import ConfigError

log = logging.getLogger(__name__)
MAX_ENDPOINTS = 8
MAX_FILE_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A place that serves every stream: ``{stream}`` in the URL stands for the public id."""

    name: str
    template: str

    def url(self, stream: str) -> str:
        return self.template.replace("{stream}", quote(stream, safe=""))


@dataclass(frozen=True, slots=True)
class Target:
    """One playlist to follow: a stream at an endpoint, with request headers where the endpoint needs them."""

    stream: str
    endpoint: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()


def read_endpoints(variable: str, texts: Sequence[str]) -> tuple[Endpoint, ...]:
    """``name=url`` texts; raises ConfigError that names the variable."""
    endpoints = []
    for text in texts:
        name, template = (part.strip() for part in text.partition("=")[::2])
        if not name or "{stream}" not in template or not is_url(template):
            raise ConfigError(f"{variable} has {without_account(text)!r}; write name=http://host/path/{{stream}}.m3u8")
        endpoints.append(Endpoint(name, template))
    if len(endpoints) > MAX_ENDPOINTS or len({one.name for one in endpoints}) != len(endpoints):
        raise ConfigError(f"{variable} must name at most {MAX_ENDPOINTS} endpoints, each once")
    return tuple(endpoints)


def live_targets(streams: Iterable[LiveStream], endpoints: Sequence[Endpoint]) -> list[Target]:
    """The live streams at every endpoint."""
    return [
        Target(one.stream, endpoint.name, endpoint.url(one.stream))
        for one in streams
        if one.state == "live"
        for endpoint in endpoints
    ]


def read_targets(text: str) -> list[Target]:
    """Targets of a YAML file ``targets: [{stream: demo, endpoints: {origin: URL}, headers: {Name: value}}]``.

    Raises ConfigError that says which entry is wrong.
    """
    try:
        document = yaml.safe_load(text)
    except broken_yaml.ERRORS as error:
        raise ConfigError(f"not YAML{broken_yaml.place(error)}") from None
    rows = (document or {}).get("targets") if isinstance(document, dict | None) else None
    if not isinstance(rows, list):
        raise ConfigError("it must have a list named targets")
    targets = [target for number, row in enumerate(rows, 1) for target in _row(number, row)]
    if len({one.endpoint for one in targets}) > MAX_ENDPOINTS:
        raise ConfigError(f"it names more than {MAX_ENDPOINTS} endpoints")
    return targets


def _row(number: int, row: Any) -> list[Target]:
    if not isinstance(row, Mapping) or not isinstance(row.get("stream"), str):
        raise ConfigError(f"target {number} needs a stream (text)")
    endpoints = row.get("endpoints")
    if endpoints is None and isinstance(row.get("url"), str):
        endpoints = {"origin": row["url"]}
    headers = row.get("headers", {})
    if not isinstance(endpoints, Mapping) or not endpoints or not isinstance(headers, Mapping):
        raise ConfigError(f"target {number} ({row['stream']}) needs a url, or endpoints as name: URL")
    for name, url in endpoints.items():
        if not isinstance(name, str) or not isinstance(url, str) or not is_url(url):
            raise ConfigError(f"target {number} ({row['stream']}): {name} has no http(s) URL")
    pairs = tuple((str(name), str(value)) for name, value in headers.items())
    return [Target(row["stream"], name, url, pairs) for name, url in endpoints.items()]


class TargetFile:
    """A YAML file that is read again when it has changed; a broken one keeps the targets that were good."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.targets: list[Target] = []
        self._version: tuple[int, int, int] | None = None
        self._complaint = ""

    def refresh(self) -> bool:
        """Read the file when it has changed; whether the targets are new."""
        try:
            changed = self.read()
        except (OSError, UnicodeDecodeError, ConfigError) as error:
            words = complaint(error)
            if words != self._complaint:
                log.warning("targets file %s: %s; the last good targets stay", self.path, words)
                self._complaint = words
            return False
        self._complaint = ""
        return changed

    def read(self) -> bool:
        """As ``refresh``; raises what is wrong, once for each version of the file."""
        status = self.path.stat()
        version = (status.st_mtime_ns, status.st_size, status.st_ino)
        if version == self._version:
            return False
        self._version = version
        if status.st_size > MAX_FILE_BYTES:
            raise ConfigError(f"over {MAX_FILE_BYTES} bytes")
        found = read_targets(self.path.read_text(encoding="utf-8"))
        changed = found != self.targets
        self.targets = found
        return changed


def complaint(error: OSError | UnicodeDecodeError | ConfigError) -> str:
    """What is wrong with a file, without its content."""
    if isinstance(error, UnicodeDecodeError):
        return "no UTF-8 text"
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
