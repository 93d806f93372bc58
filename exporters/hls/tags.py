"""What the m3u8 library loses of a playlist's text and a rule needs: read beside it, line by line, in the same pass."""

from __future__ import annotations

import re
from typing import Any

from exporters.hls.findings import Finding
from exporters.hls.playlist import DateRange, Hint, Key

# A comma inside a quoted value separates nothing (RFC 8216 §4.2).
ATTRIBUTE = re.compile(r'\s*([A-Za-z0-9-]+)\s*=\s*("[^"]*"|[^",]*)\s*(?:,|$)')
ONCE = ("#EXT-X-TARGETDURATION:", "#EXT-X-MEDIA-SEQUENCE:", "#EXT-X-DISCONTINUITY-SEQUENCE:", "#EXT-X-PLAYLIST-TYPE:")
VARIABLE = re.compile(r"\{\$([A-Za-z0-9_-]+)\}")


def attributes(line: str) -> dict[str, str]:
    """The attribute list after a tag's colon, quotes removed."""
    return {name.upper(): value.strip('"') for name, value in ATTRIBUTE.findall(line.partition(":")[2])}


class SideReader:
    """Sees every tag line before the library does (its ``custom_tags_parser``) and keeps what it would drop."""

    def __init__(self) -> None:
        self.keys: list[tuple[Key, ...]] = []
        """for each segment in order, the keys that apply: the library keeps only the last EXT-X-KEY"""
        self.hints: list[Hint] = []
        self.date_ranges: list[DateRange] = []
        self.flaws: list[Finding] = []
        self.infs = 0
        """EXTINF tags, to be compared with the segments that got a URI"""
        self.uris = 0
        """lines that are URIs, to be compared with the segments the library made"""
        self._seen: set[str] = set()
        self._keys: tuple[Key, ...] = ()
        self._fresh_keys = False

    def __call__(self, line: str, lineno: int, data: dict[str, Any], state: dict[str, Any]) -> bool:
        """Take one tag line; never claims it, so the library reads it too."""
        if line.startswith("#EXTINF"):
            self._inf(lineno, state)
        elif line.startswith("#EXT-X-KEY:"):
            self._key(line)
        elif line.startswith("#EXT-X-PRELOAD-HINT:"):
            found = attributes(line)
            self.hints.append(Hint(found.get("TYPE", ""), found.get("URI", "")))
        elif line.startswith("#EXT-X-DATERANGE:"):
            found = attributes(line)
            self.date_ranges.append(DateRange(found.get("ID", ""), tuple(sorted(found.items()))))
        elif line.startswith(ONCE):
            tag = line.partition(":")[0]
            if tag in self._seen:
                self.flaws.append(Finding("tag_repeated", tag, f"line {lineno}: {tag} appears again"))
            self._seen.add(tag)
        return False

    def _inf(self, lineno: int, state: dict[str, Any]) -> None:
        if "duration" in state.get("segment", {}):
            self.flaws.append(
                Finding("extinf_without_uri", str(lineno), f"line {lineno}: the EXTINF before has no URI")
            )
            self.keys.pop()
        self.infs += 1
        self.keys.append(self._keys)
        self._fresh_keys = False

    def _key(self, line: str) -> None:
        found = attributes(line)
        key = Key(
            found.get("METHOD", ""), found.get("URI", ""), found.get("IV", ""), found.get("KEYFORMAT", "identity")
        )
        # Several tags in a row with different formats all apply; the first after a segment replaces the earlier ones.
        kept = self._keys if self._fresh_keys else ()
        self._keys = () if key.method == "NONE" else (*kept, key)
        self._fresh_keys = True


def substitute(text: str, imported: dict[str, str] | None = None) -> str:
    """Replace ``{$name}`` by what EXT-X-DEFINE says (rfc8216bis §4.4.2.3); names nobody defined stay as they are."""
    if "#EXT-X-DEFINE:" not in text:
        return text
    known: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("#EXT-X-DEFINE:"):
            found = attributes(line)
            if "NAME" in found:
                known[found["NAME"]] = found.get("VALUE", "")
            for how in ("IMPORT", "QUERYPARAM"):
                if found.get(how, "") in (imported or {}):
                    known[found[how]] = (imported or {})[found[how]]
    return VARIABLE.sub(lambda match: known.get(match[1], match[0]), text)
