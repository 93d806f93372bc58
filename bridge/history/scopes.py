"""Scopes: what a roll-up sums over. A stream's id, ``@tenant`` for all streams of a tenant, or ``@`` for everything."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bridge.database import Connection

EVERYTHING = "@"


def tenant_scope(tenant_id: str) -> str:
    """The scope of all streams of a tenant."""
    return f"@{tenant_id}"


def is_stream(scope: str) -> bool:
    """Whether a scope is one stream; stream ids do not begin with @."""
    return not scope.startswith("@")


def recording(first: str, last: str, source: str) -> str:
    """The statement that notes the streams of ``source`` as recorded, from the earliest to the latest moment there."""
    return f"""
INSERT INTO recorded_streams (stream, tenant, first_at, last_at)
SELECT stream, tenant, min({first}), max({last}) FROM {source} GROUP BY stream, tenant ORDER BY stream
ON CONFLICT (stream) DO UPDATE SET tenant = excluded.tenant,
  first_at = least(recorded_streams.first_at, excluded.first_at),
  last_at = greatest(recorded_streams.last_at, excluded.last_at)"""


class Tenants:
    """Which tenant owns which stream, as the registry's table says; streams it does not know are the default's."""

    def __init__(self, default_tenant: str, owners: Mapping[str, str] = MappingProxyType({})) -> None:
        self._default_tenant = default_tenant
        self._owners = owners

    @classmethod
    def load(cls, connection: Connection, default_tenant: str) -> Tenants:
        """The owners as they are now."""
        rows = connection.execute("SELECT id, tenant_id FROM streams").fetchall()
        return cls(default_tenant, dict(rows))

    def of(self, stream: str) -> str:
        return self._owners.get(stream, self._default_tenant)
