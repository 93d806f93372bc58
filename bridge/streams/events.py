"""StreamEvent, the wire shape of a stream: the record with what the metrics show now."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bridge import contract
from bridge.config import Config
from bridge.identity import OPERATOR, Identity
from bridge.numbers import count
from bridge.snapshot import Snapshot, StreamState
from bridge.streams.observed import totals
from bridge.streams.record import StreamRecord
from prometheus import queries


def stream_event(
    record: StreamRecord, snapshot: Snapshot | None, config: Config, identity: Identity
) -> contract.StreamEvent:
    """The stream as this caller may see it; the key is there only for its owner, operators and admins."""
    live = snapshot.streams.get(record.id) if snapshot is not None else None
    viewers = count((live or StreamState(record.id)).value(queries.VIEWERS)) if record.status == "live" else 0
    most = totals(snapshot, record) if snapshot is not None and record.status == "live" else {}
    optional = {
        "description": record.description,
        "stream_key": record.key if may_see_key(identity, record) else None,
        "stream_url": config.rtmp_url,
        "playback_url": playback_url(config, record.id),
        "scheduled_start": _instant(record.scheduled_start),
        "actual_start": _instant(record.actual_start),
        "actual_end": _instant(record.actual_end),
        "thumbnail_url": record.thumbnail_url,
        "category": record.category,
    }
    event: dict[str, Any] = {
        "id": record.id,
        "title": record.title,
        "status": record.status,
        "viewer_count": viewers,
        "peak_viewers": most.get("peak_viewers", record.peak_viewers),
        "total_views": most.get("total_views", record.total_views),
        "created_at": _instant(record.created_at),
        "updated_at": _instant(record.updated_at),
        "tags": list(record.tags),
        "privacy": record.privacy,
        "chat_enabled": record.chat_enabled,
        "recording_enabled": record.recording_enabled,
        "donations_enabled": record.donations_enabled,
        "slug": record.slug,
        "tenant_id": record.tenant_id,
        "user_id": record.user_id,
        "channel_id": record.channel_id,
        **{name: value for name, value in optional.items() if value is not None},
    }
    return event  # type: ignore[return-value]


def may_see_key(identity: Identity, record: StreamRecord) -> bool:
    """Whether this caller may read or rotate the stream's key."""
    if identity.is_admin:
        return True
    if identity.anonymous or identity.tenant_id != record.tenant_id:
        return False
    return identity.has_role(OPERATOR) or (bool(record.user_id) and identity.subject == record.user_id)


def playback_url(config: Config, stream_id: str) -> str:
    """Where players fetch the stream: ``{stream}`` in the setting stands for its id, else it is a folder."""
    pattern = config.playback_url
    if "{stream}" not in pattern:
        pattern = pattern.rstrip("/") + "/{stream}.m3u8"
    return pattern.replace("{stream}", stream_id)


def _instant(value: datetime | None) -> str | None:
    return None if value is None else contract.instant(value.timestamp())
