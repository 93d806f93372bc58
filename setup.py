"""Compiles the modules that every log line and every player report goes through; all else is in pyproject.toml."""

from mypyc.build import mypycify
from setuptools import setup

COMPILED = {
    "cdn": ["exporters/cdn/records.py"],
    "viewers": ["exporters/viewers/cmcd.py", "exporters/viewers/reports.py", "exporters/viewers/sequences.py"],
}
"""Hop → modules that call each other directly once they are compiled. Each runs the same from its source."""
CHECKED_ELSEWHERE = ["--config-file=", "--ignore-missing-imports"]
"""`make lint` checks types, with every dependency at hand; a build may have none of them."""

setup(
    ext_modules=[
        extension
        for hop, modules in COMPILED.items()
        for extension in mypycify(
            [*CHECKED_ELSEWHERE, *modules], opt_level="3", debug_level="0", group_name=f"bigfootlive_{hop}"
        )
    ]
)
