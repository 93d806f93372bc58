"""Runs the compiled modules from their source: for profiles, which cannot look into compiled code, and to compare."""

from __future__ import annotations

import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path

ROOT = Path(__file__).parents[1]


def prefer_source() -> None:
    """From now on, imports from this checkout take a module's source although it is compiled; to be called first."""

    def finder(path: str) -> FileFinder:
        if not Path(path).is_relative_to(ROOT / "exporters"):
            raise ImportError(path)
        return FileFinder(path, (SourceFileLoader, SOURCE_SUFFIXES))

    sys.path_hooks.insert(0, finder)
    sys.path_importer_cache.clear()


def outdated() -> list[Path]:
    """Compiled modules that are older than their source."""
    compiled = [path for path in (ROOT / "exporters").rglob("*.so")]
    return [path for path in compiled if path.stat().st_mtime < path.with_name(source(path)).stat().st_mtime]


def source(compiled: Path) -> str:
    """The name of a compiled module's source."""
    return compiled.name.partition(".")[0] + ".py"
