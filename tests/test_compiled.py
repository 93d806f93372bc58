"""What setup.py compiles is what runs."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys

import pytest

from benchmarks import interpreted

SETUP = ast.parse((interpreted.ROOT / "setup.py").read_text("utf-8"))
COMPILED: dict[str, str] = next(
    ast.literal_eval(node.value)
    for node in SETUP.body
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "COMPILED"
)
SOURCES = [f"{package}/{module}.py" for package, modules in COMPILED.items() for module in modules.split()]
MODULES = [path.removesuffix(".py").replace("/", ".") for path in SOURCES]


@pytest.mark.skipif(bool(os.environ.get("INTERPRETED")), reason="the source was asked for")
@pytest.mark.parametrize("module", MODULES)
def test_a_hot_module_is_compiled(module: str) -> None:
    assert (importlib.import_module(module).__file__ or "").endswith(".so")


def test_nothing_else_is_compiled() -> None:
    found = {path.with_name(interpreted.source(path)) for path in (interpreted.ROOT / "exporters").rglob("*.so")}
    assert sorted(path.relative_to(interpreted.ROOT).as_posix() for path in found) == sorted(SOURCES)


def test_the_source_can_run_instead() -> None:
    program = f"""
import importlib
from benchmarks.interpreted import prefer_source
prefer_source()
print({{importlib.import_module(name).__file__.rpartition(".")[2] for name in {MODULES!r}}})
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=interpreted.ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "{'py'}\n"
