"""``python -m deploy.docker.healthy HOST PORT PATH``: exit code 0 when it answers 200; the containers' health check.

It is started every few seconds in each container, so it speaks HTTP itself: importing an HTTP client costs far more.
"""

from __future__ import annotations

import socket
import sys

TIMEOUT_SECONDS = 4


def main(host: str, port: str, path: str) -> int:
    """Ask once; any other status, or none, is 1 and one line."""
    try:
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_SECONDS) as peer:
            peer.sendall(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
            status = peer.makefile("rb").readline(200).decode("latin-1").strip()
    except OSError as error:
        status = str(error)
    if status.split(" ")[1:2] == ["200"]:
        return 0
    print(f"http://{host}:{port}{path}: {status}")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
