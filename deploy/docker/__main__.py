"""``python -m deploy.docker``: write the compose stack's configuration files from the project's own."""

from __future__ import annotations

from deploy.docker.files import files
from deploy.local.config import PROJECT


def main() -> None:
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
