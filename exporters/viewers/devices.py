"""Device class, operating system and browser family of a user agent, all bounded."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ua_parser import parse

from exporters.viewers.broadcast import Device

UNKNOWN: Final = Device("other", "other", "other")
MAX_USER_AGENT = 512
CACHED_USER_AGENTS = 20_000
_TV = re.compile(
    r"\b(smart-?tv|tv|hbbtv|apple ?tv|googletv|roku|bravia|aft[a-z0-9]+|crkey|web0s|webos|tizen|viera|netcast)\b",
    re.IGNORECASE,
)
_CONSOLE = re.compile(r"playstation|xbox|nintendo", re.IGNORECASE)
_TABLET = re.compile(r"ipad|tablet|kindle|silk|playbook", re.IGNORECASE)
_MOBILE = re.compile(r"mobile|iphone|ipod|phone", re.IGNORECASE)
_SYSTEMS: Final = (
    ("Windows", "windows"),
    ("iOS", "ios"),
    ("Mac OS X", "macos"),
    ("Android", "android"),
    ("Chrome OS", "chromeos"),
    ("Tizen", "tizen"),
    ("Web0S", "webos"),
    ("Roku", "roku"),
    ("ATV OS X", "tvos"),
    ("Linux", "linux"),
    ("Ubuntu", "linux"),
    ("Fedora", "linux"),
    ("Debian", "linux"),
)
_BROWSERS: Final = (
    ("edge", "edge"),
    ("firefox", "firefox"),
    ("opera", "opera"),
    ("samsung", "samsung"),
    ("chrom", "chrome"),
    ("safari", "safari"),
    ("vlc", "vlc"),
    ("exoplayer", "exoplayer"),
    ("applecoremedia", "avplayer"),
)
_DESKTOPS = frozenset({"windows", "macos", "linux", "chromeos"})


@lru_cache(maxsize=CACHED_USER_AGENTS)
def device_of(user_agent: str) -> Device:
    """Device (desktop, mobile, tablet, tv, console, other), OS (at most 12 names) and browser (at most 10)."""
    if not user_agent:
        return UNKNOWN
    known = parse(user_agent[:MAX_USER_AGENT])
    family = known.os.family if known.os else ""
    system = next((name for start, name in _SYSTEMS if family.startswith(start)), "other")
    lowered = user_agent.lower()
    browser_family = (known.user_agent.family if known.user_agent else "").lower()
    browser = next((name for part, name in _BROWSERS if part in browser_family or part in lowered[:24]), "other")
    return Device(_kind(user_agent, system), system, browser)


def _kind(user_agent: str, system: str) -> str:
    if _CONSOLE.search(user_agent):
        return "console"
    if _TV.search(user_agent) or system in ("tizen", "webos", "roku", "tvos"):
        return "tv"
    if _TABLET.search(user_agent) or (system == "android" and not _MOBILE.search(user_agent)):
        return "tablet"
    if _MOBILE.search(user_agent) or system in ("ios", "android"):
        return "mobile"
    return "desktop" if system in _DESKTOPS else "other"
