"""Which media servers are polled: ``name=backend+url`` with several listeners of one server joined by ``|``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from exporters.checks import is_url, without_account
from exporters.errors import ConfigError

_FORM = re.compile(
    r"(?P<name>[A-Za-z0-9._-]{1,64})=(?P<backend>[a-z][a-z0-9-]*)(?:\*(?P<workers>[0-9]{1,3}))?\+(?P<urls>\S+)"
)
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Target:
    """One media server. ``workers`` is how many processes of it are expected to answer over all its URLs."""

    name: str
    backend: str
    urls: tuple[str, ...]
    workers: int = 1

    @property
    def is_local(self) -> bool:
        """Whether it runs on this host, as its addresses tell."""
        return all(urlsplit(url).hostname in LOOPBACK for url in self.urls)


def parse_target(variable: str, text: str) -> Target:
    """``a=nginx-rtmp+URL``, ``a=nginx-rtmp*4+URL``, ``a=nginx-rtmp+URL|URL``; raises ConfigError."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ConfigError(
            f"{variable}: {without_account(text)!r} is no target; it must be name=backend+URL,"
            " for example local=nginx-rtmp+http://127.0.0.1:8080/stat"
        )
    urls = tuple(match["urls"].split("|"))
    for url in urls:
        if not is_url(url):
            raise ConfigError(f"{variable}: {without_account(url)!r} in target {match['name']} is no http or https URL")
    return Target(match["name"], match["backend"], urls, max(int(match["workers"] or 1), len(urls)))


def parse_targets(variable: str, texts: Sequence[str]) -> tuple[Target, ...]:
    """All targets; raises ConfigError when two have the same name."""
    targets = tuple(parse_target(variable, text) for text in texts)
    names = [target.name for target in targets]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{variable}: two targets are named {name}")
    return targets
