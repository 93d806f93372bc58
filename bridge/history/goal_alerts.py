"""placeholder"""

from __future__ import annotations

from bridge.database import Connection


class GoalAlerts:
    def __init__(self, currency: str) -> None:
        self._currency = currency

    def turn(self, connection: Connection) -> bool:
        return False
