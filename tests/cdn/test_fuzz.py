"""Whatever comes over syslog or is pushed: lines, or a refusal; never anything else."""

from __future__ import annotations

import base64
import gzip
import io
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporters.cdn.counting import MAX_LINE_BYTES
from exporters.cdn.sources.push import PushIntake, PushSource
from exporters.cdn.sources.syslog import SyslogIntake, frames, message
from tests.anything import JSON, spoiled
from tests.cdn.scene import FIXTURES, Scene, nginx_line

LINE = nginx_line()
HEADS = st.sampled_from(
    [b"", b"<190>1 - - - - - - ", b"<190>Nov 26 10:00:00 edge nginx: ", b"<999>", b"<1>1 a b c d e [x", b"<13>Feb 30 "]
)
PACKETS = st.builds(lambda head, body: head + body, HEADS, st.sampled_from([LINE, LINE[:50]]) | st.binary(max_size=80))
COUNTS = st.sampled_from([b"", b"5 ", b"0 ", b"00000001", b"99999999 ", b"70000 ", b"12x", b"\n"])
STREAMS = st.lists(st.builds(lambda count, packet: count + packet, COUNTS, PACKETS), max_size=6).map(b"".join)
FORMS = ("fastly", "cloudflare", "akamai", "cloudfront-realtime")
RECORDED = b"".join((FIXTURES / name).read_bytes() for name in ("fastly.jsonl", "cloudflare.jsonl", "akamai.jsonl"))
TEXTS = st.binary(max_size=200) | st.builds(
    lambda start, length, noise: RECORDED[start : start + length] + noise,
    st.integers(0, len(RECORDED)),
    st.integers(0, 2000),
    st.binary(max_size=9),
)
ENVELOPE = {"requestId": "r", "timestamp": 1, "records": [{"data": base64.b64encode(RECORDED[:500]).decode()}]}
ENVELOPES = (spoiled(ENVELOPE) | JSON).map(orjson.dumps) | st.lists(JSON).map(
    lambda one: orjson.dumps({"records": one})
)
PACKED = st.builds(lambda text, cut: gzip.compress(text)[:cut], TEXTS, st.integers(2, 400))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(tmp_path_factory.mktemp("fuzz"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def syslog(scene: Scene) -> SyslogIntake:
    intake = SyslogIntake(*scene.source("nginx"), scene.ledger)
    scene.ledger.restore()
    return intake


@pytest.fixture(scope="module")
def pushed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PushIntake]:
    made = Scene(tmp_path_factory.mktemp("pushed"))
    sources = {form: PushSource(*made.source(form, repeats=True, name=form)) for form in FORMS}
    made.ledger.restore()
    yield PushIntake(sources, made.ledger, "s3cret")
    made.close()


@given(PACKETS)
@example(b"<190>1 " + b"a " * 3000)
def test_a_packet_is_one_line(packet: bytes) -> None:
    line = message(packet)
    assert b"\n" not in line and line in packet.replace(b"\n", b" ")


@settings(max_examples=200, deadline=None)
@given(STREAMS)
def test_a_connection_gives_messages_of_bounded_length(syslog: SyslogIntake, sent: bytes) -> None:
    found = list(frames(io.BytesIO(sent), syslog))
    assert all(len(one) <= MAX_LINE_BYTES + 8 for one in found)
    assert sum(map(len, found)) <= len(sent)
    syslog.take(found)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(FORMS), TEXTS | PACKED | ENVELOPES, st.sampled_from(["", "a", "ü"]))
def test_a_body_is_taken_or_refused(pushed: PushIntake, form: str, body: bytes, request_id: str) -> None:
    headers = {"x-amz-firehose-request-id": request_id} if request_id else {}
    assert pushed.take(form, io.BytesIO(body), len(body), headers).status in (200, 400)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_is_the_token(pushed: PushIntake, authorization: str, key: str) -> None:
    for kind in ("", "Bearer ", "Basic "):
        assert not pushed.is_allowed({"authorization": kind + authorization, "x-amz-firehose-access-key": key})
