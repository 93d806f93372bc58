"""Compiles the modules that every log line and every player report goes through; all else is in pyproject.toml."""

from mypyc.build import mypycify
from setuptools import setup

COMPILED = {
    "exporters/cdn": "counting guards records rows tally times formats/akamai formats/cloudflare "
    "formats/cloudfront formats/combined formats/fast formats/fastly formats/nginx formats/values",
    "exporters/viewers": "admission appending audience beacons broadcast clocks cmcd deliveries endings engagement "
    "engine facts inference inputs intake journal ledger lifecycle limits losses patience reports roster sequences "
    "session shard standing timeline translate viewers wheel",
}
"""Package → modules that call each other directly once they are compiled. Each runs the same from its source."""
CHECKED_ELSEWHERE = ["--config-file=", "--ignore-missing-imports"]
"""`make lint` checks types, with every dependency at hand; a build may have none of them."""

setup(
    ext_modules=[
        extension
        for package, modules in COMPILED.items()
        for extension in mypycify(
            [*CHECKED_ELSEWHERE, *(f"{package}/{module}.py" for module in modules.split())],
            opt_level="3",
            debug_level="0",
            group_name=f"bigfootlive_{package.rpartition('/')[2]}",
        )
    ]
)
