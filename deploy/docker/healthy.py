"""``python -m deploy.docker.healthy URL``: exit code 0 when the address answers 200; the containers' health check."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 4


def main(url: str) -> int:
    """Ask the address once; a status of 400 or more, or none, is 1 and one line."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS):
            return 0
    except (urllib.error.URLError, OSError) as error:
        print(f"{url}: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
