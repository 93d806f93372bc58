"""Scrape targets, read by a real Prometheus in the test of the launcher."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from bridge.containers.model import Container
from bridge.containers.targets import TargetsFile, target_groups

RUNNING = Container("ctr-1", "demo", "acme", "small", 0, "running", 1935, 8080, 9801, "h")
GROUP = {
    "targets": ["media.example:9801"],
    "labels": {"service": "livestream", "hop": "rtmp", "container": "ctr-1", "event": "demo"},
}


def test_running_servers_with_an_exporter_are_targets() -> None:
    stopped = Container("ctr-2", "other", "acme", "small", 0, "stopped", 0, 0, 9802, "h")
    bare = Container("ctr-3", "third", "acme", "small", 0, "running", 1, 2, 0, "h")
    assert target_groups([RUNNING, stopped, bare], "media.example") == [GROUP]


def test_the_file_is_yaml_or_json_by_its_name_and_readable_by_others(tmp_path: Path) -> None:
    for name in ("made/media.yml", "made/media.json"):
        path = tmp_path / name
        TargetsFile(path).write([GROUP])
        text = path.read_text()
        assert (json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)) == [GROUP]
        assert path.stat().st_mode & 0o777 == 0o644
    assert sorted(one.name for one in (tmp_path / "made").iterdir()) == ["media.json", "media.yml"]


def test_the_same_targets_are_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "media.yml"
    file = TargetsFile(path)
    file.write([GROUP])
    path.unlink()
    file.write([GROUP])
    assert not path.exists()
    file.write([])
    assert yaml.safe_load(path.read_text()) == []
