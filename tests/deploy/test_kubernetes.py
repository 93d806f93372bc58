"""The Kubernetes objects: valid by the published schemas, fresh, restricted, and joined to one another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.kubernetes.files import files
from deploy.local.config import PROJECT
from deploy.reference import pages
from exporters import metrics
from exporters.settings import document
from tests.deploy.kustomize import Object, build, containers, identity
from tests.prometheus.feed import Feed, serving
from tests.servers import instant, prometheus, wait_until

ROOT = PROJECT / "deploy/kubernetes"
OBJECTS = build(ROOT / "overlays/example")
CUSTOM = ("ServiceMonitor", "PrometheusRule")
WORKLOADS = [one for one in OBJECTS if containers(one)]
SNAKE = {"targetLabel": "target_label"}
"""What the custom resource writes otherwise than prometheus.yml."""
VERSIONS = ("1.29", kubernetes_validate.latest_version())


def of(kind: str) -> Iterator[Object]:
    return (one for one in OBJECTS if one["kind"] == kind)


def named(one: Object) -> str:
    return "/".join(identity(one))


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_what_is_made_from_rules_and_dashboards_is_fresh(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == files()[path]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid_by_the_published_schema(version: str) -> None:
    for one in OBJECTS:
        if one["kind"] not in CUSTOM:
            kubernetes_validate.validate(one, version, strict=True)


def test_a_wrong_object_is_found() -> None:
    wrong = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": "two"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("workload", WORKLOADS, ids=named)
def test_every_pod_keeps_to_the_restricted_standard(workload: Object) -> None:
    pod = workload["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in containers(workload):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"readinessProbe", "livenessProbe", "startupProbe", "resources"} <= set(container)


@pytest.mark.parametrize("workload", WORKLOADS, ids=named)
def test_every_variable_is_a_setting_and_every_secret_is_made(workload: Object) -> None:
    settings = {row.variable for _, config, prefix in pages() for row in document(config, prefix)}
    settings |= {"RECORDER_METRICS_LISTEN", "RECORDER_SPOOL_DIR", "INDEX", "SHARDS"}
    (secret,) = of("Secret")
    for container in containers(workload):
        for variable in container["env"]:
            assert variable["name"] in settings
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                assert reference["name"] == secret["metadata"]["name"]
                assert reference["key"] in secret["stringData"]


def test_services_monitors_budgets_and_policies_point_at_pods_that_exist() -> None:
    pods = {one["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]: one for one in WORKLOADS}
    ports = {name: {port["name"] for port in containers(one)[0]["ports"]} for name, one in pods.items()}
    for one in of("Service"):
        name = one["spec"]["selector"]["app.kubernetes.io/name"]
        assert {port["targetPort"] for port in one["spec"]["ports"]} <= ports[name]
    for kind in ("ServiceMonitor", "PodDisruptionBudget"):
        assert {identity(one)[1] for one in of(kind)} == set(pods)
        for one in of(kind):
            assert one["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": identity(one)[1]}
    policies = {identity(one)[1] for one in of("NetworkPolicy")}
    assert policies == {*pods, "names"}
    for one in of("NetworkPolicy"):
        for entry in one["spec"].get("ingress", []):
            if identity(one)[1] in pods:
                assert {port["port"] for port in entry["ports"]} <= ports[identity(one)[1]]
    for one in of("Ingress"):
        for rule in one["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                assert path["backend"]["service"]["port"]["name"] in ports[path["backend"]["service"]["name"]]


def test_monitors_give_the_labels_that_the_rules_know_and_the_pace_of_prometheus_yml() -> None:
    plan = yaml.safe_load((PROJECT / "prometheus/prometheus.yml").read_text("utf-8"))
    fast, normal = plan["scrape_configs"][0]["scrape_interval"], plan["global"]["scrape_interval"]
    for one in of("ServiceMonitor"):
        (endpoint,) = one["spec"]["endpoints"]
        *added, last = endpoint["relabelings"]
        assert last == {"action": "labeldrop", "regex": "endpoint"}
        labels = {row["targetLabel"]: row["replacement"] for row in added}
        name = identity(one)[1]
        hop = {} if name == "recorder" else {"hop": name}
        assert labels == {"service": "livestream", "region": "local", **hop}
        assert endpoint["port"] == "metrics"
        assert endpoint["interval"] == (fast if name in ("rtmp", "viewers") else normal)


@pytest.mark.live
@pytest.mark.parametrize("ours", [True, False], ids=["with-ours", "operator-alone"])
def test_the_endpoint_of_hls_families_survives_what_the_operator_writes(tmp_path: Path, ours: bool) -> None:
    (monitor,) = [one for one in of("ServiceMonitor") if identity(one)[1] == "hls"]
    (endpoint,) = monitor["spec"]["endpoints"]
    # The operator's rules come before a monitor's own, and a target's labels go over those of its page.
    rows = [{"target_label": "service", "replacement": "hls"}, {"target_label": "endpoint", "replacement": "metrics"}]
    if ours:
        rows += [{SNAKE.get(key, key): text for key, text in row.items()} for row in endpoint["relabelings"]]
    with serving(Feed(time.time() - 60)) as port:
        targets = [{"targets": [f"127.0.0.1:{port}"]}]
        job = {"job_name": "hls", "scrape_interval": "1s", "metrics_path": "/hls", "relabel_configs": rows}
        plan = {"scrape_configs": [{**job, "static_configs": targets}]}
        with prometheus(tmp_path, yaml.safe_dump(plan)) as url:
            found = wait_until(lambda: instant(url, metrics.HLS_TARGET_DURATION.name), "the page of HLS")
    names = {labels["endpoint"] for labels, _ in found}
    assert names == ({"origin", "edge"} if ours else {"metrics"})
    assert {labels["service"] for labels, _ in found} == {"livestream" if ours else "hls"}


def test_rules_have_the_structure_of_the_custom_resource() -> None:
    # The operator's schemas are in no Python package: what is used of them is checked here.
    found: dict[str, Any] = {identity(one)[1]: one["spec"] for one in of("PrometheusRule")}
    assert set(found) == {"livestream-recording", "livestream-alerts", "livestream-slo"}
    for spec in found.values():
        assert set(spec) == {"groups"}
        for group in spec["groups"]:
            assert set(group) <= {"name", "interval", "rules", "labels", "limit"}
            for rule in group["rules"]:
                assert ("record" in rule) != ("alert" in rule)
                assert set(rule) <= {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}


def test_every_dashboard_fits_a_config_map() -> None:
    maps = list(of("ConfigMap"))
    assert len(maps) == len(list((PROJECT / "dashboards/generated").glob("*.json")))
    for one in maps:
        assert sum(len(text.encode()) for text in one["data"].values()) < 1 << 20
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"


def test_bridges_are_scaled_by_open_sockets() -> None:
    (scaler,) = of("HorizontalPodAutoscaler")
    (metric,) = scaler["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == metrics.BRIDGE_WS_CONNECTIONS.name
    bridge = next(one for one in WORKLOADS if identity(one) == ("Deployment", "bridge"))
    assert "replicas" not in bridge["spec"], "a number here would undo the autoscaler's at each apply"


def test_the_example_changes_the_base() -> None:
    rtmp = next(one for one in WORKLOADS if identity(one)[1] == "rtmp")
    targets = [row["value"] for row in containers(rtmp)[0]["env"] if row["name"] == "RTMP_TARGETS"]
    assert len(targets) == 1 and targets[0].startswith("east=")
    assert {container["image"].partition(":")[0] for one in WORKLOADS for container in containers(one)} == {
        "registry.example.com/bigfootlive/analytics"
    }
    assert all(one["metadata"].get("namespace") == "bigfootlive" for one in OBJECTS if one["kind"] != "Namespace")
