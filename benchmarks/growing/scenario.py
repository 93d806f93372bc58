"""The platform that the growth benchmark sizes, and how its audience behaves.

Every stream has the same audience. That is the case with the most series: with a few large streams and many small ones,
the small ones have fewer countries, devices and renditions to show.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

VIEWERS = 1_000_000
STREAMS = 2_000
SEGMENT_SECONDS = 4.0
"""Each viewer asks for one segment and one playlist this often, both with CMCD"""
REPORT_SECONDS = 10.0
"""Who reports over HTTP does it this often, one report a request"""
VISIT_SECONDS = 900.0
"""Mean length of a session"""
SHARDS = 8
"""Shards of the session engine; each holds an eighth of every stream's audience"""
CELLS, CELL_SHARDS = 4, 2
"""The same platform as four that share no stream, each with its own exporters, two shards and Prometheus"""
RENDITIONS = ("1080p", "720p", "480p", "360p")
COUNTRIES = (
    "US", "IN", "BR", "DE", "GB", "FR", "JP", "MX", "ID", "TR", "IT", "ES", "KR", "CA", "PL", "AR", "NL", "AU", "PH",
    "VN", "TH", "CO", "EG", "ZA", "SE", "NG", "BE", "CL", "AT", "CH", "PT", "RO", "CZ", "GR", "DK", "FI", "NO", "HU",
    "IE", "NZ",
)  # fmt: skip
"""The n-th has 1/n of the first one's viewers"""
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile "
    "Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Safari/605.1.15",
    "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/5.0 TV "
    "Safari/537.36",
    "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 "
    "Mobile/15E148 Safari/604.1",
)
SEGMENT_CMCD = (
    'bl={},br={},cid="{}",d=4000,dl=4100,mtp=23600,ot=av,rtp=10500,sf=h,sid="{:08d}-aaaa-4bbb-8ccc-111111111111",st=l,'
    "tb=6000{}"
)
PLAYLIST_CMCD = 'cid="{}",ot=m,sf=h,sid="{:08d}-aaaa-4bbb-8ccc-111111111111",st=l'
KILOBITS = {"1080p": 6000, "720p": 3000, "480p": 1400, "360p": 700}
_WEIGHTS = list(itertools.accumulate(1 / rank for rank in range(1, len(COUNTRIES) + 1)))


def stream_name(number: int) -> str:
    return f"ch-{number:04d}"


def countries(count: int) -> Sequence[str]:
    """The country of each of so many sessions."""
    return random.Random(11).choices(COUNTRIES, cum_weights=_WEIGHTS, k=count)


def segment_cmcd(session: int, stream: str, variant: str, first: bool) -> str:
    """What a player says with a segment request; with its first one, that it starts."""
    return SEGMENT_CMCD.format(4000 + session % 40 * 100, KILOBITS[variant], stream, session, ",su" if first else "")


def playlist_cmcd(session: int, stream: str) -> str:
    """What a player says when it asks for a playlist."""
    return PLAYLIST_CMCD.format(stream, session)


def address(session: int) -> str:
    """A public address of the session's own."""
    return f"{20 + (session >> 24)}.{session >> 16 & 255}.{session >> 8 & 255}.{session & 255}"


def in_batches(count: int, size: int) -> Iterator[range]:
    """The numbers below ``count``, so many at a time."""
    for start in range(0, count, size):
        yield range(start, min(start + size, count))
