"""The local stack checks its machine before it starts, and says what to do."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import requests
from click.testing import CliRunner

from deploy.local.__main__ import main
from deploy.local.config import LocalConfig, read
from deploy.local.files import nginx_conf, supervisord_conf, write_secrets
from deploy.local.programs import Program, programs
from deploy.local.stack import Stack, check_ports, check_programs
from exporters.errors import ConfigError
from tests.servers import free_port, running, wait_until


def test_a_taken_port_is_named_with_its_holder_and_the_setting_that_moves_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"port {port} is taken by .+, pid {os.getpid()}: .+ LOCAL_EDGE_PORT=…"):
            check_ports(replace(LocalConfig(), edge_port=port, **{name: free_port() for name in _other_ports()}))


def _other_ports() -> list[str]:
    return [name.removeprefix("LOCAL_").lower() for name in LocalConfig().ports() if name != "LOCAL_EDGE_PORT"]


def test_missing_programs_are_named_by_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ConfigError, match=r"apt-get install .*nginx libnginx-mod-rtmp .*ffmpeg"):
        check_programs()


def test_settings_reach_the_runs_own_programs_as_they_were_given(tmp_path: Path) -> None:
    config = read({"LOCAL_VAR": str(tmp_path), "LOCAL_VIEWERS": "3", "LOCAL_BRIDGE_PORT": "8111"})
    assert config.viewers == 3
    (audience,) = [one for one in programs(config) if one.name == "audience"]
    assert read(audience.environ) == config
    assert "audience" not in {one.name for one in programs(replace(config, viewers=0))}


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    config = replace(LocalConfig(), var=tmp_path)
    (tmp_path / "secrets").mkdir()
    write_secrets(config)
    token = tmp_path / "secrets/internal-token"
    first = token.read_text()
    write_secrets(config)
    assert token.read_text() == first
    assert len(first) >= 32
    assert token.stat().st_mode & 0o077 == 0


def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    for folder in ("run", "log", "media/hls"):
        (tmp_path / folder).mkdir(parents=True)
    conf = tmp_path / "nginx.conf"
    conf.write_text(nginx_conf(replace(LocalConfig(), var=tmp_path)))
    checked = subprocess.run(["nginx", "-t", "-c", conf, "-e", tmp_path / "errors"], capture_output=True, text=True)
    assert "syntax is ok" in checked.stderr


def test_a_percent_sign_or_quote_in_a_value_survives_the_supervisor(tmp_path: Path) -> None:
    program = Program("one", ("echo", 'say "hi" 100%'), 1, {"PATTERN": "%d"})
    text = supervisord_conf(replace(LocalConfig(), var=tmp_path), [program])
    assert re.search(r'^command=.* "echo" "say \\"hi\\" 100%%"$', text, re.MULTILINE)
    assert 'environment=PATTERN="%%d"' in text


NGINX = """
pid {folder}/nginx.pid; error_log {folder}/errors; daemon off; worker_processes 1; {user}
events {{}}
http {{
    access_log off;
    server {{ listen 127.0.0.1:{port}; location / {{ add_header X-Worker $pid; return 204; }} }}
}}
"""


def test_a_killed_leader_takes_its_workers_along_and_is_started_again(tmp_path: Path) -> None:
    """Without that nginx's worker keeps the ports, and no other nginx can start."""
    (tmp_path / "run").mkdir()
    (tmp_path / "log").mkdir()
    config, port = replace(LocalConfig(), var=tmp_path), free_port()
    user = "user root;" if os.getuid() == 0 else ""
    (tmp_path / "nginx.conf").write_text(NGINX.format(folder=tmp_path, port=port, user=user))
    program = Program("nginx", ("nginx", "-c", f"{tmp_path}/nginx.conf", "-e", f"{tmp_path}/errors"), 1)
    (tmp_path / "supervisord.conf").write_text(supervisord_conf(config, [program]))
    command = [sys.executable, "-m", "supervisor.supervisord", "-c", tmp_path / "supervisord.conf"]

    def worker() -> int:
        return int(requests.get(f"http://127.0.0.1:{port}/", timeout=5).headers["X-Worker"])

    with running(command, tmp_path / "log/supervisord.out"):
        before = wait_until(worker, "nginx to serve")
        master = psutil.Process(before).ppid()
        os.kill(master, signal.SIGKILL)
        wait_until(lambda: worker() != before, "another nginx to serve", 20)
        (state,) = Stack(config).states()
        assert psutil.Process(worker()).ppid() == state.pid != master


def test_down_and_status_say_that_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_VAR", str(tmp_path))
    assert CliRunner().invoke(main, ["down"]).output == "nothing runs\n"
    status = CliRunner().invoke(main, ["status"])
    assert (status.exit_code, status.output) == (1, "nothing runs; `make up` starts the stack\n")
    assert Stack(read()).states() == []
