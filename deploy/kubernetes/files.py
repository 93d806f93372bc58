"""Kubernetes objects made from the project's own rules and dashboards: PrometheusRule and ConfigMaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.local.config import PROJECT

GENERATED = PROJECT / "deploy/kubernetes/base/generated"
HEADER = "# Made by `python -m deploy.kubernetes`.\n"
PART = {"app.kubernetes.io/part-of": "bigfootlive"}


class _Block(str):
    """A text that is written as a YAML literal block."""


class _Dumper(yaml.SafeDumper):
    """Writes long texts as literal blocks, so that a change shows as the lines that changed."""


_Dumper.add_representer(_Block, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))


def files() -> Mapping[Path, str]:
    """Each file's text by its path."""
    return {GENERATED / "rules.yaml": _text(rules()), GENERATED / "dashboards.yaml": _text(dashboards())}


def rules() -> Iterator[dict[str, Any]]:
    """One PrometheusRule a rule file."""
    for path in sorted((PROJECT / "prometheus/rules").glob("*.yml")):
        yield {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": f"livestream-{path.stem}", "labels": PART},
            "spec": yaml.safe_load(path.read_text(encoding="utf-8")),
        }


def dashboards() -> Iterator[dict[str, Any]]:
    """One ConfigMap a dashboard, labelled for the sidecar of Grafana's Helm chart."""
    for path in sorted((PROJECT / "dashboards/generated").glob("*.json")):
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": path.stem,
                "labels": {**PART, "grafana_dashboard": "1"},
                "annotations": {"grafana_folder": "Live streaming"},
            },
            "data": {path.name: _Block(path.read_text(encoding="utf-8"))},
        }


def _text(documents: Iterator[dict[str, Any]]) -> str:
    return HEADER + yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
