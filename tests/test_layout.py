"""Imports go one way, and names, queries and wire types are written in one place each."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("exporters", "prometheus", "bridge", "dashboards", "deploy")
MAY_IMPORT = {
    "exporters": ("exporters",),
    "exporters.metrics": (),
    "prometheus": ("prometheus", "exporters.metrics"),
    "dashboards": ("dashboards", "prometheus", "exporters.metrics"),
    "bridge": (
        "bridge",
        "exporters.metrics",
        "exporters.settings",
        "exporters.checks",
        "exporters.logs",
        "exporters.errors",
        "exporters.exposition",
        "exporters.discovery",
        "exporters.loop",
        "exporters.nesting",
        "exporters.collecting",
        "exporters.server",
        "prometheus.queries",
        "prometheus.objectives",
    ),
    "bridge.history": ("exporters.viewers.spool",),
    "bridge.streams": ("exporters.naming", "exporters.rtmp"),
    "bridge.contract": (),
    "deploy": ("deploy", "exporters", "bridge"),
}
"""Which of our modules a package or module may import; a longer name adds to its package, an empty one forbids all."""
FRAMEWORKS = {
    "flask": ("bridge",),
    "gevent": ("bridge", "exporters.viewers", "exporters.hls"),
    "grafanalib": ("dashboards",),
}
"""Who may import a framework."""
METRIC_NAMES = ("exporters/metrics.py", "prometheus/")
"""Where metric names may be written."""
METRIC_NAME = re.compile(r"\blivestream_[a-z]+_[a-z_]+")
PROMQL = re.compile(r"\b(rate|increase|sum|max|histogram_quantile|avg_over_time)\s*(by\s*\([^)]*\)\s*)?\([^)]*[\[{]")


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))}


def imported(tree: ast.AST) -> Iterator[str]:
    """Every module that is imported, the names of ``from`` imports as modules where they are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            assert node.level == 0, "imports name the whole path"
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield name if name in MODULES else base


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in packages)


def allowed(module: str) -> tuple[str, ...]:
    """What a module may import of ours: nothing where its own entry is empty, else all that its packages may."""
    parts = module.split(".")
    names = [".".join(parts[: index + 1]) for index in range(len(parts))]
    if any(MAY_IMPORT.get(name) == () for name in names):
        return ()
    return tuple(one for name in names for one in MAY_IMPORT.get(name, ()))


def texts(tree: ast.Module) -> Iterator[ast.Constant]:
    """Every text but docstrings and the pieces of documented attributes."""
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_lies_before_it(module: str) -> None:
    names = set(imported(ast.parse(MODULES[module].read_text("utf-8"))))
    ours = {name for name in names if within(name, PACKAGES)}
    assert sorted(name for name in ours if not within(name, allowed(module))) == []
    for framework, users in FRAMEWORKS.items():
        assert within(module, users) or not any(within(name, (framework,)) for name in names), framework


@pytest.mark.parametrize("module", MODULES)
def test_metric_names_and_queries_are_written_where_they_belong(module: str) -> None:
    path = MODULES[module].relative_to(ROOT).as_posix()
    if path.startswith(METRIC_NAMES):
        return
    tree = ast.parse(MODULES[module].read_text("utf-8"))
    found = [node for node in texts(tree) if METRIC_NAME.search(node.value) or PROMQL.search(node.value)]
    assert [(node.lineno, node.value[:60]) for node in found] == []


def test_the_vocabulary_and_the_contract_stand_alone() -> None:
    for module in ("exporters.metrics", "bridge.contract"):
        names = set(imported(ast.parse(MODULES[module].read_text("utf-8"))))
        assert {name.partition(".")[0] for name in names} <= set(sys.stdlib_module_names)


def test_no_module_of_ours_shadows_an_installed_one() -> None:
    import prometheus_client

    assert "site-packages" in (prometheus_client.__file__ or "")
    assert not {path.stem for path in ROOT.glob("*.py")} & set(sys.stdlib_module_names)
