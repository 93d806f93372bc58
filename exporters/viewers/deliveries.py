"""Hand-off records of the CDN exporter as reports: CMCD found in logs, and viewers inferred from requests alone."""

from __future__ import annotations

from collections.abc import Callable

from exporters.errors import SourceFormatError
from exporters.handoff import DeliveryRecord
from exporters.viewers import cmcd
from exporters.viewers.reports import Report, Viewer, report_key
from exporters.viewers.translate import CmcdTranslator
from exporters.viewers.viewers import ViewerResolver

MEDIA_KINDS = frozenset({"segment", "part"})
LATE_SECONDS = 300.0
"""Log records older than this say nothing about who watches now."""


class DeliveryReader:
    """Reads one record at a time."""

    def __init__(
        self,
        translator: CmcdTranslator,
        resolver: ViewerResolver,
        needs_viewer: Callable[[str], bool],
        ignored_agents: tuple[str, ...] = (),
    ) -> None:
        """``needs_viewer`` tells of a session key whether the engine wants to know who that is."""
        self._translator = translator
        self._resolver = resolver
        self._needs_viewer = needs_viewer
        self._ignored_agents = ignored_agents

    def report(self, record: DeliveryRecord, received: float) -> Report | None:
        """A record as a report, or None when it speaks of no viewer; raises SourceFormatError for bad CMCD."""
        if received - record.time > LATE_SECONDS:
            raise SourceFormatError("log record is too old", "clock")
        if record.cmcd:
            pairs = cmcd.parse(record.cmcd)
            if "sid" in pairs:
                key = report_key(record.stream, cmcd.text(pairs["sid"]))
                return self._translator.report(
                    pairs,
                    record.stream,
                    "cdn_log",
                    received,
                    self._viewer(record, received) if self._needs_viewer(key) else None,
                    time=record.time,
                    variant=record.variant if record.kind in MEDIA_KINDS else "",
                    kind=record.kind,
                    cdn=record.cdn,
                )
        if record.kind not in MEDIA_KINDS or not 200 <= record.status < 400:
            return None
        if record.user_agent.startswith(self._ignored_agents):
            return None  # a probe of ours or of others watches nothing
        return self._inferred(record, received, self._viewer(record, received))

    def _viewer(self, record: DeliveryRecord, received: float) -> Viewer:
        return self._resolver.viewer(record.stream, record.address, record.user_agent, record.country, received)

    def _inferred(self, record: DeliveryRecord, received: float, viewer: Viewer) -> Report | None:
        session = f"signed {record.signed_id[:64]}" if record.signed_id else f"inferred {viewer.identity:x}"
        if not record.signed_id and not record.address:
            return None
        throughput = record.bytes / record.seconds if record.seconds > 0.05 and record.bytes > 0 else -1.0
        return Report(
            session=session,
            stream=record.stream,
            transport="inferred",
            version=0,
            received=received,
            time=record.time,
            sequence=-1,
            event="",
            state="",
            media=True,
            starved=False,
            startup=False,
            buffer=-1.0,
            duration=-1.0,
            rate=-1.0,
            variant=record.variant,
            latency=-1.0,
            throughput=throughput,
            start_seconds=-1.0,
            errors=(),
            dropped_frames=-1,
            background=-1,
            cdn=record.cdn,
            kind=record.kind,
            status=0,
            time_to_first_byte=-1.0,
            interval=-1.0,
            user="",
            viewer=viewer,
        )
