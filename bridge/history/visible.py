"""What of history a caller may see, by the tenancy of streams."""

from __future__ import annotations

from bridge.auth import current_identity
from bridge.history.goal_alerts import ALL
from bridge.history.history import History
from bridge.history.parameters import Asked
from bridge.history.scopes import EVERYTHING, tenant_scope
from bridge.history.selection import Selection
from bridge.problems import not_found, unauthorized
from bridge.services import Services


class Visible:
    """Turns what a request asks for into a selection of what its caller may see; else raises a Problem."""

    def __init__(self, services: Services, history: History) -> None:
        self._services = services
        self._history = history

    def selection(self, asked: Asked) -> Selection:
        """What of it the caller may see: the streams that are named, else all of the tenant's (an admin: of all)."""
        if asked.streams:
            for stream in asked.streams:
                self.check_stream(stream)
            return Selection(asked.streams, asked.filter)
        return Selection((self._wide_scope(),), asked.filter)

    def channel(self, channel_id: str, asked: Asked) -> Selection:
        """The streams of a channel; ``all`` is everything the caller may see. A stream's id names its own channel."""
        if channel_id == ALL:
            return self.selection(asked)
        identity = current_identity()
        tenant = None if identity.is_admin else identity.tenant_id
        found = self._history.streams_of_channel(channel_id, tenant)
        visible = tuple(one for one in found if self._services.access.may_see(identity, one))
        if not visible:
            if not self._history.is_known(channel_id):
                raise not_found("channel", channel_id)
            self._services.access.check(identity, channel_id)
            visible = (channel_id,)
        if asked.streams:
            visible = tuple(one for one in visible if one in asked.streams)
        return Selection(visible, asked.filter)

    def _wide_scope(self) -> str:
        identity = current_identity()
        if identity.is_admin:
            return EVERYTHING
        if identity.anonymous or not identity.tenant_id:
            raise unauthorized("missing", "numbers of all streams need a token with a tenant; name public streams")
        return tenant_scope(identity.tenant_id)

    def check_stream(self, stream_id: str) -> None:
        """Raises a 403 Problem for another tenant's stream, 404 for one that neither history nor anybody knows."""
        self._services.access.check(current_identity(), stream_id)
        if not self._history.is_known(stream_id):
            self._services.check_stream(current_identity(), stream_id)
