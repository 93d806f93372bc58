"""Distinct viewers: HyperLogLog sketches (Apache DataSketches) of a broadcast, the last hour and the last day."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

import datasketches

LG_K = 14
"""2^14 registers: a standard error of 0.81 percent"""
WINDOWS = {"1h": (600, 6), "24h": (3600, 24)}
"""Window to the seconds of one sketch and how many sketches make it up"""


class Sketch:
    """One HyperLogLog sketch that can be written as text and merged."""

    __slots__ = ("_sketch",)

    def __init__(self, text: str = "") -> None:
        if text:
            self._sketch = datasketches.hll_sketch.deserialize(base64.b64decode(text))
        else:
            self._sketch = datasketches.hll_sketch(LG_K, datasketches.tgt_hll_type.HLL_4)

    def add(self, value: str) -> None:
        self._sketch.update(value)

    def estimate(self) -> float:
        return float(self._sketch.get_estimate())

    def text(self) -> str:
        """Base64 of the sketch; ``""`` when nothing was added."""
        return "" if self._sketch.is_empty() else base64.b64encode(self._sketch.serialize_compact()).decode()

    def is_empty(self) -> bool:
        return bool(self._sketch.is_empty())

    @staticmethod
    def merged(sketches: Iterable[Sketch]) -> Sketch:
        """The sketch of all that any of them has seen (register-wise maximum)."""
        union = datasketches.hll_union(LG_K)
        for one in sketches:
            union.update(one._sketch)
        whole = Sketch()
        whole._sketch = union.get_result(datasketches.tgt_hll_type.HLL_4)
        return whole


class UniqueWindows:
    """Distinct viewers of a broadcast, and of sliding windows made of smaller sketches."""

    __slots__ = ("_parts", "changed", "whole")

    def __init__(self) -> None:
        self.whole = Sketch()
        self.changed = True
        self._parts: dict[str, dict[int, Sketch]] = {name: {} for name in WINDOWS}

    def add(self, viewer: str, now: float) -> None:
        """Note a viewer who is there at ``now`` (Unix seconds)."""
        self.changed = True
        self.whole.add(viewer)
        for name, (seconds, count) in WINDOWS.items():
            parts = self._parts[name]
            slot = int(now) // seconds
            part = parts.get(slot)
            if part is None:
                part = parts[slot] = Sketch()
                for old in [one for one in parts if one <= slot - count]:
                    del parts[old]
            part.add(viewer)

    def window(self, name: str, now: float) -> Sketch:
        """The sketch of ``stream``, ``1h`` or ``24h``."""
        if name == "stream":
            return self.whole
        seconds, count = WINDOWS[name]
        last = int(now) // seconds
        return Sketch.merged(part for slot, part in self._parts[name].items() if last - count < slot <= last)

    def today(self, now: float) -> Sketch:
        """The sketch of the UTC day of ``now``."""
        first, last = int(now) // 86400 * 24, int(now) // 3600
        return Sketch.merged(part for slot, part in self._parts["24h"].items() if first <= slot <= last)

    def shift(self, now: float, by: float) -> None:
        """Our clock was set by so many seconds to ``now``: whoever was there so long ago still was."""
        self.changed = True
        for name, (seconds, _) in WINDOWS.items():
            last, slots = int(now) // seconds, round(by / seconds)
            moved: dict[int, list[Sketch]] = {}
            for slot, part in self._parts[name].items():
                moved.setdefault(min(slot + slots, last), []).append(part)
            self._parts[name] = {
                slot: parts[0] if len(parts) == 1 else Sketch.merged(parts) for slot, parts in moved.items()
            }

    def state(self) -> dict[str, Any]:
        """The sketches as texts, for a checkpoint."""
        parts = {name: [[slot, one.text()] for slot, one in rows.items()] for name, rows in self._parts.items()}
        return {"whole": self.whole.text(), "parts": parts}

    def restore(self, kept: dict[str, Any]) -> None:
        """Take a checkpoint back."""
        self.changed = True
        self.whole = Sketch(kept["whole"])
        for name in self._parts:
            self._parts[name] = {int(slot): Sketch(text) for slot, text in kept["parts"].get(name, [])}
