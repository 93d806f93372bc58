"""The kinds of media servers by the names that settings use: how one is read, and what answers its hooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from exporters.errors import ConfigError
from exporters.extending import extended
from exporters.rtmp.book import StreamBook
from exporters.rtmp.fetch import Fetch
from exporters.rtmp.gate import Gate
from exporters.rtmp.hooks import HookTargets, MediamtxHooks, NginxHooks, SrsHooks
from exporters.rtmp.mediamtx import MediamtxSource
from exporters.rtmp.sources import NginxSource, Source
from exporters.rtmp.srs import SrsSource
from exporters.rtmp.tallies import Tallies
from exporters.rtmp.targets import Target
from exporters.server import Route


@dataclass(frozen=True, slots=True)
class Backend:
    """A kind of media server; where ``hooks`` is set, they are served as ``/hooks/<name>``."""

    source: Callable[[Target, Fetch], Source]
    hooks: Callable[[Gate, StreamBook, Tallies, HookTargets], Route] | None = None


BACKENDS = {
    "nginx-rtmp": Backend(lambda target, fetch: NginxSource(target.urls, fetch, target.workers), NginxHooks),
    "srs": Backend(lambda target, fetch: SrsSource(target.urls[0], fetch), SrsHooks),
    "mediamtx": Backend(lambda target, fetch: MediamtxSource(target.urls[0], fetch), MediamtxHooks),
}


def known_backends(modules: Sequence[str]) -> Mapping[str, Backend]:
    """Our own, and those of the named modules; raises ConfigError."""
    return extended(BACKENDS, "RTMP_BACKENDS", modules, "BACKENDS")


def backend_of(target: Target, known: Mapping[str, Backend]) -> Backend:
    """The backend a target is configured with; raises ConfigError when there is none of that name."""
    found = known.get(target.backend)
    if found is None:
        raise ConfigError(
            f"RTMP_TARGETS: target {target.name} has the backend {target.backend!r}; known are {', '.join(known)}"
        )
    return found
