"""Takes what players, the app and the CDN exporter send, and hands it to the shard as inputs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from exporters.errors import SourceFormatError
from exporters.handoff import Batch
from exporters.viewers import beacons, cmcd
from exporters.viewers.admission import Admission, Verdict
from exporters.viewers.app_events import app_event, read_events
from exporters.viewers.deliveries import DeliveryReader
from exporters.viewers.engagement import MONEY_EVENTS
from exporters.viewers.inputs import HandoffTaken, Input
from exporters.viewers.limits import RateLimit
from exporters.viewers.mishaps import Mishaps
from exporters.viewers.reports import Report, Viewer, report_key
from exporters.viewers.shard import Shard
from exporters.viewers.translate import CmcdTranslator, content_id, told_moment
from exporters.viewers.viewers import ViewerResolver

log = logging.getLogger(__name__)
MAX_LINES = 256
TAKEN, BAD, UNKNOWN_STREAM, GONE, TOO_MANY, FORBIDDEN = 204, 400, 404, 410, 429, 403
_VERDICTS = {Verdict.UNKNOWN: UNKNOWN_STREAM, Verdict.ENDED: GONE}


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request."""

    address: str
    user_agent: str
    country: str
    trusted: bool = False
    """whether the sender may report revenue"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request: an HTTP status, how many reports were taken, and the first problem in words."""

    status: int
    taken: int
    problem: str = ""


class Refusal(Exception):
    """A report is not taken; ``reason`` is counted, ``status`` answered."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason


class Intake:
    """Parses, admits and limits reports. Each method takes a whole request and answers at once."""

    def __init__(
        self,
        shard: Shard,
        admission: Admission,
        resolver: ViewerResolver,
        translator: CmcdTranslator,
        address_limit: RateLimit,
        session_limit: RateLimit,
        ignored_agents: tuple[str, ...] = (),
        owns: Callable[[str], bool] = lambda session: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._shard = shard
        self._admission = admission
        self._resolver = resolver
        self._translator = translator
        self._deliveries = DeliveryReader(translator, resolver, shard.engine.needs_viewer, ignored_agents)
        self._address_limit = address_limit
        self._session_limit = session_limit
        self._owns = owns
        self._clock = clock
        self._mishaps = Mishaps("a report could not be read")

    def cmcd_lines(self, body: bytes, client: Client, stream: str = "") -> Outcome:
        """CMCD 2 event mode: one report a line. ``stream`` is used for lines without a content id."""
        lines = [line for line in body.decode("utf-8", "replace").splitlines() if line.strip()]
        if not lines or len(lines) > MAX_LINES:
            self._shard.tables.rejected.add(1, "parse" if not lines else "size")
            return Outcome(BAD, 0, f"expected 1 to {MAX_LINES} lines of CMCD")
        return self._cmcd_batch([_parsed(line) for line in lines], client, stream)

    def cmcd_json(self, body: bytes, client: Client, stream: str = "") -> Outcome:
        """CMCD as JSON: an object, or a list of objects."""
        try:
            rows = cmcd.parse_json(body)
            if not 1 <= len(rows) <= MAX_LINES:
                raise SourceFormatError(f"expected 1 to {MAX_LINES} reports", "size")
        except SourceFormatError as error:
            return self._refused(Refusal(BAD, error.reason, str(error)))
        return self._cmcd_batch(rows, client, stream)

    def _cmcd_batch(self, parsed: Sequence[cmcd.Cmcd | SourceFormatError], client: Client, stream: str) -> Outcome:
        received = self._clock()
        newest = -1.0
        for one in parsed if len(parsed) > 1 else ():
            if isinstance(one, dict):
                newest = max(newest, told_moment(one))
        return self._take_all(
            [partial(self._cmcd, one, stream, _transport(one), received, client, newest) for one in parsed], client
        )

    def cmcd_request(self, pairs: cmcd.Cmcd, transport: str, client: Client, stream: str = "") -> Outcome:
        """CMCD of one request, by query argument or headers."""
        received = self._clock()
        return self._take_all([partial(self._cmcd, pairs, stream, transport, received, client, -1.0)], client)

    def beacons(self, body: bytes, client: Client) -> Outcome:
        """Our JSON beacons."""
        received = self._clock()
        try:
            rows = beacons.read_beacons(body)
        except SourceFormatError as error:
            return self._refused(Refusal(BAD, error.reason, str(error)))
        newest = max(map(_beacon_time, rows))

        def report(row: dict[str, object]) -> Report:
            stream = beacons.beacon_stream(row)
            self._admit(stream)
            time = beacons.beacon_time(row)
            made = beacons.beacon_report(
                row,
                received,
                lambda session: self._viewer(stream, session, client, received),
                max(0.0, newest - time) if time > 0 else 0.0,
            )
            self._limit_session(stream, made.session)
            return made

        return self._take_all([partial(report, row) for row in rows], client)

    def app_events(self, body: bytes, client: Client) -> Outcome:
        """App events; those about money only from a trusted sender."""
        received = self._clock()
        try:
            rows = read_events(body)
        except SourceFormatError as error:
            return self._refused(Refusal(BAD, error.reason, str(error)))

        def event(row: dict[str, object]) -> Input:
            made = app_event(row, received)
            self._admit(made.stream)
            if made.event in MONEY_EVENTS and not client.trusted:
                raise Refusal(FORBIDDEN, "auth", f"{made.event} needs the events token")
            return made

        return self._take_all([partial(event, row) for row in rows], client)

    def handoff(self, batch: Batch) -> int:
        """A batch of log records; a batch that was taken before changes nothing. Gives how many were new."""
        if batch.sequence <= self._shard.handoffs.get(batch.source, -1):
            return 0
        received = self._clock()
        inputs: list[Input] = []
        for record in batch.records:
            try:
                self._admit(record.stream)
                report = self._deliveries.report(record, received)
            except Refusal as refusal:
                self._shard.tables.rejected.add(1, refusal.reason)
            except SourceFormatError as error:
                self._shard.tables.rejected.add(1, error.reason)
            except Exception as error:  # the batch would come again and again
                self._mishaps.note(error)
                self._shard.tables.rejected.add(1, "parse")
            else:
                # The CDN exporter tells every shard everything; each takes its own.
                if report is not None and self._owns(report.session):
                    inputs.append(report)
        inputs.append(HandoffTaken(batch.source, batch.sequence))
        return self._shard.take_batch(inputs, batch.source, batch.sequence)

    def _cmcd(
        self,
        pairs: cmcd.Cmcd | SourceFormatError,
        stream: str,
        transport: str,
        received: float,
        client: Client,
        newest: float,
    ) -> Report:
        if isinstance(pairs, SourceFormatError):
            raise pairs
        stream = content_id(pairs) or stream
        self._admit(stream)
        session = cmcd.text(pairs.get("sid", ""))
        self._limit_session(stream, session)
        viewer = self._viewer(stream, session, client, received)
        return self._translator.report(pairs, stream, transport, received, viewer, newest=newest)

    def _viewer(self, stream: str, session: str, client: Client, received: float) -> Viewer | None:
        if not self._shard.engine.needs_viewer(report_key(stream, session)):
            return None
        return self._resolver.viewer(stream, client.address, client.user_agent, client.country, received)

    def _admit(self, stream: str) -> None:
        verdict = self._admission.judge(stream)
        if verdict is not Verdict.TAKE:
            raise Refusal(_VERDICTS[verdict], verdict.value, verdict.sentence)

    def _limit_session(self, stream: str, session: str) -> None:
        if not self._session_limit.allows(report_key(stream, session)):
            raise Refusal(TOO_MANY, "rate", "too many reports of this session")

    def _take_all(self, makers: Sequence[Callable[[], Input]], client: Client) -> Outcome:
        if client.address and not self._address_limit.allows(client.address, len(makers)):
            self._shard.tables.rejected.add(len(makers), "rate")
            return Outcome(TOO_MANY, 0, "too many reports from this address")
        inputs: list[Input] = []
        first: Refusal | None = None
        for make in makers:
            try:
                inputs.append(make())
            except SourceFormatError as error:
                refusal = Refusal(BAD, error.reason, str(error))
            except Refusal as error:
                refusal = error
            except Exception as error:  # must not cost the others of the request
                self._mishaps.note(error)
                refusal = Refusal(BAD, "parse", "cannot be read")
            else:
                continue
            self._shard.tables.rejected.add(1, refusal.reason)
            first = first or refusal
        if inputs:
            self._shard.take(inputs)
        if first is None:
            return Outcome(TAKEN, len(inputs))
        # A batch is taken as far as it can be; only a batch without any good report is refused.
        return Outcome(TAKEN if inputs else first.status, len(inputs), str(first))

    def _refused(self, refusal: Refusal) -> Outcome:
        self._shard.tables.rejected.add(1, refusal.reason)
        return Outcome(refusal.status, 0, str(refusal))


def _transport(pairs: cmcd.Cmcd | SourceFormatError) -> str:
    """Events are worth more than reports about requests, however they are sent."""
    return "event" if isinstance(pairs, dict) and "e" in pairs else "query"


def _beacon_time(row: dict[str, object]) -> float:
    try:
        return beacons.beacon_time(row)
    except SourceFormatError:
        return -1.0  # refused by itself, with what is wrong


def _parsed(line: str) -> cmcd.Cmcd | SourceFormatError:
    try:
        return cmcd.parse(line.strip())
    except SourceFormatError as error:
        return error
