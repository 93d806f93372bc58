"""The beacon module in Chromium: hls.js and native video, startup, stall, pause, leaving, and a server that is away."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.servers import wait_until
from tests.viewers.test_public import Exporter, exporter

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[3]
HLS_JS = ROOT / "node_modules" / "hls.js" / "dist" / "hls.min.js"
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PAGE = """<!doctype html><video id="video" muted playsinline></video><script src="hls.min.js"></script>
<script type="module">
import { watch } from "%s/v1/player.js";
const video = document.getElementById("video");
const options = new URLSearchParams(location.search);
let hls;
if (options.get("native")) video.src = "whole.mp4";
else { hls = new Hls({ maxBufferLength: 4 }); hls.loadSource("index.m3u8"); hls.attachMedia(video); }
window.watching = watch(video, { stream: "demo", hls, user: "ann", session: options.get("sid"), intervalSeconds: 1 });
if (!options.get("wait")) video.play();
</script>"""


class Origin(SimpleHTTPRequestHandler):
    """Serves the page and the media; segments wait while ``held`` is set."""

    held = threading.Event()
    extensions_map: ClassVar = {
        **SimpleHTTPRequestHandler.extensions_map,
        ".m3u8": "application/vnd.apple.mpegurl",
        ".ts": "video/mp2t",
    }

    def do_GET(self) -> None:
        if self.path.endswith(".ts") and self.held.is_set():
            self.send_error(503)
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of test picture as HLS and as one file."""
    folder = tmp_path_factory.mktemp("media")
    shutil.copy(HLS_JS, folder / "hls.min.js")
    picture = ["-f", "lavfi", "-i", "testsrc=size=320x180:rate=10", "-t", "20", "-g", "10", "-pix_fmt", "yuv420p"]
    encode = ["ffmpeg", "-loglevel", "error", *picture, "-c:v", "libx264", "-preset", "ultrafast"]
    hls = ["-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "index.m3u8"]
    subprocess.run([*encode, *hls], cwd=folder, check=True)
    webm = ["ffmpeg", "-loglevel", "error", *picture, "-c:v", "libvpx", "-b:v", "200k", "-deadline", "realtime"]
    subprocess.run([*webm, "-f", "webm", "whole.mp4"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def viewers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    one = exporter(tmp_path_factory.mktemp("viewers"))
    one.start()
    yield one
    one.end()


@pytest.fixture(scope="module")
def origin(media: Path, viewers: Exporter) -> Iterator[str]:
    (media / "page.html").write_text(PAGE % viewers.public, encoding="utf-8")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Origin, directory=str(media)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/page.html"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGUMENTS)
        yield one
        one.close()


@contextmanager
def page_of(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    yield page
    context.close()


def sessions(viewers: Exporter, state: str) -> float:
    return viewers.value(f'livestream_viewer_sessions{{stream="demo",state="{state}"}}') or 0.0


def total(viewers: Exporter, name: str, **labels: str) -> float:
    inner = ",".join(f'{key}="{value}"' for key, value in {"stream": "demo", **labels}.items())
    return viewers.value(f"livestream_viewer_{name}{{{inner}}}") or 0.0


@pytest.mark.parametrize("kind", ["hls", "native"])
def test_a_viewer_plays_pauses_and_leaves(browser: Browser, origin: str, viewers: Exporter, kind: str) -> None:
    query = "?native=1" if kind == "native" else "?x=1"
    before = total(viewers, "plays_total", device="desktop")
    quits = total(viewers, "ended_plays_total", reason="quit")
    with page_of(browser, origin + query) as page:
        wait_until(lambda: sessions(viewers, "playing") == 1, "playing")
        assert total(viewers, "plays_total", device="desktop") == before + 1
        page.evaluate("document.getElementById('video').pause()")
        wait_until(lambda: sessions(viewers, "paused") == 1, "paused")
        wait_until(lambda: viewers.value('livestream_viewer_concurrent{stream="demo"}') == 0, "nobody watching")
        page.evaluate("document.getElementById('video').play()")
        wait_until(lambda: sessions(viewers, "playing") == 1, "playing again")
        page.goto("about:blank")
        wait_until(lambda: viewers.value('livestream_viewer_concurrent{stream="demo"}') == 0, "the goodbye", seconds=4)
    wait_until(lambda: total(viewers, "ended_plays_total", reason="quit") == quits + 1, "the session's end")
    assert total(viewers, "startup_seconds_count") > before


def test_a_stall_is_told_while_it_lasts(browser: Browser, origin: str, viewers: Exporter) -> None:
    before = total(viewers, "rebuffers_total", cause="network")
    try:
        with page_of(browser, origin) as page:
            wait_until(lambda: sessions(viewers, "playing") == 1, "playing")
            Origin.held.set()
            wait_until(lambda: sessions(viewers, "rebuffering") == 1, "the stall")
            Origin.held.clear()
            page.evaluate("document.getElementById('video').readyState")
            wait_until(lambda: sessions(viewers, "playing") == 1, "playing again")
            page.evaluate("watching.stop()")
    finally:
        Origin.held.clear()
    wait_until(lambda: total(viewers, "rebuffers_total", cause="network") == before + 1, "the stall to be counted")


def test_beacons_wait_while_the_server_is_away(browser: Browser, origin: str, viewers: Exporter) -> None:
    with page_of(browser, origin) as page:
        wait_until(lambda: sessions(viewers, "playing") == 1, "playing")
        lost = total(viewers, "plays_total", device="desktop")
        viewers.end()
        page.evaluate("document.getElementById('video').pause()")
        viewers.start()
        wait_until(lambda: sessions(viewers, "paused") == 1, "the beacons that waited")
        assert total(viewers, "plays_total", device="desktop") == lost
        page.evaluate("watching.stop()")


def test_a_fatal_error_of_hls_is_a_failure_with_its_class(browser: Browser, origin: str, viewers: Exporter) -> None:
    with page_of(browser, origin + "?wait=1") as page:
        page.evaluate("window.watching.stop()")
        wait_until(lambda: page.evaluate("typeof Hls") == "function", "hls.js")
        page.evaluate(
            """async (endpoint) => {
                const { watch } = await import(endpoint + "/v1/player.js");
                const video = document.createElement("video");
                const hls = new Hls();
                watch(video, { stream: "demo", hls });
                hls.loadSource("missing.m3u8");
                hls.attachMedia(video);
                video.muted = true;
                video.play().catch(() => {});
            }""",
            viewers.public,
        )
        wait_until(lambda: sessions(viewers, "failed") == 1, "the failure")
    wait_until(lambda: failures(viewers) == {"manifest": 1.0}, "the error's class")


def failures(viewers: Exporter) -> dict[str, Any]:
    names = ("manifest", "network", "other")
    found = {name: viewers.value(f'livestream_viewer_errors_total{{error_class="{name}"}}') for name in names}
    return {name: value for name, value in found.items() if value}
