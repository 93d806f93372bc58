"""CMCD of any version and transport as a Report."""

from __future__ import annotations

import re

from exporters.errors import SourceFormatError
from exporters.viewers.cmcd import Cmcd, flag, number, strings, text
from exporters.viewers.reports import STATES, Report, Viewer, is_plain

MAX_SESSION_ID, MAX_CONTENT_ID = 64, 128
EVENTS = frozenset(
    ("ps", "pr", "e", "t", "c", "b", "m", "um", "pe", "pc", "rr", "as", "ae", "abs", "abe", "sk", "bc", "ce")
)
_KBIT = 125.0  # kbit/s to bytes per second
_MEDIA_TYPES = frozenset({"v", "a", "av", "i", "c", "tt", "o"})
_OTHER_TYPES = frozenset({"m", "k"})
_NOT_VIDEO = frozenset({"a", "i", "c", "tt", "k", "m"})


class CmcdTranslator:
    """Turns CMCD into reports; ``renditions`` are the name endings that tell a rendition in a URL."""

    def __init__(self, renditions: tuple[str, ...] = ()) -> None:
        self._rendition = rendition_pattern(renditions)

    def report(
        self,
        cmcd: Cmcd,
        stream: str,
        transport: str,
        received: float,
        viewer: Viewer | None,
        *,
        time: float = -1.0,
        variant: str = "",
        kind: str = "",
        status: int = 0,
        cdn: str = "",
        newest: float = -1.0,
    ) -> Report:
        """One report; raises SourceFormatError (reasons parse, size, version) when it cannot be one.

        ``newest`` is the latest ``ts`` that came with it, in seconds.
        """
        session = text(cmcd.get("sid", ""))
        if not session or len(session) > MAX_SESSION_ID:
            raise SourceFormatError("sid is missing or too long", "size" if session else "parse")
        if not is_plain(session):
            raise SourceFormatError("sid has control characters", "parse")
        get = cmcd.get
        version = get("v", "1")
        if version not in ("1", "2"):
            raise SourceFormatError(f"CMCD version {version[:8]} is not known", "version")
        event = get("e", "")
        if event and event not in EVENTS:
            raise SourceFormatError(f"CMCD event {event[:8]} is not known", "parse")
        state = get("sta", "")
        if state and state not in STATES:
            state = ""
        object_type = get("ot", "")
        duration = _scaled(cmcd["d"], 0.001) if "d" in cmcd else -1.0
        media = object_type in _MEDIA_TYPES or (
            object_type not in _OTHER_TYPES and (kind in ("segment", "part") or duration >= 0)
        )
        url, codes, background = get("url"), get("ec"), get("bg")
        # Version 1 has no ts; what is sent as such is no clock that could be told from the edge's.
        told_time = told_moment(cmcd) if version == "2" or transport == "event" else -1.0
        return Report(
            session,
            stream,
            transport,
            2 if version == "2" else 1,
            received,
            told_time if told_time > 0 else time,
            _whole(cmcd["sn"]) if "sn" in cmcd else -1,
            event,
            state,
            media,
            "bs" in cmcd and flag(cmcd, "bs"),
            "su" in cmcd and flag(cmcd, "su"),
            _scaled(cmcd["bl"], 0.001) if "bl" in cmcd else -1.0,
            duration,
            _scaled(cmcd["br"], _KBIT) if "br" in cmcd and object_type not in _NOT_VIDEO else -1.0,
            variant or (self.variant(text(url)) if url else ""),
            _scaled(cmcd["ltc"], 0.001) if "ltc" in cmcd else -1.0,
            _scaled(cmcd["mtp"], _KBIT) if "mtp" in cmcd else -1.0,
            _scaled(cmcd["msd"], 0.001) if "msd" in cmcd else -1.0,
            tuple(strings(codes)[:8]) if codes else (),
            _whole(cmcd["dfa"]) if "dfa" in cmcd else -1,
            -1 if background is None else int(flag(cmcd, "bg")),
            cdn or text(get("cdn", ""))[:64],
            kind,
            status or (max(0, _whole(cmcd["rc"])) if "rc" in cmcd else 0),
            _scaled(cmcd["ttfb"], 0.001) if "ttfb" in cmcd else -1.0,
            -1.0,
            "",
            viewer,
            newest - told_time if 0 < told_time < newest else 0.0,
        )

    def variant(self, path: str) -> str:
        """The rendition a URL path names, such as ``720p`` of ``/hls/demo_720p/5.ts``; ``""`` when it names none."""
        found = self._rendition.search(path)
        return found.group(1) if found else ""


def told_moment(cmcd: Cmcd) -> float:
    """``ts`` in Unix seconds, or -1 when it is missing or no such number."""
    return _scaled(cmcd["ts"], 0.001) if "ts" in cmcd else -1.0


def _whole(value: str) -> int:
    """A whole number that the journal can hold, or -1 when it is none."""
    amount = number(value)
    return int(amount) if 0 <= amount < 2.0**63 else -1


def _scaled(value: str, factor: float) -> float:
    """A number in base units, or -1 when it is none."""
    try:
        amount = float(value[1:-1] if value[:1] == "(" else value)  # nearly always
    except ValueError:
        amount = number(value)
    return amount * factor if 0 <= amount < 1e15 else -1.0


def rendition_pattern(renditions: tuple[str, ...]) -> re.Pattern[str]:
    """Finds a rendition's name at the end of a path component, before a number or an extension."""
    names = "|".join(sorted((re.escape(name.lstrip("_")) for name in renditions), key=len, reverse=True))
    return re.compile(rf"_({names or '(?!)'})(?=[/.?-]|$)")


def content_id(cmcd: Cmcd) -> str:
    """``cid``, or ``""``; raises SourceFormatError when it is too long."""
    content = text(cmcd.get("cid", ""))
    if len(content) > MAX_CONTENT_ID:
        raise SourceFormatError("cid is too long", "size")
    return content
