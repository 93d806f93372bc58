"""``python -m deploy.kubernetes``: write the objects that are made from the project's rules and dashboards."""

from __future__ import annotations

from deploy.kubernetes.files import files
from deploy.local.config import PROJECT


def main() -> None:
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path.relative_to(PROJECT)}")


if __name__ == "__main__":
    main()
