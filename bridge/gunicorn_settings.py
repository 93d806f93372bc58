"""How gunicorn runs the bridge; read by ``python -m bridge serve``."""

from __future__ import annotations

import os

from bridge.config import PREFIX, Config
from exporters import settings

_config = settings.read(Config, PREFIX, os.environ)

bind = [_config.listen]
worker_class = "bridge.worker.BridgeWorker"
workers = 1  # one poller and one hub a process; run more bridges to grow
backlog = 4096
worker_connections = 10_000  # requests in progress; open WebSockets are counted by the hub
timeout = 60
graceful_timeout = int(_config.drain_seconds + 15)
keepalive = 30
http_parser = "fast"
accesslog = None  # the app writes one line a request itself, without tokens
# What proxies say is judged by the app alone (BRIDGE_TRUSTED_PROXIES): the server looks at no peer and no such header.
forwarded_allow_ips = "*"
secure_scheme_headers = {}  # type: dict[str, str]
forwarder_headers = ""
proc_name = "bigfootlive-bridge"
limit_request_line = 16_384  # a token may be in the query
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None
control_socket_disable = True
