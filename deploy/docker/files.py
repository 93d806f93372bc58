"""The configuration files of the compose stack, made from the project's own: nginx, Alertmanager, scrape targets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from deploy.local.config import PROJECT
from deploy.local.files import media_conf
from exporters.cdn.formats.nginx import log_format

FOLDER = PROJECT / "deploy/docker"
HEADER = "# Made by `python -m deploy.docker`.\n"
PRIVATE = "allow 127.0.0.0/8; allow 10.0.0.0/8; allow 172.16.0.0/12; allow 192.168.0.0/16; deny all;"
RELAY_PORT = 8090
HOOKS_RELAY = f"""
    # nginx-rtmp looks a host up once, at start: hooks pass here, where the exporter's address is looked up again.
    server {{
        listen 127.0.0.1:{RELAY_PORT};
        access_log off;
        resolver 127.0.0.11 valid=5s ipv6=off;
        set $exporter rtmp:9701;
        location /hooks/ {{
            proxy_pass http://$exporter;
            proxy_redirect off;
        }}
    }}
"""
FAST = {"rtmp": 9701, "viewers": 9704}
NORMAL = {"hls": 9702, "cdn": 9703, "bridge": 9705, "recorder": 9706}
HOPS = ("rtmp", "hls", "cdn", "viewers", "bridge")


def files() -> Mapping[Path, str]:
    """Each file's text by its path."""
    return {
        FOLDER / "nginx.conf": nginx_conf(),
        FOLDER / "alertmanager.yml": alertmanager_yml(),
        FOLDER / "targets/fast/compose.yml": _targets(FAST),
        FOLDER / "targets/normal/compose.yml": _targets(NORMAL),
        FOLDER / "targets/alertmanager.yml": HEADER + yaml.safe_dump([{"targets": ["alertmanager:9093"]}]),
    }


def nginx_conf() -> str:
    """The media container's nginx: open to its networks, state to private addresses alone."""
    return media_conf(
        var="/srv",
        error_log="stderr",
        user="",
        listen="0.0.0.0",
        stat_rules=PRIVATE,
        rtmp_port=1935,
        packager_port=1936,
        origin_port=8080,
        edge_port=8081,
        hooks_url=f"http://127.0.0.1:{RELAY_PORT}/hooks/nginx-rtmp",
        # Anybody may reach this edge, so no header tells the country; VIEWERS_GEO_DATABASE does.
        log_format=log_format(pop="compose"),
        hooks_relay=HOOKS_RELAY,
    )


def alertmanager_yml() -> str:
    """The project's Alertmanager configuration with the container's addresses."""
    text = (PROJECT / "prometheus/alertmanager.yml").read_text(encoding="utf-8")
    return HEADER + text.replace("127.0.0.1:8001", "bridge:8001").replace("/etc/bigfootlive/secrets", "/run/secrets")


def _targets(ports: Mapping[str, int]) -> str:
    groups = []
    for name, port in ports.items():
        labels = {"service": "livestream", **({"hop": name} if name in HOPS else {})}
        groups.append({"targets": [f"{name}:{port}"], "labels": labels})
    return HEADER + yaml.safe_dump(groups, sort_keys=False)
