"""The exporter as configured: real nginx, real ports, and settings that are checked at start."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

from exporters import settings
from exporters.__main__ import main
from exporters.cdn import service
from exporters.cdn.formats.nginx import log_format
from exporters.server import RunningService
from tests.cdn.scene import FIXTURES, nginx_line
from tests.servers import free_port, running, wait_until

NGINX = """
pid {folder}/nginx.pid; daemon off; worker_processes 1; error_log {folder}/error.log; {user}
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    {log_format}
    proxy_cache_path {folder}/cache keys_zone=edge:1m;
    server {{ listen 127.0.0.1:{origin}; root {folder}/html; access_log off; }}
    server {{
        listen 127.0.0.1:{edge};
        access_log {folder}/edge.json livestream;
        access_log syslog:server=127.0.0.1:{syslog},nohostname livestream;
        location / {{
            proxy_cache edge; proxy_cache_key $uri; proxy_cache_valid 200 1m;
            proxy_pass http://127.0.0.1:{origin}$uri;
        }}
    }}
}}
"""


def check(environ: Mapping[str, str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["cdn", "--check-config"], environ)
    return code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("CDN_FILES", "edge", "CDN_FILES has 'edge'; it must be name=format:place"),
        ("CDN_FILES", "edge=nginx", "CDN_FILES has edge without a path"),
        ("CDN_FILES", "edge=apache:/x", "CDN_FILES has the format 'apache' for edge; known are nginx, combined"),
        ("CDN_FILES", "e=nginx:/x,e=nginx:/y", "source name 'e', which another source has already"),
        ("CDN_FILES", "a b=nginx:/x", "CDN_FILES has 'a b=nginx:/x'"),
        (
            "CDN_FILES",
            "e=nginx:/x/*/e.json",
            "e with the path /x/*/e.json; * and ? may only stand in its last part",
        ),
        (
            "CDN_FILES",
            "e=nginx:/x/?/*.gz",
            "e with the path /x/?/*.gz; * and ? may only stand in its last part",
        ),
        ("CDN_PATTERNS", "^/(live", "is no regular expression"),
        ("CDN_PATTERNS", "^/live/(.*)", "has no group"),
        ("CDN_SAMPLING", "edge=2", "CDN_SAMPLING has 'edge=2'"),
        ("CDN_SAMPLING", "edge=x", "CDN_SAMPLING has 'edge=x'"),
        ("CDN_SAMPLING", "egde=0.1", "CDN_SAMPLING has 'egde', which is no source's name; known are none"),
        ("CDN_PUSH_LISTEN", "127.0.0.1:8003", "CDN_PUSH_TOKEN is empty"),
        ("CDN_SYSLOG_UDP", "edge=nginx:here", "CDN_SYSLOG_UDP is 'here'"),
        ("CDN_CLOUDFRONT_FIELDS", "x", "CDN_CLOUDFRONT_FIELDS has x"),
        ("CDN_HANDOFF_URL", "viewers", "CDN_HANDOFF_URL must be a URL with http, for example"),
        ("CDN_START", "middle", "CDN_START is 'middle'"),
    ],
)
def test_a_bad_setting_is_named_before_the_start(
    variable: str, value: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, error = check({variable: value}, capsys)
    assert code == 2
    assert words in error


def test_a_good_configuration_is_fine_while_another_one_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environ = {
        **{
            "CDN_STATE": str(tmp_path / "state.db"),
            "CDN_PUSH_LISTEN": f"127.0.0.1:{free_port()}",
            "CDN_PUSH_TOKEN": "t",
        },
        **{"CDN_FILES": f"edge=nginx:{tmp_path}/edge.json,cf=cloudfront:{tmp_path}/cf/*.gz"},
        **{
            "CDN_SYSLOG_UDP": f"udp=nginx:127.0.0.1:{free_port()}",
            "CDN_SYSLOG_TCP": f"tcp=nginx:127.0.0.1:{free_port()}",
        },
        **{"CDN_HANDOFF_URL": "http://127.0.0.1:9/handoff", "CDN_SAMPLING": "cf=0.1"},
    }
    built = service.build(settings.read(service.CONFIG, service.PREFIX, environ))
    live = RunningService(built, ("127.0.0.1", 0)).start()
    assert check(environ, capsys) == (0, "")
    live.stop()


def test_a_ratio_for_a_misspelt_source_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    code, error = check({"CDN_FILES": "edge=nginx:/x,cf=cloudfront:/y/*.gz", "CDN_SAMPLING": "egde=0.1"}, capsys)
    assert code == 2
    assert "CDN_SAMPLING has 'egde', which is no source's name; known are cf, edge" in error


@pytest.mark.live
def test_what_nginx_logs_in_our_format_is_counted_by_file_and_syslog(tmp_path: Path) -> None:
    origin, edge, syslog = free_port(), free_port(), udp_port()
    (tmp_path / "html/hls/demo_720p").mkdir(parents=True)
    (tmp_path / "html/hls/demo.m3u8").write_text("#EXTM3U\n")
    (tmp_path / "html/hls/demo_720p/1.ts").write_bytes(b"\0" * 100_000)
    text = NGINX.format(
        folder=tmp_path,
        origin=origin,
        edge=edge,
        syslog=syslog,
        log_format=log_format("$http_x_country"),
        user="user root;",
    )
    (tmp_path / "nginx.conf").write_text(text)
    environ = {
        **{"CDN_STATE": str(tmp_path / "state.db"), "CDN_FILES": f"file=nginx:{tmp_path}/edge.json"},
        **{
            "CDN_SYSLOG_UDP": f"syslog=nginx:127.0.0.1:{syslog}",
            "CDN_COMMIT_SECONDS": "0.05",
            "CDN_START": "beginning",
        },
    }
    built = service.build(settings.read(service.CONFIG, service.PREFIX, environ))
    exporter = RunningService(built, ("127.0.0.1", 0)).start()
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    with running(
        [nginx, "-p", tmp_path, "-c", tmp_path / "nginx.conf", "-e", tmp_path / "error.log"], tmp_path / "out"
    ):
        url = f"http://127.0.0.1:{edge}"
        wait_until(lambda: requests.get(f"{url}/hls/demo.m3u8", headers={"X-Country": "de"}, timeout=5).ok, "nginx")
        for _ in range(2):
            requests.get(f"{url}/hls/demo_720p/1.ts?CMCD=br%3D1", timeout=5)
            requests.get(f"{url}/hls/demo_720p/2.ts", headers={"CMCD-Session": 'sid="s"'}, timeout=5)
            requests.get(f"{url}/hls/demo_720p/1.ts", headers={"User-Agent": 'a "q" \\ }{ \u00e9'.encode()}, timeout=5)

    def page() -> str:
        return requests.get(f"http://127.0.0.1:{exporter.port}/metrics", timeout=5).text

    def has(source: str, number: int) -> bool:
        return f'records_total{{cdn="nginx",source="{source}",result="ok"}} {number}\n' in page()

    wait_until(lambda: has("file", 7) and has("syslog", 7), "all requests")
    text = page()
    exporter.stop()
    requests_total = 'livestream_cdn_requests_total{cdn="nginx",stream="demo",'
    assert f'{requests_total}kind="segment",code_class="2xx",cache="miss"}} 2\n' in text
    assert f'{requests_total}kind="segment",code_class="2xx",cache="hit"}} 6\n' in text
    assert f'{requests_total}kind="segment",code_class="4xx",cache="miss"}} 4\n' in text
    assert f'{requests_total}kind="multivariant",code_class="2xx",cache="miss"}} 2\n' in text
    assert 'livestream_cdn_requests_by_country_total{cdn="nginx",country="DE"} 2\n' in text
    assert 'livestream_cdn_log_fallback_total{cdn="nginx",source="file"} 2\n' in text, "CMCD headers take the slow lane"
    assert 'result="parse_error"} 0\n' in text


def test_metrics_of_a_scrape_are_those_of_the_catalogue(tmp_path: Path) -> None:
    log = tmp_path / "edge.json"
    log.write_bytes((FIXTURES / "nginx.jsonl").read_bytes() + nginx_line())
    environ = {"CDN_STATE": str(tmp_path / "s.db"), "CDN_FILES": f"edge=nginx:{log}", "CDN_START": "beginning"}
    built = service.build(settings.read(service.CONFIG, service.PREFIX, environ))
    exporter = RunningService(built, ("127.0.0.1", 0)).start()
    url = f"http://127.0.0.1:{exporter.port}/metrics"
    wait_until(lambda: 'livestream_cdn_log_delay_seconds_count{cdn="nginx"} 6\n' in page_of(url), "six lines")
    assert "livestream_cdn_log_offset_bytes" in page_of(url)
    exporter.stop()


def page_of(url: str) -> str:
    return requests.get(url, timeout=5).text


def udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
