"""Further checks of a Low-Latency rendition: preload hints, listed parts and requests that must be refused."""

from __future__ import annotations

from urllib.parse import urljoin

from exporters import metrics
from exporters.errors import SourceUnreachableError
from exporters.hls.exchange import Exchange, StatusError
from exporters.hls.findings import Finding
from exporters.hls.lowlatency import HANG_TARGET_DURATIONS, impossible_request
from exporters.hls.media import MediaWatch
from exporters.hls.playlist import MediaPlaylist, Part
from exporters.hls.sampling import GONE
from exporters.hls.tables import HlsTables
from exporters.hls.violations import Violations

LATE_PARTS = 2
"""a hinted part that comes when so many further ones are listed came late"""


class LowLatencyChecks:
    """Makes one round of checks when asked."""

    def __init__(self, watch: MediaWatch, exchange: Exchange, tables: HlsTables, violations: Violations) -> None:
        self._watch = watch
        self._exchange = exchange
        self._tables = tables
        self._violations = violations

    async def round(self) -> None:
        """Follow a preload hint, fetch the newest part, and ask for what is far ahead."""
        playlist = self._watch.playlist
        if playlist is None or playlist.ended:
            return
        name = self._watch.name
        self._violations.update(f"hint:{name}", await self._hint(playlist))
        self._violations.update(f"part:{name}", await self._part())
        self._violations.update(f"refusal:{name}", await self._refusal(playlist))

    async def _hint(self, playlist: MediaPlaylist) -> list[Finding]:
        hint = next((one for one in playlist.hints if one.type == "PART"), None)
        if hint is None:
            return []
        wait = HANG_TARGET_DURATIONS * playlist.target_duration
        try:
            await self._exchange.get("part", urljoin(self._watch.final_url, hint.uri), timeout_seconds=wait, held=True)
        except StatusError as error:
            if error.status not in GONE:
                return []
            self._count("404")
            return [Finding("preload_hint_404", "", f"the hinted part {hint.uri} is not there")]
        except SourceUnreachableError:
            return []  # counted as a failed fetch
        parts = listed_parts(self._watch.playlist or playlist)
        after = next((number for number, part in enumerate(reversed(parts)) if part.uri == hint.uri), 0)
        self._count("late" if after >= LATE_PARTS else "used")
        return []

    async def _part(self) -> list[Finding]:
        playlist = self._watch.playlist
        parts = [part for part in listed_parts(playlist) if not part.gap and part.uri] if playlist else []
        if not parts:
            return []
        try:
            await self._exchange.get("part", urljoin(self._watch.final_url, parts[-1].uri))
        except StatusError as error:
            return [Finding("part_unavailable", parts[-1].uri, str(error))]
        except SourceUnreachableError:
            return []  # counted as a failed fetch
        return []

    async def _refusal(self, playlist: MediaPlaylist) -> list[Finding]:
        """A request more than two segments ahead must be answered with 400 at once (rfc8216bis §6.2.5.2)."""
        try:
            await self._exchange.probe(impossible_request(self._watch.url, playlist))
        except StatusError as error:
            if error.status == 400:
                return []
            return [Finding("blocking_reload_bad_request", "", f"status {error.status} instead of 400")]
        except SourceUnreachableError as error:
            hung = error.reason == "timeout"
            message = "a request far ahead was held instead of refused"
            return [Finding("blocking_reload_bad_request", "", message)] if hung else []
        return [Finding("blocking_reload_bad_request", "", "a request far ahead was answered instead of refused")]

    def _count(self, result: str) -> None:
        self._tables[metrics.HLS_PRELOAD_HINT].add(1, self._exchange.target.endpoint, result)


def listed_parts(playlist: MediaPlaylist) -> list[Part]:
    """All parts listed, in order."""
    return [part for one in playlist.segments for part in one.parts] + list(playlist.open_parts)
