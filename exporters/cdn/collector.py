"""The CDN collector: shows what the ledger has stored.

``livestream_cdn_requests_total{cdn="nginx",stream="demo",kind="segment",code_class="2xx",cache="hit"} 42``
"""

from __future__ import annotations

from collections.abc import Iterable

from exporters.cdn.tables import DeliveryTables
from exporters.exposition import Table


class DeliveryCollector:
    """Gives the delivery tables; they change only when a commit has been stored."""

    name = "delivery"

    def __init__(self, tables: DeliveryTables) -> None:
        self._tables = tables

    def collect(self) -> Iterable[Table]:
        return self._tables.public()
