"""Each line is counted once, whatever its parser makes of it."""

from __future__ import annotations

from exporters.cdn.counting import LineCounter
from exporters.cdn.formats.nginx import NginxParser
from exporters.cdn.guards import Guards
from exporters.cdn.paths import PathMapper
from exporters.cdn.records import LogRecord
from exporters.cdn.tables import DeliveryTables
from exporters.cdn.tally import SourceTally
from exporters.cdn.times import SourceIdentity
from tests.cdn.scene import NOW, nginx_line, rows


class Faulty:
    """A parser with mistakes: it knows no heads, and not all lines."""

    cdn = "nginx"

    def begin(self, head: bytes) -> None:
        raise IndexError(head)

    def parse(self, line: bytes) -> LogRecord | None:
        if b"fault" in line:
            raise KeyError(line)
        return NginxParser().parse(line)


def test_a_parsers_mistake_costs_one_line_and_no_more() -> None:
    tables = DeliveryTables()
    tally = SourceTally(SourceIdentity("nginx", "edge"), tables, Guards(tables), PathMapper(), now=lambda: NOW)
    counter = LineCounter(tally, Faulty())
    counter.begin(b"head")
    counter.take(nginx_line() * 3 + b"fault\n" + nginx_line() * 2)
    tally.fold()
    tables.publish()
    assert rows(tables.records.public) == {("nginx", "edge", "ok"): 5, ("nginx", "edge", "parse_error"): 1}
    assert tables.requests.public.total() == 5
