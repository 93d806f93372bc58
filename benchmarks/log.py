"""Counting of edge logs beside mtail: CPU time a line and memory, on the same file and in the same run.

Each program runs as a process of its own over the whole file, in turns, and the best of the turns counts: other work on
the machine only ever makes a turn slower. The limit is to read
each line as JSON and to count nothing.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import requests

from benchmarks.processes import peak_mebibytes
from benchmarks.table import Row
from deploy.local.programs import ONE_HEAP
from tests import servers

COUNTED = "read, counted and stored"
FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures" / "cdn"
LINE = (
    '{"msec request_time bytes_sent request_length":[%.3f,%.3f,%d,%d],"edge":{"status":"%s",'
    '"upstream_cache_status":"%s","upstream_status":"%s","server_protocol":"HTTP/2.0","ssl_protocol":"TLSv1.3","country":"%s","pop":"edge-1"},'
    '"upstream":{"upstream_response_time":"%s","upstream_header_time":"%s","upstream_connect_time":"%s",'
    '"upstream_bytes_received":"%s"},"uri":"%s","args":"%s","viewer":{"remote_addr":"10.%d.%d.%d",'
    '"http_user_agent":"%s","viewer_id":"","http_cmcd_object":"","http_cmcd_request":"","http_cmcd_session":"",'
    '"http_cmcd_status":""},"request_method":"GET","scheme":"https","host":"edge.example.com",'
    '"http_x_forwarded_for":"","http_referer":"https://player.example.com/","http_range":"",'
    '"sent_http_content_type":"video/mp2t","body_bytes_sent":"%d","request_id":"%032x",'
    '"time_iso8601":"2026-11-23T12:00:00+00:00"}\n'
)
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/1%02d.0.0.0 Safari/537.36"
MTAIL = r"""
counter requests by stream, status, cache
counter response_bytes by stream, cache
counter request_bytes by stream, cache
histogram duration by cache buckets 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0
/^{"msec request_time bytes_sent request_length":\[[\d.]+,(?P<took>[\d.]+),(?P<size>\d+),(?P<request_size>\d+)\],/ +
/"edge":{"status":"(?P<status>\d+)","upstream_cache_status":"(?P<cache>\w*)",[^}]*},"upstream":{[^}]*},/ +
/"uri":"\/hls\/(?P<stream>[^\/_"]+)_[^"]*"/ {
  requests[$stream][$status][$cache]++
  response_bytes[$stream][$cache] += $size
  request_bytes[$stream][$cache] += $request_size
  duration[$cache] = $took
}
"""
COUNT = """
import json, sys, time
from pathlib import Path
from exporters import settings
from exporters.cdn import service

path, form, state, handoff = sys.argv[1:5]
environ = {"CDN_FILES": f"edge={form}:{path}", "CDN_START": "beginning", "CDN_STATE": state, "CDN_LATE_SECONDS": "1e12"}
if handoff == "1":
    environ["CDN_HANDOFF_URL"] = "http://127.0.0.1:9/handoff"
built = service.build(settings.read(service.CONFIG, service.PREFIX, environ))
committer, tail = built.workers[0], built.workers[-1]
begun, processor = time.monotonic(), time.process_time()
committer.start()
while tail.turn():
    pass
committer.stop()
seconds, processor = time.monotonic() - begun, time.process_time() - processor
tables = built.collectors[0].collect()
records = {t.family.name: t.total() for t in tables if hasattr(t, "total")}["livestream_cdn_log_records_total"]
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
peak = int(status["VmHWM"].split()[0]) / 1024  # ru_maxrss would have the parent's before exec
print(json.dumps({"lines": records, "processor": processor, "seconds": seconds, "mebibytes": peak}))
"""
BARE = """
import json, sys, time
import orjson

lines, processor = 0, time.process_time()
with open(sys.argv[1], "rb") as file:
    for line in file:
        orjson.loads(line)
        lines += 1
processor = time.process_time() - processor
print(json.dumps({"lines": lines, "processor": processor, "mebibytes": 0}))
"""


def run(quick: bool) -> list[Row]:
    """nginx JSON with and without hand-off, mtail and bare JSON in turns; then each other format."""
    lines, turns = (20_000, 1) if quick else (300_000, 3)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "edge.json"
        with log.open("w", encoding="utf-8") as file:
            file.writelines(edge_lines(lines))
        short = Path(folder) / "short.json"
        with short.open("wb") as file, log.open("rb") as source:
            file.writelines(line for line, _ in zip(source, range(lines // 6), strict=False))
        best: dict[str, dict[str, float]] = {}
        for turn in range(turns):
            measured = {
                "nginx": _counted(log, "nginx", turn),
                "handed": _counted(log, "nginx", turn, handoff=True),
                "bare": _python(BARE, str(log)),
                "mtail": _mtail(short, lines // 6),
            }
            for name, found in measured.items():
                if name not in best or found["processor"] / found["lines"] < 1 / _rate(best[name]):
                    best[name] = found
        return [*_nginx_rows(best, _scraped(log, lines)), *_other_rows(Path(folder), lines // 3)]


def edge_lines(count: int) -> Iterator[str]:
    """Lines of 200 streams in three renditions, many viewers a segment, one in twenty fetched from the origin."""
    chance = random.Random(7)
    sessions = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(5_000)]
    agents = [AGENT % number for number in range(40)]
    for number in range(count):
        stream = f"ch-{int(chance.paretovariate(1.1)) % 200:03d}"
        name, bitrate = chance.choice((("720p", 3_300), ("480p", 1_800), ("360p", 800)))
        segment = "index.m3u8" if chance.random() < 0.3 else f"{number // 20_000 + chance.randrange(4)}.ts"
        cmcd = f'bl={chance.randrange(0, 30_000, 100)},br={bitrate},cid="{stream}",d=4000,mtp='
        cmcd += f'{chance.randrange(1_000, 60_000, 100)},ot=v,sf=h,sid="{chance.choice(sessions)}",st=l,tb=8000'
        cache = chance.choices(("HIT", "MISS", "EXPIRED"), (94, 5, 1))[0]
        waited = "" if cache == "HIT" else "0.012"
        size = chance.randrange(50_000, 3_000_000)
        yield LINE % (
            *(1_795_435_200 + number / 1_000, chance.expovariate(30), size, chance.randrange(300, 900)),
            *(chance.choices((200, 206, 404, 503), (90, 8, 1.5, 0.5))[0], cache, "200" if waited else ""),
            *(chance.choice(("DE", "US", "BR")), waited, waited, waited, size if waited else ""),
            *(f"/hls/{stream}_{name}/{segment}", f"CMCD={quote(cmcd, safe='')}"),
            *(number % 250, number // 250 % 250, number % 7, chance.choice(agents), size, chance.getrandbits(128)),
        )


def _nginx_rows(best: dict[str, dict[str, float]], scraped: float) -> list[Row]:
    ours, handed, bare, mtail = (_rate(best[name]) for name in ("nginx", "handed", "bare", "mtail"))
    peer, limit = f"mtail {mtail:,.0f}", f"bare orjson {bare:,.0f}"
    return [
        Row("nginx JSON with CMCD, counted", ours, "lines/CPU s", "≥ 300,000", f"{peer}; {limit}", COUNTED),
        Row("… as a multiple of mtail", ours / mtail, "times", "", "", "mtail counts 4 families, the exporter 20"),
        Row("… as a multiple of reading JSON only", ours / bare, "times", "", "", "the machine's pace taken out"),
        Row("… memory", best["nginx"]["mebibytes"], "MiB", "≤ 30", f"mtail {best['mtail']['mebibytes']:.0f}", "peak"),
        Row("… memory of the exporter as it runs", scraped, "MiB", "", "", "peak, with its HTTP server, after scrapes"),
        Row("… counted and handed over", handed, "lines/CPU s", "", "", "stored for the session engine"),
    ]


def _other_rows(folder: Path, lines: int) -> list[Row]:
    rows = []
    for form, fixture in (
        *(("combined", "combined.log"), ("cloudfront", "cloudfront-standard.tsv"), ("fastly", "fastly.jsonl")),
        *(("cloudfront-realtime", "cloudfront-realtime.tsv"), ("cloudflare", "cloudflare.jsonl")),
        *(("akamai", "akamai.jsonl"), ("nginx", "nginx-other-layout.jsonl")),
    ):
        text = [line for line in (FIXTURES / fixture).read_bytes().splitlines(keepends=True) if len(line) > 60]
        log = folder / f"{form}.log"
        header = [line for line in text if line.startswith(b"#")]
        body = [line for line in text if not line.startswith(b"#")]
        log.write_bytes(b"".join(header) + b"".join(body) * (lines // len(body)))
        best = max(_rate(_counted(log, form, turn)) for turn in range(2))
        name = "nginx JSON of another layout" if form == "nginx" else form
        rows.append(Row(name, best, "lines/CPU s", "≥ 100,000", "", COUNTED))
    return rows


def _scraped(log: Path, lines: int) -> float:
    """Peak memory in MiB of the exporter as `make up` starts it, scraped until its page shows the whole log."""
    port = servers.free_port()
    environ = {
        **ONE_HEAP,
        **{"CDN_LISTEN": f"127.0.0.1:{port}", "CDN_FILES": f"edge=nginx:{log}", "CDN_START": "beginning"},
        **{"CDN_STATE": str(log.with_name("running.db")), "CDN_LATE_SECONDS": "1e12"},
    }
    counted = f'livestream_cdn_log_records_total{{cdn="nginx",source="edge",result="ok"}} {lines}'
    with servers.running([sys.executable, "-m", "exporters", "cdn"], log.with_name("running.out"), environ) as process:
        page = f"http://127.0.0.1:{port}/metrics"
        servers.wait_until(lambda: counted in requests.get(page, timeout=5).text, "the whole log", every=0.5)
        return peak_mebibytes(process.pid)


def _counted(log: Path, form: str, turn: int, handoff: bool = False) -> dict[str, float]:
    state = log.with_name(f"{log.stem}-{turn}-{handoff}.db")
    return _python(COUNT, str(log), form, str(state), str(int(handoff)))


def _python(program: str, *arguments: str) -> dict[str, float]:
    command = [sys.executable, "-c", program, *arguments]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def _mtail(log: Path, lines: int) -> dict[str, float]:
    program = log.with_name("edge.mtail")
    program.write_text(MTAIL, encoding="utf-8")
    measure = (
        "import json,resource,subprocess,sys\n"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(json.dumps({'processor': used.ru_utime + used.ru_stime, 'mebibytes': used.ru_maxrss / 1024}))\n"
    )
    command = [shutil.which("mtail") or "mtail", "-one_shot", "-progs", str(program), "-logs", str(log)]
    return {"lines": lines, **_python(measure, *command)}


def _rate(measured: dict[str, float]) -> float:
    return measured["lines"] / measured["processor"]
