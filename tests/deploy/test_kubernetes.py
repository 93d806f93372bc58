"""The Kubernetes objects: valid by the published schemas, fresh, restricted, and joined to one another."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from deploy.kubernetes.files import files
from deploy.local.config import PROJECT
from deploy.reference import pages
from exporters import metrics
from exporters.cdn.service import CONFIG as CdnConfig
from exporters.hls.targets import read_endpoints
from exporters.settings import document
from tests.deploy.kustomize import Object, build, containers, identity
from tests.prometheus.feed import Feed, serving
from tests.servers import instant, prometheus, wait_until

ROOT = PROJECT / "deploy/kubernetes"
OBJECTS = build(ROOT / "overlays/example")
CUSTOM = ("ServiceMonitor", "PrometheusRule")
WORKLOADS = [one for one in OBJECTS if containers(one)]
NAME = "app.kubernetes.io/name"
SNAKE = {"targetLabel": "target_label"}
"""What the custom resource writes otherwise than prometheus.yml."""
VERSIONS = ("1.29", kubernetes_validate.latest_version())


def of(kind: str) -> Iterator[Object]:
    return (one for one in OBJECTS if one["kind"] == kind)


def workload(name: str) -> Object:
    return next(one for one in WORKLOADS if identity(one)[1] == name)


def variables(one: Object) -> dict[str, str]:
    """The variables of a workload that are written down."""
    return {row["name"]: row["value"] for container in containers(one) for row in container["env"] if "value" in row}


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


@pytest.mark.parametrize("objects", [build(ROOT / "base"), OBJECTS], ids=["base", "example"])
def test_what_the_parts_ask_is_there_and_allowed(objects: list[Object]) -> None:
    services = {identity(one)[1]: one["spec"]["selector"] for one in objects if one["kind"] == "Service"}
    policies = {identity(one)[1]: one["spec"] for one in objects if one["kind"] == "NetworkPolicy"}
    example = objects is OBJECTS
    media = {name: {NAME: "media"} for name in (("media-east", "media-west") if example else ("media",))}
    asked = set()
    for one in filter(containers, objects):
        for variable, text in variables(one).items():
            for host, port in re.findall(r"http://([a-z-]+):(\d+)", text):
                selector = {**services, **media}[host]
                allowed = [
                    entry["port"]
                    for rule in policies[identity(one)[1]]["egress"]
                    if {"podSelector": {"matchLabels": selector}} in rule.get("to", ())
                    for entry in rule["ports"]
                ]
                assert int(port) in allowed, f"{identity(one)[1]}: {variable} asks {host}:{port}"
                asked.add(host)
    assert {"bridge", "rtmp", "viewers", *media} <= asked


def test_media_servers_of_every_kind_are_watched_and_told() -> None:
    for name in ("rtmp", "bridge"):
        (policy,) = [one for one in of("NetworkPolicy") if identity(one)[1] == name]
        to_media = [{"podSelector": {"matchLabels": {NAME: "media"}}}]
        (rule,) = [rule for rule in policy["spec"]["egress"] if rule.get("to") == to_media]
        assert {entry["port"] for entry in rule["ports"]} == {8080, 1985, 9997}


def test_every_pod_is_scraped_once() -> None:
    for monitor in of("ServiceMonitor"):
        labels = monitor["spec"]["selector"]["matchLabels"].items()
        assert len([one for one in of("Service") if labels <= one["metadata"]["labels"].items()]) == 1


def test_no_ingress_leads_to_what_is_internal() -> None:
    found = {}
    for one in of("Ingress"):
        for rule in one["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                found[rule["host"], path["path"], path["pathType"]] = path["backend"]["service"]["name"]
            assert rule["host"] in [host for entry in one["spec"]["tls"] for host in entry["hosts"]]
    bridge = {path: kind for (_, path, kind), service in found.items() if service == "bridge"}
    assert bridge == {"/": "Exact", "/api": "Prefix", "/ws": "Prefix", "/console": "Prefix"}
    assert {path for (_, path, _), service in found.items() if service == "cdn"} == {"/push", "/.well-known/fastly"}
    (logs,) = [one for one in of("Ingress") if identity(one)[1] == "bigfootlive-logs"]
    limit = f"{CdnConfig().push_limit_megabytes}m"
    assert logs["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-body-size"] == limit


@pytest.mark.parametrize("count", [1, 3])
def test_each_pod_knows_its_shard_and_the_others(count: int, tmp_path: Path) -> None:
    (tmp_path / "python").write_text('#!/bin/sh\necho "$VIEWERS_SHARD $VIEWERS_PEERS $*"\n')
    (tmp_path / "python").chmod(0o755)
    command = containers(workload("viewers"))[0]["args"]
    for index in range(count):
        environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "INDEX": str(index), "SHARDS": str(count)}
        done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
        peers = [f"http://viewers-{other}.viewers-shards:9704" for other in range(count) if other != index]
        assert done.stdout == f"{index + 1}/{count} {','.join(peers)} -m exporters viewers\n"


def test_the_page_tells_what_more_shards_need(tmp_path: Path) -> None:
    page = (PROJECT / "docs/growing.md").read_text("utf-8")
    (patch,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "shards.yaml").write_text(patch, encoding="utf-8")
    plan = {"resources": [str(ROOT / "overlays/example")], "patches": [{"path": "shards.yaml"}]}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(plan), encoding="utf-8")
    found = {identity(one): one for one in build(tmp_path)}
    for objects, count in (({identity(one): one for one in OBJECTS}, 1), (found, 2)):
        shards = objects["StatefulSet", "viewers"]
        assert shards["spec"]["replicas"] == int(variables(shards)["SHARDS"]) == count
        names = objects["Service", shards["spec"]["serviceName"]]["spec"]
        assert names["clusterIP"] == "None" and names["publishNotReadyAddresses"] is True
        assert names["selector"] == shards["spec"]["selector"]["matchLabels"]
    assert variables(found["Deployment", "cdn"])["CDN_HANDOFF_URL"] == ""
    assert (
        variables(found["Deployment", "bridge"])["BRIDGE_EVENTS_URL"] == "http://viewers-0.viewers-shards:9704/events"
    )
    reports = found["Ingress", "bigfootlive-reports"]["metadata"]["annotations"]
    assert reports["nginx.ingress.kubernetes.io/upstream-hash-by"] == "$arg_sid"
    for one in found.values():
        if one["kind"] not in CUSTOM:
            kubernetes_validate.validate(one, VERSIONS[-1], strict=True)


def test_a_policy_may_be_added_by_the_lines_of_the_page() -> None:
    page = (PROJECT / "docs/deploy.md").read_text("utf-8")
    (policy,) = [block for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "NetworkPolicy" in block]
    kubernetes_validate.validate(yaml.safe_load(policy), VERSIONS[-1], strict=True)


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
    targets = variables(workload("rtmp"))["RTMP_TARGETS"]
    assert targets.startswith("east=")
    assert variables(workload("bridge"))["BRIDGE_STREAMS_MEDIA_SERVERS"] == targets
    assert ip_network(variables(workload("viewers"))["VIEWERS_TRUSTED_PROXIES"])
    (endpoint,) = read_endpoints("HLS_ENDPOINTS", variables(workload("hls"))["HLS_ENDPOINTS"].split(","))
    assert endpoint.template == variables(workload("bridge"))["BRIDGE_PLAYBACK_URL"]
    assert {container["image"].partition(":")[0] for one in WORKLOADS for container in containers(one)} == {
        "registry.example.com/bigfootlive/analytics"
    }
    assert all(one["metadata"].get("namespace") == "bigfootlive" for one in OBJECTS if one["kind"] != "Namespace")
