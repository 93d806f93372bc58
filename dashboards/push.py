"""Pushes dashboards into a Grafana by its HTTP API, with a service-account token."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import requests

Result = Literal["created", "updated", "unchanged", "would create", "would update"]
SERVER_KEYS = ("id", "version")
"""What Grafana adds to a dashboard by itself."""


class PushError(Exception):
    """Grafana refused a request, or did not answer."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one dashboard."""

    uid: str
    title: str
    result: Result
    url: str


class Grafana:
    """The part of Grafana's API that dashboards need; raises PushError with Grafana's own message."""

    def __init__(self, url: str, token: str, timeout_seconds: float = 10.0) -> None:
        self._url = url.rstrip("/")
        self._timeout_seconds = timeout_seconds
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def folder(self, uid: str, title: str) -> None:
        """Make the folder when it is not there."""
        if self._call("GET", f"/api/folders/{uid}") is None:
            self._call("POST", "/api/folders", {"uid": uid, "title": title})

    def dashboard(self, uid: str) -> Mapping[str, Any] | None:
        """The dashboard as Grafana has it, without what Grafana adds; None when it has none."""
        found = self._call("GET", f"/api/dashboards/uid/{uid}")
        if found is None:
            return None
        return {key: value for key, value in found["dashboard"].items() if key not in SERVER_KEYS}

    def save(self, dashboard: Mapping[str, Any], folder: str, overwrite: bool, message: str) -> str:
        """Store the dashboard; gives its path in Grafana."""
        body = {"dashboard": {**dashboard, "id": None}, "folderUid": folder, "overwrite": overwrite, "message": message}
        return str((self._call("POST", "/api/dashboards/db", body) or {})["url"])

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        try:
            answer = self._session.request(method, f"{self._url}{path}", json=body, timeout=self._timeout_seconds)
        except requests.RequestException as error:
            raise PushError(f"{self._url} does not answer: {error}") from error
        if answer.status_code == 404 and method == "GET":
            return None
        try:
            content = answer.json()
        except requests.JSONDecodeError as error:
            raise PushError(f"{method} {path}: {answer.status_code}, and no JSON: is this a Grafana?") from error
        if not answer.ok:
            raise PushError(f"{method} {path}: {answer.status_code} {content.get('message', '')}".rstrip())
        return dict(content)


def push(
    grafana: Grafana,
    dashboards: Sequence[Mapping[str, Any]],
    *,
    folder: tuple[str, str] = ("livestream", "Live streaming"),
    overwrite: bool = False,
    dry_run: bool = False,
    message: str = "",
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Store the dashboards that differ from Grafana's in the folder (uid, title); a dry run only says what it would do.

    Without ``overwrite`` Grafana refuses to replace a dashboard that is there and differs (PushError, 412).
    """
    if not dry_run:
        grafana.folder(*folder)
    outcomes = []
    for one in dashboards:
        outcome = _push_one(grafana, one, folder[0], overwrite, dry_run, message)
        report(outcome)
        outcomes.append(outcome)
    return outcomes


def _push_one(
    grafana: Grafana, one: Mapping[str, Any], folder: str, overwrite: bool, dry_run: bool, message: str
) -> Outcome:
    uid, title = str(one["uid"]), str(one["title"])
    present = grafana.dashboard(uid)
    if present == one:
        return Outcome(uid, title, "unchanged", f"/d/{uid}")
    if dry_run:
        return Outcome(uid, title, "would update" if present else "would create", f"/d/{uid}")
    url = grafana.save(one, folder, overwrite, message)
    return Outcome(uid, title, "updated" if present else "created", url)
