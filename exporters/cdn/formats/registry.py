"""The log formats by the names that settings use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from exporters.cdn.counting import ChunkCounter
from exporters.cdn.formats import nginx
from exporters.cdn.formats.fast import NginxCounter
from exporters.cdn.sources.spec import SourceSpec
from exporters.cdn.tally import SourceTally
from exporters.errors import ConfigError


@dataclass(frozen=True, slots=True)
class LogFormat:
    """A format: the CDN whose it is, and how chunks of its lines are counted."""

    cdn: str
    counter: Callable[[SourceTally], ChunkCounter]


FORMATS = {
    "nginx": LogFormat(nginx.CDN, lambda tally: NginxCounter(tally, nginx.NginxParser())),
}


def find(spec: SourceSpec) -> LogFormat:
    """The format a source is configured with; raises ConfigError when there is none of that name."""
    found = FORMATS.get(spec.format)
    if found is None:
        known = ", ".join(FORMATS)
        raise ConfigError(f"{spec.variable} has the format {spec.format!r} for {spec.name}; known are {known}")
    return found
