"""A stream as the registry keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Status = Literal["scheduled", "live", "ended", "cancelled"]
Privacy = Literal["public", "unlisted", "private"]


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One row of the registry; instants are aware and UTC. ``key`` is the stream key, where it can be shown."""

    id: str
    tenant_id: str
    user_id: str
    channel_id: str
    title: str
    slug: str
    status: Status
    created_at: datetime
    updated_at: datetime
    key: str | None = field(default=None, repr=False)
    description: str | None = None
    scheduled_start: datetime | None = None
    actual_start: datetime | None = None
    actual_end: datetime | None = None
    ended_by: Literal["caller", "absence"] | None = None
    last_published: datetime | None = None
    peak_viewers: int = 0
    total_views: int = 0
    thumbnail_url: str | None = None
    tags: tuple[str, ...] = ()
    category: str | None = None
    privacy: Privacy = "public"
    chat_enabled: bool = True
    recording_enabled: bool = False
    donations_enabled: bool = False
