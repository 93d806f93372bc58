"""Which rows an answer is about: scopes, and what they are filtered by."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.history.scopes import is_stream


@dataclass(frozen=True, slots=True)
class Filter:
    """Only these; empty means any. A region is a country's code, or the name of a region."""

    regions: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.regions or self.devices or self.qualities)

    def condition(self, country: str, region: str, device: str, variant: str) -> str:
        """The SQL condition on these columns; its parameters are ``regions``, ``devices`` and ``qualities``."""
        parts = ["true"]
        if self.regions:
            parts.append(f"({country} = ANY(%(regions)s) OR {region} = ANY(%(regions)s))")
        if self.devices:
            parts.append(f"{device} = ANY(%(devices)s)")
        if self.qualities:
            parts.append(f"{variant} = ANY(%(qualities)s)")
        return " AND ".join(parts)

    def parameters(self) -> dict[str, list[str]]:
        return {"regions": list(self.regions), "devices": list(self.devices), "qualities": list(self.qualities)}


@dataclass(frozen=True, slots=True)
class Selection:
    """Some scopes under a filter. Streams of one selection do not overlap, so that their sums add up."""

    scopes: tuple[str, ...]
    filter: Filter = Filter()

    @property
    def is_streams(self) -> bool:
        return all(is_stream(scope) for scope in self.scopes)

    def of(self, scope: str) -> Selection:
        """The same filter over one scope."""
        return Selection((scope,), self.filter)
