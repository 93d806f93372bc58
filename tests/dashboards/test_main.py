"""The commands build, check and push."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner, Result

from dashboards import __main__ as commands
from tests.dashboards.built import UIDS
from tests.dashboards.grafana import TOKEN, grafana


def run(*arguments: str | Path, **environ: str) -> Result:
    return CliRunner().invoke(commands.main, [str(one) for one in arguments], env=environ)


def test_build_writes_every_dashboard_and_removes_strays(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("{}")
    answer = run("build", "--folder", tmp_path)
    assert answer.exit_code == 0 and "removed old.json" in answer.output
    assert sorted(path.stem for path in tmp_path.glob("*.json")) == sorted(UIDS)
    assert run("check", "--folder", tmp_path).output == "8 dashboards are as built\n"


def test_check_names_what_differs(tmp_path: Path) -> None:
    run("build", "--folder", tmp_path)
    (tmp_path / "livestream-slo.json").write_text("{}")
    answer = run("check", "--folder", tmp_path)
    assert answer.exit_code == 1 and "livestream-slo.json are not as built" in answer.output


def test_push_takes_the_token_from_the_environment_and_sums_up() -> None:
    with grafana() as server:
        environ = {"GRAFANA_URL": server.url, "GRAFANA_TOKEN": TOKEN}
        answer = run("push", "--folder", "ops", "--folder-title", "Ops", **environ)
        assert answer.exit_code == 0 and answer.output.splitlines()[-1] == "8 created"
        assert server.folders == {"ops": "Ops"}
        again = run("push", "--folder", "ops", **environ)
        assert again.output.splitlines()[-1] == "8 unchanged"


def test_push_without_a_token_says_what_is_missing() -> None:
    answer = run("push", GRAFANA_TOKEN="")
    assert answer.exit_code == 2 and "--token" in answer.output
