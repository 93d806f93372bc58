"""Hooks of media servers, which ask for permission to publish and tell of ends at once.

nginx-rtmp: https://github.com/arut/nginx-rtmp-module/wiki/Directives#notify — 2xx allows, 3xx to a bare name renames,
anything else refuses. SRS: https://ossrs.net/lts/en-us/docs/v6/doc/http-callback — ``{"code": 0}`` allows.
MediaMTX: https://mediamtx.org/docs/usage/authentication (HTTP-based) — 2xx allows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs

import orjson

from exporters.rtmp.book import StreamBook
from exporters.rtmp.fields import mapping, number, text
from exporters.rtmp.gate import Gate
from exporters.rtmp.mediamtx import split_path
from exporters.rtmp.srs import app_label
from exporters.rtmp.tallies import Tallies
from exporters.server import Reply, Request

MAX_OPEN = 10_000
MAX_FIELDS = 100
KEY_FIELD = "key"
NGINX_CALLS = {
    "publish": "on_publish",
    "publish_done": "on_publish_done",
    "update_publish": "on_update",
    "play": "on_play",
    "play_done": "on_play_done",
    "update_play": "on_update",
    "connect": "on_connect",
    "disconnect": "on_disconnect",
    "done": "on_done",
    "record_done": "on_record_done",
}
SRS_ACTIONS = frozenset({"on_publish", "on_unpublish", "on_play", "on_stop", "on_dvr", "on_hls", "on_hls_notify"})
MEDIAMTX_ACTIONS = frozenset({"publish", "read", "playback", "api", "metrics", "pprof"})
SRS_ALLOW = Reply(200, b'{"code":0}', "application/json")


class HookTargets:
    """Which polled target a hook comes from: the one its URL names (``?target=name``), or the only one there is."""

    def __init__(self, names: Collection[str] = ()) -> None:
        self._names = frozenset(names)
        self._only = next(iter(names)) if len(names) == 1 else ""

    def of(self, request: Request) -> str:
        """The target's name; empty where it is not known, then the poll that shows the publish tells it."""
        named = _first(_form(request.query.replace("?", "&", 1)), "target")
        return named if named in self._names else self._only


class NginxHooks:
    """Answers nginx-rtmp's hooks. nginx names a publish by what the client asked for until its end, which may be a
    key, so the public name is remembered by connection."""

    def __init__(self, gate: Gate, book: StreamBook, tallies: Tallies, targets: HookTargets) -> None:
        self._gate = gate
        self._book = book
        self._tallies = tallies
        self._targets = targets
        self._open: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def __call__(self, request: Request) -> Reply:
        # By GET nginx appends its fields with a question mark even to an address that has a query of its own.
        query = request.query.replace("?", "&", 1)
        fields = _form(query if request.method == "GET" else request.body.decode("utf-8", "replace"))
        event = NGINX_CALLS.get(_first(fields, "call"), "")
        if not event or not _first(fields, "app") or request.method not in ("GET", "POST"):
            self._tallies.hook("other", "malformed")
            return Reply(400, b"not a hook of nginx-rtmp\n")
        if event == "on_publish":
            return self._publish(fields, self._targets.of(request))
        app, client = _first(fields, "app"), _first(fields, "clientid")
        if event == "on_publish_done":
            self._book.end(app, self._public_name(fields, forget=True), client)
        elif _first(fields, "call") == "update_publish":
            seconds = number(_first(fields, "time")) or 0.0
            name = self._public_name(fields, forget=False)
            if name:
                self._book.confirm(app, name, client, seconds)
        self._tallies.hook(event, "taken")
        return Reply(200, b"ok\n")

    def _publish(self, fields: Mapping[str, list[str]], target: str) -> Reply:
        app, name, client = (_first(fields, one) for one in ("app", "name", "clientid"))
        verdict = self._gate.check(name, _keys(fields))
        self._tallies.hook("on_publish", verdict.result)
        if not verdict.name:
            return Reply(403, b"this stream key is not known\n")
        self._open[(app, client, name)] = verdict.name
        while len(self._open) > MAX_OPEN:
            self._open.popitem(last=False)
        self._book.begin(app, verdict.name, client, target)
        if verdict.name == name:
            return Reply(200, b"ok\n")
        return Reply(302, headers={"Location": verdict.name})

    def _public_name(self, fields: Mapping[str, list[str]], forget: bool) -> str:
        """The public name of a running publish; of one begun before we were, by asking the registry; or empty."""
        app, name, client = (_first(fields, one) for one in ("app", "name", "clientid"))
        found = self._open.get((app, client, name))
        if forget:
            self._open.pop((app, client, name), None)
        return found or self._gate.check(name, _keys(fields)).name


class SrsHooks:
    """Answers SRS's hooks. SRS cannot rename, so the key stands in the query: ``rtmp://host/live/<id>?key=<key>``."""

    def __init__(self, gate: Gate, book: StreamBook, tallies: Tallies, targets: HookTargets) -> None:
        self._gate = gate
        self._book = book
        self._tallies = tallies
        self._targets = targets

    def __call__(self, request: Request) -> Reply:
        fields = _json(request.body)
        action = text(fields.get("action"))
        if action not in SRS_ACTIONS:
            self._tallies.hook("other", "malformed")
            return _srs_refusal(400)
        app = app_label(text(fields.get("vhost")), text(fields.get("app")))
        stream, client = text(fields.get("stream")), text(fields.get("client_id"))
        if action == "on_publish":
            query = _form(text(fields.get("param")).lstrip("?"))
            keys = _keys(query)
            verdict = self._gate.check(stream, keys, may_rename=False)
            self._tallies.hook(action, verdict.result)
            if not verdict.name:
                return _srs_refusal(403)
            self._book.begin(app, stream, client, self._targets.of(request))
            return SRS_ALLOW
        if action == "on_unpublish":
            self._book.end(app, stream, client)
        self._tallies.hook(action, "taken")
        return SRS_ALLOW


class MediamtxHooks:
    """Answers MediaMTX's authentication requests: publishing needs the key, as for SRS or as password or token.

    Ends are found by polling. Its API and metrics are open to this machine alone, reading to everybody.
    """

    def __init__(self, gate: Gate, book: StreamBook, tallies: Tallies, targets: HookTargets) -> None:
        self._gate = gate
        self._book = book
        self._tallies = tallies
        self._targets = targets

    def __call__(self, request: Request) -> Reply:
        fields = _json(request.body)
        action = text(fields.get("action"))
        if action not in MEDIAMTX_ACTIONS:
            self._tallies.hook("other", "malformed")
            return Reply(400, b"not an authentication request of MediaMTX\n")
        if action == "publish":
            result = self._publish(fields, self._targets.of(request))
        elif action in ("read", "playback"):
            result = "allowed"
        else:
            result = "allowed" if _is_loopback(text(fields.get("ip"))) else "refused"
        self._tallies.hook(f"auth_{action}", result)
        return Reply(200, b"ok\n") if result == "allowed" else Reply(401, b"refused\n")

    def _publish(self, fields: Mapping[str, Any], target: str) -> str:
        query = _form(text(fields.get("query")))
        keys = _keys(query)
        keys += [text(fields[one]) for one in ("password", "token") if fields.get(one)]
        app, name = split_path(text(fields.get("path")))
        verdict = self._gate.check(name, keys, may_rename=False)
        if verdict.name:
            self._book.begin(app, name, text(fields.get("id")), target)
        return verdict.result


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _form(text: str) -> dict[str, list[str]]:
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return {}


def _first(fields: Mapping[str, list[str]], name: str) -> str:
    """The first value: nginx writes its own fields first and appends the client's query after them."""
    return fields.get(name, [""])[0]


def _keys(fields: Mapping[str, list[str]]) -> list[str]:
    """The keys given beside the name, in the query of the publish URL."""
    return fields.get(KEY_FIELD, [])


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        return mapping(orjson.loads(body))
    except orjson.JSONDecodeError:
        return {}


def _srs_refusal(code: int) -> Reply:
    return Reply(code, orjson.dumps({"code": code}), "application/json")
