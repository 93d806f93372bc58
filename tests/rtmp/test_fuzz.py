"""Whatever a server answers: a reading, or a format error; never anything else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from urllib.parse import urlencode

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.errors import SourceFormatError
from exporters.naming import Naming
from exporters.rtmp.book import Round, StreamBook
from exporters.rtmp.collector import StreamCollector
from exporters.rtmp.hooks import MEDIAMTX_ACTIONS, NGINX_CALLS, SRS_ACTIONS
from exporters.rtmp.mediamtx import MediamtxSource
from exporters.rtmp.model import ServerReading
from exporters.rtmp.nginx_rtmp import parse_stat
from exporters.rtmp.srs import SrsSource
from exporters.rtmp.tallies import Tallies
from exporters.server import Reply, Request
from tests.anything import JSON, spoiled
from tests.rtmp.fixtures import HandClock, fixture
from tests.rtmp.test_hooks import Scene as Hooks

PAGES = [fixture(name) for name in ("arut.xml", "dryabzhinsky.xml", "http-flv.xml", "http-flv-json.json")]
SRS_LISTS = [orjson.loads(fixture(f"srs-{name}.json")) for name in ("summaries", "vhosts", "streams", "clients")]
MEDIAMTX_LISTS = [orjson.loads(fixture(f"mediamtx-{name}.json")) for name in ("info", "paths", "rtmpconns", "srtconns")]


def show(readings: tuple[ServerReading, ...]) -> None:
    """Whatever was read can be kept and shown."""
    clock, tallies = HandClock(), Tallies()
    book = StreamBook(Naming(), tallies, clock=clock)
    book.observe(Round("a", readings, clock(), clock()))
    for table in StreamCollector(book, tallies, clock).collect():
        table.render(openmetrics=True)


@st.composite
def spoiled_pages(draw: st.DrawFn) -> bytes:
    """A recorded page with some bytes cut out, doubled or replaced."""
    page = draw(st.sampled_from(PAGES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(page)))
        end = draw(st.integers(start, min(len(page), start + 200)))
        page = (
            page[:start]
            + draw(st.sampled_from([b"", page[start:end] * 2, b"\x00", b"<", b"-1", b"1e400"]))
            + page[end:]
        )
    return page


@st.composite
def spoilers(draw: st.DrawFn) -> Callable[[object], object]:
    """Replaces about every twentieth value of a document by anything."""
    random = draw(st.randoms(use_true_random=False))
    strange = draw(st.lists(JSON, min_size=1, max_size=4))

    def spoil(value: object) -> object:
        if random.random() < 0.05:
            return random.choice(strange)
        if isinstance(value, dict):
            return {name: spoil(one) for name, one in value.items()}
        return [spoil(one) for one in value] if isinstance(value, list) else value

    return spoil


@settings(max_examples=300, deadline=None)
@given(spoiled_pages() | st.binary(max_size=200))
def test_nginx_pages(body: bytes) -> None:
    with contextlib.suppress(SourceFormatError):
        show((parse_stat(body),))


@settings(max_examples=100, deadline=None)
@given(spoilers())
def test_srs_answers(spoil: Callable[[object], object]) -> None:
    def fetch(url: str) -> bytes:
        kind = next(number for number, name in enumerate(("summ", "vhost", "stream", "client")) if f"/{name}" in url)
        return orjson.dumps(spoil(SRS_LISTS[kind]))

    with contextlib.suppress(SourceFormatError):
        show(SrsSource("http://srs", fetch).read())


@settings(max_examples=100, deadline=None)
@given(spoilers())
def test_mediamtx_answers(spoil: Callable[[object], object]) -> None:
    def fetch(url: str) -> bytes:
        kind = next((number for number, name in enumerate(("info", "paths", "rtmp")) if f"/{name}" in url), 3)
        return orjson.dumps(spoil(MEDIAMTX_LISTS[kind]))

    with contextlib.suppress(SourceFormatError):
        show(MediamtxSource("http://mtx", fetch, wall=lambda: 0.0).read())


NGINX = {"call": "publish", "app": "live", "name": "key1", "clientid": "7", "addr": "10.0.0.1", "time": "12", "key": ""}
SRS = {"action": "on_publish", "vhost": "__defaultVhost__", "app": "live", "stream": "demo", "param": "?key=key1"}
MEDIAMTX = {"action": "publish", "path": "live/demo", "query": "key=key1", "id": "7", "ip": "127.0.0.1", "password": ""}
CALLS = st.sampled_from([*NGINX_CALLS, *SRS_ACTIONS, *MEDIAMTX_ACTIONS])
FORMS = st.dictionaries(st.sampled_from(list(NGINX)), CALLS | st.text(max_size=20), max_size=4)


@settings(max_examples=200, deadline=None)
@given(FORMS.map(lambda changes: urlencode(NGINX | changes)) | st.text(max_size=60), st.sampled_from(["GET", "POST"]))
def test_hooks_of_nginx(form: str, method: str) -> None:
    answer(Hooks().nginx(form, method))


@settings(max_examples=200, deadline=None)
@given(st.one_of(spoiled(SRS), spoiled(MEDIAMTX), JSON).map(orjson.dumps) | st.binary(max_size=60), CALLS)
def test_hooks_of_srs_and_mediamtx(body: bytes, call: str) -> None:
    hooks = Hooks()
    for spoken in (body, body.replace(b"on_publish", call.encode())):
        answer(hooks.srs_hooks(Request("POST", "", {}, spoken, "127.0.0.1")))
        answer(hooks.mediamtx_hooks(Request("POST", "", {}, spoken, "127.0.0.1")))


def answer(reply: Reply) -> None:
    """A hook is allowed, renamed or refused."""
    assert reply.status in (200, 302, 400, 401, 403)
    assert not any("\r" in value or "\n" in value for value in reply.headers.values())
