"""All dashboards, in the order an operator reads them."""

from __future__ import annotations

from pathlib import Path

from dashboards import audience, bridge, edge, fleet, ingest, packaging, slo, stream
from dashboards.model import Page

PAGES: tuple[Page, ...] = (
    fleet.PAGE,
    ingest.PAGE,
    packaging.PAGE,
    edge.PAGE,
    audience.PAGE,
    stream.PAGE,
    bridge.PAGE,
    slo.PAGE,
)
GENERATED = Path(__file__).parent / "generated"


def file_of(page: Page, folder: Path = GENERATED) -> Path:
    """Where the page's JSON is kept."""
    return folder / f"{page.uid}.json"
