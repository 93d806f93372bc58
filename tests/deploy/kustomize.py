"""Resolves a kustomization as far as this project uses Kustomize: resources, namespace, images, merge patches, secrets.

Anything else in a kustomization.yaml is an error, so that nothing is passed over in silence.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

KNOWN = {"apiVersion", "kind", "resources", "namespace", "images", "patches", "secretGenerator"}
CLUSTER_WIDE = {"Namespace"}
Object = dict[str, Any]


def build(folder: Path) -> list[Object]:
    """The objects of a kustomization; raises ValueError for what Kustomize would refuse or this does not know."""
    plan = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    if unknown := set(plan) - KNOWN:
        raise ValueError(f"{folder}: {unknown} is not resolved here")
    objects = [one for name in plan["resources"] for one in _resource((folder / name).resolve())]
    for patch in plan.get("patches", ()):
        for change in _documents(folder / patch["path"]):
            (target,) = [one for one in objects if identity(one) == identity(change)]
            _merge(target, change)
    for generator in plan.get("secretGenerator", ()):
        keys = {Path(path).name: "" for path in generator["files"]}
        objects.append(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": generator["name"]}, "stringData": keys}
        )
    for one in objects:
        if "namespace" in plan and one["kind"] not in CLUSTER_WIDE:
            one["metadata"]["namespace"] = plan["namespace"]
        for image in plan.get("images", ()):
            for container in containers(one):
                if container["image"].partition(":")[0] == image["name"]:
                    container["image"] = f"{image['newName']}:{image['newTag']}"
    names = [identity(one) for one in objects]
    if len(set(names)) != len(names):
        raise ValueError(f"{folder}: two objects have one name")
    return objects


def identity(one: Object) -> tuple[str, str]:
    """Kind and name of an object."""
    return one["kind"], one["metadata"]["name"]


def containers(one: Object) -> list[Object]:
    """The containers of a workload; none of anything else."""
    found: list[Object] = one.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
    return found


def _resource(path: Path) -> list[Object]:
    return build(path) if path.is_dir() else list(_documents(path))


def _documents(path: Path) -> Iterator[Object]:
    return (one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one)


def _merge(target: Object, change: Object) -> None:
    """A strategic merge: lists of named things are merged by name, other lists are replaced."""
    for key, value in change.items():
        present = target.get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            _merge(present, value)
        elif isinstance(value, list) and isinstance(present, list) and all("name" in one for one in value):
            by_name = {one["name"]: one for one in present}
            for one in value:
                if one["name"] in by_name:
                    _merge(by_name[one["name"]], one)
                else:
                    present.append(copy.deepcopy(one))
        else:
            target[key] = copy.deepcopy(value)
