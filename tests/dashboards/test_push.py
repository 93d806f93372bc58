"""Dashboards reach a Grafana by its API, once, in their folder, and never over someone else's change unasked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dashboards.push import Grafana, PushError, push
from tests.dashboards.built import DASHBOARDS, UIDS
from tests.dashboards.grafana import TOKEN, FakeGrafana, grafana
from tests.servers import free_port


@pytest.fixture
def server() -> Iterator[FakeGrafana]:
    with grafana() as one:
        yield one


def test_a_first_push_makes_the_folder_and_creates_every_dashboard_in_it(server: FakeGrafana) -> None:
    outcomes = push(Grafana(server.url, TOKEN), DASHBOARDS)
    assert [(one.uid, one.result) for one in outcomes] == [(uid, "created") for uid in UIDS]
    assert server.folders == {"livestream": "Live streaming"} and set(server.folder_of.values()) == {"livestream"}
    stored = server.dashboards["livestream-fleet"]
    assert {key: value for key, value in stored.items() if key not in ("id", "version")} == DASHBOARDS[0]


def test_a_second_push_changes_nothing(server: FakeGrafana) -> None:
    client = Grafana(server.url, TOKEN)
    push(client, DASHBOARDS)
    before = len([one for one in server.requests if one[0] == "POST"])
    assert {one.result for one in push(client, DASHBOARDS)} == {"unchanged"}
    assert len([one for one in server.requests if one[0] == "POST"]) == before


def test_a_dry_run_only_asks(server: FakeGrafana) -> None:
    assert {one.result for one in push(Grafana(server.url, TOKEN), DASHBOARDS, dry_run=True)} == {"would create"}
    assert {method for method, _ in server.requests} == {"GET"} and not server.dashboards


def test_someone_elses_change_is_refused_unless_overwriting_is_asked_for(server: FakeGrafana) -> None:
    client = Grafana(server.url, TOKEN)
    push(client, DASHBOARDS[:1])
    server.dashboards["livestream-fleet"]["title"] = "Mine now"
    with pytest.raises(PushError, match="412 The dashboard has been changed by someone else"):
        push(client, DASHBOARDS[:1])
    assert [one.result for one in push(client, DASHBOARDS[:1], overwrite=True)] == ["updated"]
    assert server.dashboards["livestream-fleet"]["title"] == "Fleet overview"


def test_a_refused_token_is_told_with_grafanas_words(server: FakeGrafana) -> None:
    with pytest.raises(PushError, match="401 Invalid API key"):
        push(Grafana(server.url, "wrong"), DASHBOARDS)


def test_a_grafana_that_is_away_is_told_with_its_address() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(PushError, match=f"{url} does not answer"):
        push(Grafana(url, TOKEN), DASHBOARDS)
