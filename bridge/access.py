"""Tenancy: which streams a caller may see."""

from __future__ import annotations

from typing import Protocol

from bridge.identity import Identity
from bridge.problems import forbidden, unauthorized

PUBLIC = "public"


class Ownership(Protocol):
    """The tenant that owns a stream, and who may watch it: public, unlisted or private."""

    @property
    def tenant_id(self) -> str: ...

    @property
    def privacy(self) -> str: ...


class Owners(Protocol):
    """Looks a stream's owner up in memory; None for a stream it does not know."""

    def owner_of(self, stream_id: str) -> Ownership | None: ...


class Access:
    """Answers whether a caller may see a stream; streams no registry knows belong to the default tenant."""

    def __init__(self, owners: Owners | None, default_tenant: str) -> None:
        self._owners = owners
        self._default_tenant = default_tenant

    def tenant_of(self, stream_id: str) -> str:
        owner = self._owners.owner_of(stream_id) if self._owners else None
        return owner.tenant_id if owner else self._default_tenant

    def may_see(self, identity: Identity, stream_id: str) -> bool:
        if identity.is_admin:
            return True
        owner = self._owners.owner_of(stream_id) if self._owners else None
        if identity.anonymous:
            return owner is None or owner.privacy == PUBLIC
        return identity.tenant_id == (owner.tenant_id if owner else self._default_tenant)

    def check(self, identity: Identity, stream_id: str) -> None:
        """Raises a 403 Problem for another tenant's stream, 401 where a token might open it."""
        if not self.may_see(identity, stream_id):
            if identity.anonymous:
                raise unauthorized("missing", "this stream is not public; it needs a token")
            raise forbidden("this stream belongs to another tenant")
