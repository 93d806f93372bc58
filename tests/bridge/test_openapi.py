"""The document describes every route, validates, and is what the bridge really answers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import jsonschema
import pytest
from click.testing import CliRunner
from openapi_spec_validator import validate

from bridge import commands, contract
from bridge.json_schema import Schemas
from bridge.openapi import MOUNTS
from tests.bridge.streams_made import simulated

ROOT = Path(__file__).resolve().parents[2]
APP, PARTS = simulated()
DOCUMENT: dict[str, Any] = APP.test_client().get("/api/openapi.json").json
OWN = {"/healthz", "/readyz", "/api/version", "/api/openapi.json", "/api/docs", "/", "/console/<path:name>"}
STREAM = "base-camp"


def test_the_document_is_valid() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"
    validate(DOCUMENT)


def test_every_public_route_is_described() -> None:
    undescribed = {
        rule.rule
        for rule in APP.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        and not rule.rule.startswith("/api/v1/console/")
        and not hasattr(APP.view_functions[rule.endpoint], "operation")
    }
    assert undescribed == set()


def test_every_described_route_is_reached_at_each_mount() -> None:
    rules = {rule.rule for rule in APP.url_map.iter_rules()}
    for rule in [one for one in rules if one.startswith("/api/v1/")]:
        for mount in MOUNTS:
            assert mount + rule.removeprefix("/api/v1") in rules


def schema_of(path: str, method: str = "get", status: str = "200") -> dict[str, Any]:
    content = DOCUMENT["paths"][path][method]["responses"][status]["content"]
    schema: dict[str, Any] = next(iter(content.values()))["schema"]
    return {**schema, "components": DOCUMENT["components"]}


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/api/v1/analytics/real-time/{stream_id}", f"/api/v1/analytics/real-time/{STREAM}"),
        ("/api/v1/analytics/streams/{stream_id}", f"/api/v1/analytics/streams/{STREAM}"),
        ("/api/v1/analytics/streams/{stream_id}/metrics", f"/api/v1/analytics/streams/{STREAM}/metrics"),
        ("/api/v1/streams", "/api/v1/streams?status=live"),
        ("/api/v1/streaming/health/{stream_id}", f"/api/v1/streaming/health/{STREAM}"),
        ("/api/v1/streaming/viewers/{stream_id}", f"/api/v1/streaming/viewers/{STREAM}"),
    ],
)
def test_answers_are_as_described(template: str, path: str) -> None:
    answer = APP.test_client().get(path)
    assert answer.status_code == 200
    jsonschema.validate(answer.json, schema_of(template))


def test_problems_are_as_described() -> None:
    answer = APP.test_client().get("/api/v1/analytics/streams/nope")
    jsonschema.validate(answer.json, schema_of("/api/v1/analytics/streams/{stream_id}", status="404"))


def test_messages_are_as_described() -> None:
    from bridge.identity import EVERYONE
    from bridge.live_messages import LiveMessages

    messages = LiveMessages(PARTS.services)
    for name, made in (
        ("AnalyticsMessage", messages.analytics(EVERYONE)),
        ("MetricsMessage", messages.metrics(STREAM)),
        ("RealTimeAnalytics", messages.real_time(STREAM)),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
        for message in made(1):
            jsonschema.validate(message, schema)


def test_the_page_names_every_call_and_shape() -> None:
    text = APP.test_client().get("/api/docs").text
    for path in DOCUMENT["paths"]:
        assert path in text
    for name in DOCUMENT["components"]["schemas"]:
        assert f'id="{name}"' in text


def test_the_command_prints_the_same_document() -> None:
    result = CliRunner().invoke(commands.openapi, catch_exceptions=False)
    assert json.loads(result.output) == DOCUMENT


def test_typescript_types_are_generated_and_hold_the_contract(tmp_path: Path) -> None:
    source = tmp_path / "openapi.json"
    source.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    tools = ROOT / "node_modules" / ".bin"
    types = tmp_path / "api.d.ts"
    subprocess.run([tools / "openapi-typescript", source, "-o", types], check=True, capture_output=True, cwd=ROOT)
    use = tmp_path / "use.ts"
    use.write_text(
        "import type { components, paths } from './api';\n"
        "type Live = components['schemas']['RealTimeAnalytics'];\n"
        "type Answer = paths['/api/v1/analytics/real-time/{stream_id}']['get']['responses']['200']"
        "['content']['application/json'];\n"
        "const viewers = (live: Live): number => live.currentViewers;\n"
        "export const read = (answer: Answer): string[] => answer.viewersOverTime.map((point) => point.timestamp);\n"
        "// @ts-expect-error there is no such number\n"
        "export const wrong = (live: Live): number => live.currentViewer;\n"
        "export { viewers };\n",
        encoding="utf-8",
    )
    checked = subprocess.run(
        [tools / "tsc", "--noEmit", "--strict", use],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.stdout == ""
    assert checked.returncode == 0


class Inner(TypedDict):
    """An inner shape."""

    kind: Literal["a", "b"]


class Outer(TypedDict):
    count: Annotated[int, "how many", {"minimum": 0}]
    inner: NotRequired[list[Inner]]
    text: str | None
    any: Any


def test_types_become_schemas() -> None:
    schemas = Schemas()
    assert schemas.of(Outer) == {"$ref": "#/components/schemas/Outer"}
    assert schemas.components == {
        "Outer": {
            "type": "object",
            "properties": {
                "count": {"type": "integer", "minimum": 0, "description": "how many"},
                "inner": {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}},
                "text": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "any": {},
            },
            "required": ["any", "count", "text"],
        },
        "Inner": {
            "type": "object",
            "description": "An inner shape.",
            "properties": {"kind": {"type": "string", "enum": ["a", "b"]}},
            "required": ["kind"],
        },
    }


def test_a_type_that_is_none_of_the_contracts_is_refused() -> None:
    with pytest.raises(TypeError):
        Schemas().of(set)


@pytest.mark.parametrize(
    ("value", "written"), [(None, 0), (float("nan"), 0), (float("inf"), 0), (2.0, 2), (1.23456, 1.235), (-3.5, -3.5)]
)
def test_numbers_are_finite_and_short(value: float | None, written: float) -> None:
    assert contract.finite(value) == written


def test_instants_are_utc_with_z() -> None:
    assert contract.instant(1795425442.8019) == "2026-11-23T09:17:22.801Z"
