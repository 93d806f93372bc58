"""Backends: every kind of media server has its source, and settings name no other."""

from __future__ import annotations

import pytest

from exporters.errors import ConfigError
from exporters.rtmp.backends import BACKENDS, backend_of
from exporters.rtmp.mediamtx import MediamtxSource
from exporters.rtmp.sources import NginxSource
from exporters.rtmp.srs import SrsSource
from exporters.rtmp.targets import parse_target
from tests.rtmp.fixtures import Recorded


@pytest.mark.parametrize(
    ("name", "kind"), [("nginx-rtmp", NginxSource), ("srs", SrsSource), ("mediamtx", MediamtxSource)]
)
def test_each_backend_has_its_source(name: str, kind: type) -> None:
    target = parse_target("T", f"a={name}+http://h")
    assert isinstance(backend_of(target, BACKENDS).source(target, Recorded({})), kind)


def test_an_unknown_backend_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="RTMP_TARGETS: target a has the backend 'apache'; known are nginx-rtmp, srs"):
        backend_of(parse_target("RTMP_TARGETS", "a=apache+http://h"), BACKENDS)
