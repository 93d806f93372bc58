"""The internal port's routes: hand-off batches of the CDN exporter and app events of the bridge."""

from __future__ import annotations

import orjson

from exporters.errors import SourceFormatError
from exporters.handoff import read_batch
from exporters.server import Reply, Request
from exporters.viewers.intake import TAKEN, Client, Intake

JSON = "application/json"


class InternalRoutes:
    """What other parts of the platform send; this port is not for the internet."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    def handoff(self, request: Request) -> Reply:
        """``POST /handoff``: 200 ``{"taken": n, "sequence": last}``; a batch taken before is answered the same way."""
        if request.method != "POST":
            return Reply(405, b"POST a hand-off batch\n")
        try:
            batch = read_batch(request.body)
        except SourceFormatError as error:
            return Reply(400, f"{error}\n".encode())
        taken = self._intake.handoff(batch)
        return Reply(200, orjson.dumps({"taken": taken, "sequence": batch.sequence}), JSON)

    def events(self, request: Request) -> Reply:
        """``POST /events``: app events from the bridge, which knows who sent them; 202, or the problem."""
        if request.method != "POST":
            return Reply(405, b"POST app events\n")
        outcome = self._intake.app_events(request.body, Client("", "", "", trusted=True))
        status = 202 if outcome.status == TAKEN else outcome.status
        return Reply(status, orjson.dumps({"taken": outcome.taken, "problem": outcome.problem}), JSON)
