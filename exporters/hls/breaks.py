"""Ad breaks of one rendition: begun by CUE-OUT, ended by CUE-IN, and how their length compares with the announced."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from exporters.hls.findings import Finding
from exporters.hls.playlist import Segment

DELTA_SECONDS = 1.0
OVERRUN = 2.0


@dataclass(frozen=True, slots=True)
class BreakNews:
    """What new segments told of ad breaks."""

    begun: int = 0
    delta_seconds: float | None = None
    """announced minus actual length of the last break that ended, where a length was announced"""
    findings: tuple[Finding, ...] = ()


class AdBreaks:
    """Follows the breaks through new segments in their order."""

    def __init__(self) -> None:
        self._open: int | None = None
        """the segment at which the present break began"""
        self._announced: float | None = None
        self._seconds = 0.0
        self._joined = False
        """whether a CUE-OUT was seen: the first CUE-IN may end a break that began before we looked"""

    def follow(self, segments: Iterable[Segment]) -> BreakNews:
        begun, delta, findings = 0, None, []
        for one in segments:
            if one.cue_in:
                if self._open is None and self._joined:
                    findings.append(Finding("cue_unpaired", str(one.msn), f"CUE-IN at {one.msn} ends no break"))
                elif self._open is not None and self._announced is not None:
                    delta = self._announced - self._seconds
                    if abs(delta) > DELTA_SECONDS:
                        message = f"announced {self._announced:g} s, lasted {self._seconds:g} s"
                        findings.append(Finding("ad_break_delta", str(self._open), message))
                self._open = None
            if one.cue_out:
                if self._open is not None:
                    findings.append(Finding("cue_unpaired", str(one.msn), f"CUE-OUT at {one.msn} within a break"))
                begun += 1
                self._joined = True
                self._open, self._announced, self._seconds = one.msn, one.cue_seconds, 0.0
            if self._open is not None:
                self._seconds += one.duration
                if self._announced and self._seconds > OVERRUN * self._announced + DELTA_SECONDS:
                    findings.append(Finding("cue_unpaired", str(self._open), f"no CUE-IN for CUE-OUT at {self._open}"))
        return BreakNews(begun, delta, tuple(findings))
