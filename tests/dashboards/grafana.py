"""A small server with the part of Grafana's HTTP API that pushing dashboards uses, kept in memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "glsa_test"


class FakeGrafana(ThreadingHTTPServer):
    """Folders and dashboards by uid; ``requests`` is what was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folders: dict[str, str] = {}
        self.dashboards: dict[str, dict[str, Any]] = {}
        self.folder_of: dict[str, str] = {}
        self.requests: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeGrafana

    def do_GET(self) -> None:
        if not self._admitted():
            return
        uid = self.path.rpartition("/")[2]
        if self.path.startswith("/api/folders/") and uid in self.server.folders:
            self._answer(200, {"uid": uid, "title": self.server.folders[uid]})
        elif self.path.startswith("/api/dashboards/uid/") and uid in self.server.dashboards:
            self._answer(200, {"dashboard": self.server.dashboards[uid], "meta": {"url": f"/d/{uid}"}})
        else:
            self._answer(404, {"message": "not found"})

    def do_POST(self) -> None:
        if not self._admitted():
            return
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/api/folders":
            self.server.folders[body["uid"]] = body["title"]
            self._answer(200, body)
            return
        uid = body["dashboard"]["uid"]
        present = self.server.dashboards.get(uid)
        if present and not body["overwrite"] and present["version"] != body["dashboard"].get("version"):
            self._answer(
                412, {"message": "The dashboard has been changed by someone else", "status": "version-mismatch"}
            )
            return
        version = present["version"] + 1 if present else 1
        self.server.dashboards[uid] = {**body["dashboard"], "id": len(self.server.dashboards) + 1, "version": version}
        self.server.folder_of[uid] = body["folderUid"]
        self._answer(200, {"uid": uid, "url": f"/d/{uid}/{uid}", "status": "success", "version": version})

    def _admitted(self) -> bool:
        self.server.requests.append((self.command, self.path))
        if self.headers["Authorization"] == f"Bearer {TOKEN}":
            return True
        self._answer(401, {"message": "Invalid API key"})
        return False

    def _answer(self, status: int, body: object) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def grafana() -> Iterator[FakeGrafana]:
    server = FakeGrafana()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
