"""The fast lane counts as the slow one does, and leaves to it what it cannot read."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cdn.scene import FIXTURES, NOW, counted, nginx_line, rows


def reordered(line: bytes) -> bytes:
    """The same record in another layout, which only the slow lane reads."""
    row = orjson.loads(line)
    return orjson.dumps(dict(reversed(row.items()))) + b"\n"


def test_both_lanes_count_alike() -> None:
    text = (FIXTURES / "nginx.jsonl").read_bytes()
    fast, fast_tally = counted("nginx", text)
    slow, slow_tally = counted("nginx", b"".join(map(reordered, text.splitlines())))
    assert fast.fallback.public.total() == 0
    assert slow.fallback.public.total() == 5
    for name in ("requests", "response_bytes", "request_bytes", "by_code", "origin_requests", "slow", "aborts"):
        assert rows(getattr(fast, name).public) == rows(getattr(slow, name).public), name
    for name in ("duration", "first_byte", "origin_duration"):
        assert getattr(fast, name).public.state() == getattr(slow, name).public.state(), name
    assert sorted(fast_tally.handed) == sorted(slow_tally.handed)


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(
        st.one_of(
            st.builds(
                nginx_line,
                path=st.sampled_from(["/hls/demo_720p/1.ts", "/hls/a\\\\b/1.ts", "/x", "/hls/caf\u00e9/1.ts"]),
                agent=st.sampled_from(["curl/8", 'say \\"hi\\"', "brace } brace", "x\\\\"]),
                args=st.sampled_from(["", "CMCD=br%3D1", "a=\\u0001&CMCD=bs"]),
                status=st.sampled_from(["200", "404", "000", "499"]),
                size=st.integers(0, 10**9),
            ),
            st.sampled_from([b"\n", b"torn {\n", b'{"a":1}\n', b"\xff\xfe\n", nginx_line()[:200] + b"\n"]),
            st.builds(lambda cut: nginx_line()[:cut] + b"\n", st.integers(1, 500)),
        ),
        max_size=12,
    )
)
def test_any_mix_of_lines_counts_as_line_by_line(lines: list[bytes]) -> None:
    together, handed = counted("nginx", b"".join(lines))
    expected: dict[tuple[str, ...], float] = {}
    records = 0.0
    for line in lines:
        alone, _ = counted("nginx", line)
        records += alone.records.public.total()
        for labels, value in rows(alone.by_code.public).items():
            expected[labels] = expected.get(labels, 0) + value
    assert rows(together.by_code.public) == expected
    assert together.records.public.total() == records == sum(1 for line in lines if line.strip())
    assert all(one.stream in ("demo", "a\\b", "caf\u00e9") for one in handed.handed)


def test_escapes_in_texts_are_undone() -> None:
    _, tally = counted("nginx", nginx_line("/hls/a\\\\b/1.ts", agent="x\\\\y", args="CMCD=sid%3D%22q%22"))
    (record,) = tally.handed
    assert (record.stream, record.user_agent, record.cmcd) == ("a\\b", "x\\y", 'sid="q"')


def test_a_torn_line_takes_no_other_with_it() -> None:
    for cut in range(1, len(nginx_line())):
        tables, _ = counted("nginx", nginx_line()[:cut].rstrip(b"\n") + b"\n" + nginx_line())
        assert tables.requests.public.total() >= 1, cut
        assert tables.records.public.total() == 2, cut


def test_fields_made_up_by_a_viewer_stay_within_their_value() -> None:
    forged = 'x\\",\\"status\\":\\"500\\",\\"bytes_sent\\":99999999,\\"y\\":\\"'
    tables, _ = counted("nginx", nginx_line(agent=forged) + nginx_line(args=forged) + nginx_line(forged))
    assert rows(tables.by_code.public) == {("nginx", "200"): 3}
    assert tables.response_bytes.public.total() == 3_000


def test_times_apart_count_with_their_own_delay() -> None:
    late, fresh = nginx_line(time=NOW - 4_000), nginx_line(time=NOW - 0.1)
    tables, tally = counted("nginx", late + fresh)
    assert rows(tables.records.public) == {("nginx", "edge", "ok"): 1, ("nginx", "edge", "late"): 1}
    assert tables.requests.public.total() == 2, "late records count"
    assert [one.time for one in tally.handed] == [NOW - 0.1], "but are not handed over"
    assert tables.watermark.public.get("nginx", "edge") == NOW - 0.1


def test_a_chunk_that_is_late_as_a_whole_is_not_handed_over() -> None:
    tables, tally = counted("nginx", nginx_line(time=NOW - 4_000) * 3)
    assert rows(tables.records.public) == {("nginx", "edge", "late"): 3}
    assert tally.handed == []


def test_what_nginx_does_not_know_is_empty_in_both_lanes() -> None:
    line = nginx_line(agent="-").replace(b'"viewer_id":""', b'"viewer_id":"-"').replace(b"203.0.113.7", b"-")
    for each in (line, reordered(line), line + nginx_line("/a\\\\b")):
        _, tally = counted("nginx", each)
        assert {(one.address, one.user_agent, one.signed_id) for one in tally.handed} == {("", "", "")}


@pytest.mark.parametrize("text", ["", "a", '\\"', "\\\\", '\\\\\\"', 'a\\"b', 'a\\\\\\"\\\\', "\\" * 64, '\\"' * 64])
def test_a_text_ends_at_the_first_quote_that_is_not_escaped(text: str) -> None:
    tables, tally = counted("nginx", nginx_line(agent=text) + nginx_line(args=text))
    assert tables.fallback.public.total() == 0
    assert [one.user_agent for one in tally.handed] == [orjson.loads(f'"{text}"'), "curl/8"]
