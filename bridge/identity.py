"""Who asks: subject, tenant and roles, as a verified token says."""

from __future__ import annotations

from dataclasses import dataclass, field

ADMIN = "admin"
OPERATOR = "operator"
INGEST = "ingest"


@dataclass(frozen=True, slots=True)
class Identity:
    """The caller of a request. ``tenant_id`` is None for nobody in particular; ``expires`` is Unix seconds."""

    subject: str
    tenant_id: str | None
    roles: frozenset[str] = field(default_factory=frozenset)
    expires: float | None = None
    anonymous: bool = False

    @property
    def is_admin(self) -> bool:
        return ADMIN in self.roles

    def has_role(self, role: str) -> bool:
        """Whether the caller has this role; an admin has every role."""
        return role in self.roles or ADMIN in self.roles


EVERYONE = Identity("local", None, frozenset({ADMIN}))
"""The caller while authentication is off."""
ANONYMOUS = Identity("anonymous", None, anonymous=True)
"""A caller without a token where reading public streams needs none."""
