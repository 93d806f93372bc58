"""Grafana's provisioning files give the data sources and the folder of dashboards."""

from __future__ import annotations

from pathlib import Path

import yaml

import dashboards

PROVISIONING = Path(dashboards.__file__).parent / "provisioning"


def test_the_data_sources_are_prometheus_and_its_alertmanager() -> None:
    sources = yaml.safe_load((PROVISIONING / "datasources/livestream.yml").read_text("utf-8"))["datasources"]
    by_type = {one["type"]: one for one in sources}
    assert by_type["prometheus"]["isDefault"] and by_type["prometheus"]["jsonData"]["timeInterval"] == "5s"
    assert by_type["prometheus"]["jsonData"]["alertmanagerUid"] == by_type["alertmanager"]["uid"]
    assert by_type["alertmanager"]["jsonData"]["implementation"] == "prometheus"


def test_the_dashboards_are_read_from_a_folder_and_cannot_be_changed_by_hand() -> None:
    provider = yaml.safe_load((PROVISIONING / "dashboards/livestream.yml").read_text("utf-8"))["providers"][0]
    assert (provider["type"], provider["allowUiUpdates"], provider["disableDeletion"]) == ("file", False, True)
    assert provider["folderUid"] == "livestream"
