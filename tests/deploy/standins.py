"""Stand-ins for the compose file's images, made without a registry: small roots over this machine's own programs.

They keep what the wiring depends on in the real images: name, entry point, work folder, and owners of data folders.
Grafana is in no Debian release: its stand-in looks at what Grafana would need, and answers its health check.
"""

from __future__ import annotations

import io
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.config import PROJECT
from tests.servers import POSTGRES_BIN

APP, NOBODY, POSTGRES, GRAFANA = 10001, 65534, 70, 472
USERS = "root:x:0:0::/:/bin/sh\n" + "".join(
    f"{name}:x:{number}:{number}::/:/bin/sh\n"
    for name, number in (("app", APP), ("nobody", NOBODY), ("postgres", POSTGRES), ("grafana", GRAFANA))
)
LINKS = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", "lib64")} | {"opt/tools/wget": "/usr/bin/busybox"}
SYSTEM = ("/usr", "/etc/alternatives", "/etc/nginx")
PYTHON = tuple(dict.fromkeys((str(PROJECT), sys.prefix, sys.base_prefix)))
DATABASE = """#!/bin/sh
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb -D "$PGDATA" -U "$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --auth=scram-sha-256 --no-sync -E UTF8
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE"); export PGPASSWORD
  pg_ctl -D "$PGDATA" -w -o "-c listen_addresses= -c unix_socket_directories=/var/run/postgresql" start
  createdb -h /var/run/postgresql -U "$POSTGRES_USER" "$POSTGRES_DB"
  pg_ctl -D "$PGDATA" -m fast -w stop
fi
exec postgres -D "$PGDATA" -c 'listen_addresses=*' -c unix_socket_directories=/var/run/postgresql
"""
DASHBOARDS = """
import http.server, json, os, pathlib
root = pathlib.Path("/etc/grafana")
assert (root / "provisioning/datasources/livestream.yml").read_text()
assert (root / "provisioning/dashboards/livestream.yml").read_text()
found = [json.loads(path.read_text())["uid"] for path in (root / "dashboards/livestream").glob("*.json")]
assert "livestream-fleet" in found, found
assert pathlib.Path(os.environ["GF_SECURITY_ADMIN_PASSWORD__FILE"]).read_text()
pathlib.Path("/var/lib/grafana/grafana.db").write_text("")
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()
http.server.HTTPServer(("0.0.0.0", 3000), Answer).serve_forever()
"""


@dataclass(frozen=True)
class StandIn:
    """An image: instructions as in a Dockerfile, folders with their owner, files with their text, mounts it needs."""

    changes: Sequence[str]
    folders: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    mounts: Sequence[str] = SYSTEM


def stand_ins(prometheus: Path) -> dict[str, StandIn]:
    """By image name; ``prometheus`` is the folder that holds that program."""
    docker = PROJECT / "deploy/docker"
    home = "/var/lib/bigfootlive"
    ours = StandIn(
        (_path(f"{sys.prefix}/bin"), "ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1", f"WORKDIR {home}"),
        {home: APP, f"{home}/spool": APP, f"{home}/state": APP},
        {"opt/bigfootlive/demo.sh": (docker / "demo.sh").read_text("utf-8")},
        (*SYSTEM, *PYTHON),
    )
    media = StandIn(
        (_path(), 'CMD ["sh", "/etc/bigfootlive/media.sh"]'),
        {"/srv/media": APP, "/srv/media/hls": APP, "/srv/log": APP, "/srv/run": APP},
        {f"etc/bigfootlive/{name}": (docker / name).read_text("utf-8") for name in ("nginx.conf", "media.sh")},
    )
    server = StandIn(
        (_path(), f'ENTRYPOINT ["{prometheus}/prometheus"]', "WORKDIR /prometheus"),
        {"/prometheus": NOBODY},
        mounts=(*SYSTEM, str(prometheus)),
    )
    alerts = StandIn((_path(), 'ENTRYPOINT ["/usr/bin/prometheus-alertmanager"]'), {"/alertmanager": NOBODY})
    data = "/var/lib/postgresql/data"
    database = StandIn(
        (_path(str(POSTGRES_BIN[0])), f"ENV PGDATA={data}", 'CMD ["sh", "/opt/database.sh"]'),
        {data: POSTGRES},
        {"opt/database.sh": DATABASE},
    )
    grafana = StandIn(
        (_path(f"{sys.prefix}/bin"), 'CMD ["python", "/opt/dashboards.py"]'),
        {"/var/lib/grafana": GRAFANA},
        {"opt/dashboards.py": DASHBOARDS},
        (*SYSTEM, *PYTHON),
    )
    return {
        "bigfootlive/analytics": ours,
        "bigfootlive/demo": ours,
        "bigfootlive/media": media,
        "prom/prometheus": server,
        "prom/alertmanager": alerts,
        "timescale/timescaledb": database,
        "grafana/grafana": grafana,
    }


def import_image(client: Any, image: str, stand_in: StandIn) -> None:
    """Make a stand-in under the image's full name."""
    name, _, tag = image.partition(":")
    client.api.import_image_from_data(_root(stand_in), repository=name, tag=tag, changes=list(stand_in.changes))


def override(services: Mapping[str, Any], found: Mapping[str, StandIn]) -> dict[str, Any]:
    """A second compose file: the mounts under the stand-ins, and health asked for more often."""
    changed: dict[str, Any] = {}
    for name, service in services.items():
        mounts = found[service["image"].partition(":")[0]].mounts
        changed[name] = {"volumes": [f"{path}:{path}:ro" for path in mounts]}
        if "healthcheck" in service:
            changed[name]["healthcheck"] = {"interval": "2s", "retries": 60}
    return {"services": changed}


def _path(*folders: str) -> str:
    return "ENV PATH=" + ":".join([*folders, "/opt/tools", "/usr/bin", "/usr/sbin"])


def _root(stand_in: StandIn) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, target in LINKS.items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            tar.addfile(link)
        for path, owner in {"/tmp": 0, "/run": 0, "/var/run": 0, **stand_in.folders}.items():
            folder = tarfile.TarInfo(path[1:])
            folder.type, folder.mode, folder.uid, folder.gid = tarfile.DIRTYPE, 0o755, owner, owner
            tar.addfile(folder)
        for name, text in {"etc/passwd": USERS, "etc/nsswitch.conf": "hosts: files dns\n", **stand_in.files}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), 0o644
            tar.addfile(info, io.BytesIO(text.encode()))
    return content.getvalue()
