"""Which rows an answer is about: scopes, and what they are filtered by."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.history.records import DEVICES
from bridge.history.scopes import is_stream

CODE_LENGTH = 2
"""A region of two letters is a country's code."""


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
        """The SQL condition on these columns; its parameters come from ``parameters``."""
        parts = ["true"]
        codes = any(len(one) == CODE_LENGTH for one in self.regions)
        names = any(len(one) != CODE_LENGTH for one in self.regions)
        if codes and names:
            parts.append(f"({country} = ANY(%(countries)s) OR {region} = ANY(%(regions)s))")
        elif codes:  # alone, so that an index that has the country can be used
            parts.append(f"{country} = ANY(%(countries)s)")
        elif names:
            parts.append(f"{region} = ANY(%(regions)s)")
        if not self.is_empty:  # all of them, where none is asked for: the index begins with the device
            parts.append(f"{device} = ANY(%(devices)s)")
        if self.qualities:
            parts.append(f"{variant} = ANY(%(qualities)s)")
        return " AND ".join(parts)

    def parameters(self) -> dict[str, list[str]]:
        return {
            "countries": [one for one in self.regions if len(one) == CODE_LENGTH],
            "regions": [one for one in self.regions if len(one) != CODE_LENGTH],
            "devices": list(self.devices or DEVICES),
            "qualities": list(self.qualities),
        }


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
