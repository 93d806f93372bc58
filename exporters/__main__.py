"""``python -m exporters rtmp|hls|cdn|viewers``: run one exporter until it is told to stop."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from exporters import logs, settings
from exporters.checks import parse_address
from exporters.errors import ConfigError
from exporters.server import serve

KINDS = {
    "rtmp": "media servers: nginx-rtmp, SRS, MediaMTX",
    "hls": "playlists and segments, at the origin and each CDN",
    "cdn": "edge access logs of nginx, CloudFront, Fastly, Cloudflare, Akamai",
    "viewers": "viewer sessions from CMCD, beacons and app events",
}

DESCRIPTION = "Run one exporter until it is told to stop; `hls validate URL` checks one stream and ends."


def main(
    arguments: Sequence[str] | None = None,
    environ: Mapping[str, str] = os.environ,
    program: str = "python -m exporters",
) -> int:
    """Run the named exporter; exit code 2 with one clear line when the configuration is wrong."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if list(arguments[:2]) == ["hls", "validate"]:
        from exporters.hls import validate

        return int(validate.main(arguments[2:]))
    options = _parser(program).parse_args(arguments)
    # Each exporter's service module has CONFIG (a settings dataclass), PREFIX and build(config).
    module: Any = importlib.import_module(f"exporters.{options.kind}.service")
    variable = f"{module.PREFIX}LISTEN"
    try:
        logs.configure(environ)
        config = settings.read(module.CONFIG, module.PREFIX, environ)
        address = parse_address(variable, config.listen)
        service = module.build(config)
        if options.check_config:
            print(f"{options.kind}: configuration is fine")
            return 0
        serve(service, address, variable)
    except ConfigError as error:
        print(f"{options.kind} exporter: {error}", file=sys.stderr)
        return 2
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=DESCRIPTION)
    commands = parser.add_subparsers(dest="kind", required=True, metavar="|".join(KINDS))
    for kind, text in KINDS.items():
        command = commands.add_parser(kind, help=text, formatter_class=argparse.RawDescriptionHelpFormatter)
        command.description = f"Exports {text}. Settings are environment variables; docs/configuration.md lists them."
        command.add_argument("--check-config", action="store_true", help="check the settings and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
