"""The log formats by the names that settings use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from exporters.cdn.counting import ChunkCounter, LineCounter, LineParser
from exporters.cdn.duplicates import RecentIds
from exporters.cdn.formats import akamai, cloudflare, cloudfront, combined, fastly, nginx
from exporters.cdn.formats.fast import NginxCounter
from exporters.cdn.sources.spec import SourceSpec
from exporters.cdn.tally import SourceTally
from exporters.errors import ConfigError


@dataclass(frozen=True, slots=True)
class LogFormat:
    """A format: the CDN whose it is, and the parser of its lines."""

    cdn: str
    parser: Callable[[], LineParser]


class FormatRegistry:
    """The known formats; raises ConfigError when a format's own settings are wrong."""

    def __init__(self, cloudfront_fields: Sequence[str] = (), akamai_fields: Sequence[str] = ()) -> None:
        realtime = cloudfront.realtime_fields(cloudfront_fields)
        self._formats = {
            "nginx": LogFormat(nginx.CDN, nginx.NginxParser),
            "combined": LogFormat(nginx.CDN, combined.CombinedParser),
            "cloudfront": LogFormat(cloudfront.CDN, lambda: cloudfront.CloudFrontParser(cloudfront.STANDARD_FIELDS)),
            "cloudfront-realtime": LogFormat(cloudfront.CDN, lambda: cloudfront.CloudFrontParser(realtime)),
            "fastly": LogFormat(fastly.CDN, fastly.FastlyParser),
            "cloudflare": LogFormat(cloudflare.CDN, cloudflare.CloudflareParser),
            "akamai": LogFormat(akamai.CDN, lambda: akamai.AkamaiParser(akamai_fields)),
        }

    def find(self, spec: SourceSpec) -> LogFormat:
        """The format a source is configured with; raises ConfigError when there is none of that name."""
        found = self._formats.get(spec.format)
        if found is None:
            known = ", ".join(self._formats)
            raise ConfigError(f"{spec.variable} has the format {spec.format!r} for {spec.name}; known are {known}")
        return found


def counter(chosen: LogFormat, tally: SourceTally, repeats: bool) -> ChunkCounter:
    """What counts lines of this format; ``repeats`` says that the source may deliver a record twice."""
    parser = chosen.parser()
    if isinstance(parser, nginx.NginxParser) and not repeats:
        return NginxCounter(tally, parser)
    return LineCounter(tally, parser, RecentIds() if repeats else None)
