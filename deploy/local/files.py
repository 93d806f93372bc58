"""Writes the folder of a local run: configuration, secrets, scrape targets, the database's cluster."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import string
import subprocess
from collections.abc import Sequence
from pathlib import Path

import yaml

from deploy.local.config import HOST, PROJECT, LocalConfig
from deploy.local.programs import Program, postgres_binary
from deploy.local.renditions import FRAME_RATE, LADDER
from exporters.cdn.formats.nginx import log_format
from exporters.errors import ConfigError

FOLDERS = ("log", "run", "media/hls", "prometheus/rules", "alertmanager", "secrets", "spool", "state")


def write_all(config: LocalConfig, programs: Sequence[Program]) -> None:
    """Write every file of the run; keeps secrets and data of an earlier one. Raises ConfigError with the mend."""
    for folder in FOLDERS:
        (config.var / folder).mkdir(parents=True, exist_ok=True)
    write_secrets(config)
    (config.var / "nginx.conf").write_text(nginx_conf(config), encoding="utf-8")
    (config.var / "supervisord.conf").write_text(supervisord_conf(config, programs), encoding="utf-8")
    write_prometheus(config)
    make_database(config)


def write_secrets(config: LocalConfig) -> None:
    """Make the run's tokens once, readable by their owner alone."""
    for name in ("internal-token", "push-token"):
        path = config.var / "secrets" / name
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(32), encoding="utf-8")


def nginx_conf(config: LocalConfig) -> str:
    """nginx for this machine: all on loopback."""
    return media_conf(
        var=str(config.var),
        error_log=f"{config.var}/log/nginx.log",
        user="user root;" if os.getuid() == 0 else "",
        listen=HOST,
        stat_rules="allow 127.0.0.1; deny all;",
        rtmp_port=config.rtmp_port,
        packager_port=config.packager_port,
        origin_port=config.origin_port,
        edge_port=config.edge_port,
        hooks_url=config.url(config.rtmp_metrics_port, "/hooks/nginx-rtmp"),
        # The simulated audience says its country, as a CDN's own look-up would.
        log_format=log_format(country="$http_x_viewer_country", pop="local"),
        hooks_relay="",
    )


def media_conf(**values: object) -> str:
    """nginx.conf: ingest, packager, origin and edge, with the ladder's renditions."""
    template = string.Template((Path(__file__).parent / "nginx.conf.template").read_text(encoding="utf-8"))
    variants = [
        f"            hls_variant _{one.name} BANDWIDTH={one.bandwidth} RESOLUTION={one.width}x{one.height} "
        f"FRAME-RATE={FRAME_RATE} 'CODECS=\"{one.codecs}\"';"
        for one in LADDER
    ]
    return template.substitute(host=HOST, hls_variants="\n".join(variants), **values)


def write_prometheus(config: LocalConfig) -> None:
    """Prometheus and Alertmanager: the project's own files, with this run's addresses as scrape targets."""
    source, target = PROJECT / "prometheus", config.var / "prometheus"
    shutil.copytree(source / "rules", target / "rules", dirs_exist_ok=True)
    text = (source / "prometheus.yml").read_text(encoding="utf-8")
    text = text.replace("127.0.0.1:9090", f"{HOST}:{config.prometheus_port}")
    if config.broadcast_seconds == 1:  # two seconds are for large platforms; here numbers may be as fresh as messages
        text = text.replace(
            "scrape_interval: 2s\n    scrape_timeout: 2s", "scrape_interval: 1s\n    scrape_timeout: 1s"
        )
        rules = target / "rules/recording.yml"
        rules.write_text(rules.read_text(encoding="utf-8").replace("interval: 2s", "interval: 1s"), encoding="utf-8")
    (target / "prometheus.yml").write_text(text, encoding="utf-8")
    fast = {"rtmp": config.rtmp_metrics_port, "viewers": config.viewers_metrics_port}
    normal = {"hls": config.hls_metrics_port, "cdn": config.cdn_metrics_port, "bridge": config.bridge_metrics_port}
    _write_targets(target / "targets/fast/local.yml", [_target(port, hop) for hop, port in fast.items()])
    recorder = _target(config.recorder_metrics_port, "")
    _write_targets(
        target / "targets/normal/local.yml", [_target(port, hop) for hop, port in normal.items()] + [recorder]
    )
    _write_targets(target / "targets/alertmanager.yml", [{"targets": [f"{HOST}:{config.alertmanager_port}"]}])
    alerting = (source / "alertmanager.yml").read_text(encoding="utf-8")
    alerting = alerting.replace("127.0.0.1:8001", f"{HOST}:{config.bridge_port}")
    alerting = alerting.replace("/etc/bigfootlive/secrets", f"{config.var}/secrets")
    (config.var / "alertmanager/alertmanager.yml").write_text(alerting, encoding="utf-8")


def _target(port: int, hop: str) -> dict[str, object]:
    labels = {"service": "livestream"}
    if hop:
        labels["hop"] = hop
    return {"targets": [f"{HOST}:{port}"], "labels": labels}


def _write_targets(path: Path, groups: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(groups, sort_keys=False), encoding="utf-8")


def supervisord_conf(config: LocalConfig, programs: Sequence[Program]) -> str:
    """supervisord: one section a program, each ended with its supervisor even when that is killed."""
    var = config.var
    lines = [
        "[supervisord]",
        f"logfile={var}/log/supervisord.log",
        f"pidfile={var}/run/supervisord.pid",
        "nodaemon=true",
        "silent=true",
        *(["user=root"] if os.getuid() == 0 else []),
        "[unix_http_server]",
        f"file={var}/run/supervisor.sock",
        "chmod=0700",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        "[rpcinterface:leftovers]",
        "supervisor.rpcinterface_factory=deploy.local.leftovers:make_interface",
    ]
    for program in programs:
        lines += _section(config, program)
    return "\n".join(lines) + "\n"


def _section(config: LocalConfig, program: Program) -> list[str]:
    command = " ".join(_quoted(part) for part in [*_leash(program), *program.command])
    environ = ",".join(f"{name}={_quoted(value)}" for name, value in program.environ.items())
    return [
        f"[program:{program.name}]",
        f"command={command}",
        f"environment={environ}",
        f"directory={config.var if program.as_postgres else PROJECT}",
        f"priority={program.order}",
        f"stopsignal={program.stop_signal}",
        f"stdout_logfile={config.var}/log/{program.name}.out",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=1",
        "redirect_stderr=true",
        "startsecs=0",
        "startretries=1000000",
        "autorestart=true",
        "stopwaitsecs=15",
        "killasgroup=true",
    ]


def _leash(program: Program) -> list[str]:
    leash = ["setpriv", "--pdeathsig", "TERM"]
    if program.as_postgres and os.getuid() == 0:
        leash += ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
    return [*leash, "--"]


def _quoted(text: str) -> str:
    """A word of a supervisord command or environment: quoted, with its percent signs doubled."""
    return '"' + text.replace("%", "%%").replace('"', '\\"') + '"'


def make_database(config: LocalConfig) -> None:
    """Make the PostgreSQL cluster once, owned by the postgres user when we are root."""
    base = config.var / "postgres"
    data = base / "data"
    if (data / "PG_VERSION").exists():
        return
    base.mkdir(parents=True, exist_ok=True)
    command = [postgres_binary("initdb"), "-D", str(data), "-U", "analytics", "--auth=trust", "-E", "UTF8"]
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(base, user.pw_uid, user.pw_gid)
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", *command]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "initdb failed"
        raise ConfigError(
            f"cannot make the database in {data}: {reason}. The postgres user must be able to enter that folder;"
            " set LOCAL_VAR to one it can, for example LOCAL_VAR=/srv/bigfootlive"
        )
