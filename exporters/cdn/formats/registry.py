"""The log formats by the names that settings use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from exporters.cdn.counting import ChunkCounter, LineCounter, LineParser
from exporters.cdn.formats import akamai, cloudflare, cloudfront, combined, fastly, nginx
from exporters.cdn.formats.fast import NginxCounter
from exporters.cdn.sources.spec import SourceSpec
from exporters.cdn.tally import SourceTally
from exporters.errors import ConfigError
from exporters.extending import extended
from exporters.recent import RecentKeys


class FormatRegistry:
    """The known formats, those of the named modules with them; raises ConfigError when settings of theirs are wrong."""

    def __init__(
        self, cloudfront_fields: Sequence[str] = (), akamai_fields: Sequence[str] = (), modules: Sequence[str] = ()
    ) -> None:
        realtime = cloudfront.realtime_fields(cloudfront_fields)
        own: Mapping[str, Callable[[], LineParser]] = {
            "nginx": nginx.NginxParser,
            "combined": combined.CombinedParser,
            "cloudfront": lambda: cloudfront.CloudFrontParser(cloudfront.STANDARD_FIELDS),
            "cloudfront-realtime": lambda: cloudfront.CloudFrontParser(realtime),
            "fastly": fastly.FastlyParser,
            "cloudflare": cloudflare.CloudflareParser,
            "akamai": lambda: akamai.AkamaiParser(akamai_fields),
        }
        self._parsers: Mapping[str, Callable[[], LineParser]] = extended(own, "CDN_FORMATS", modules, "FORMATS")

    def open(self, spec: SourceSpec) -> LineParser:
        """A parser of the format a source is configured with; raises ConfigError when there is none of that name."""
        parser = self._parsers.get(spec.format)
        if parser is None:
            known = ", ".join(self._parsers)
            raise ConfigError(f"{spec.variable} has the format {spec.format!r} for {spec.name}; known are {known}")
        return parser()


def counter(parser: LineParser, tally: SourceTally, repeats: bool) -> ChunkCounter:
    """What counts lines that this parser reads; ``repeats`` says that the source may deliver a record twice."""
    if isinstance(parser, nginx.NginxParser) and not repeats:
        return NginxCounter(tally, parser)
    return LineCounter(tally, parser, RecentKeys() if repeats else None)
