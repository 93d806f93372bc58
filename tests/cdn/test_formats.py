"""Every vendor's fixture tells of the same five requests, and gives the same counts."""

from __future__ import annotations

from collections import Counter

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.cdn.formats.registry import FormatRegistry
from exporters.cdn.formats.values import MAX_NUMBER
from exporters.cdn.records import LogRecord
from exporters.cdn.sources.spec import SourceSpec
from exporters.errors import ConfigError, SourceFormatError
from tests.cdn.scene import FIXTURES, counted, nginx_line, rows

VENDORS = {
    "nginx.jsonl": ("nginx", "nginx", 0, 0),
    "cloudfront-standard.tsv": ("cloudfront", "cloudfront", 1, 2),
    "cloudfront-standard-v2.jsonl": ("cloudfront", "cloudfront", 0, 0),
    "cloudfront-realtime.tsv": ("cloudfront-realtime", "cloudfront", 0, 0),
    "fastly.jsonl": ("fastly", "fastly", 1, 0),
    "cloudflare.jsonl": ("cloudflare", "cloudflare", 0, 2),
    "akamai.jsonl": ("akamai", "akamai", 0, 0),
    "akamai-structured.log": ("akamai", "akamai", 0, 0),
}
"""fixture → format, CDN, lines that are no records, lines that are not to be counted"""
POPS = {"nginx": "edge-1", "cloudfront": "FRA", "fastly": "FRA", "cloudflare": "FRA"}
CLASSES = {
    ("multivariant", "2xx", "miss"): 1,
    ("segment", "2xx", "hit"): 1,
    ("segment", "4xx", "miss"): 1,
    ("segment", "5xx", "miss"): 1,
    ("segment", "aborted", "hit"): 1,
}


@pytest.mark.parametrize("fixture", VENDORS)
def test_each_vendor_is_counted_in_the_one_schema(fixture: str) -> None:
    form, cdn, broken, filtered = VENDORS[fixture]
    tables, tally = counted(form, (FIXTURES / fixture).read_bytes())
    requests = {(kind, code, cache): n for (_, _, kind, code, cache), n in rows(tables.requests.public).items()}
    if fixture == "cloudfront-standard.tsv":  # it gives "Error" as the state of a failed answer
        expected = {(*key[:2], "error" if key[1][0] in "45a" else key[2]): n for key, n in CLASSES.items()}
        assert requests == expected
    else:
        assert requests == CLASSES
    assert {labels[:2] for labels in rows(tables.requests.public)} == {(cdn, "demo")}
    assert tables.response_bytes.public.total() == 600 + 240_000 + 153 + 1_000
    assert rows(tables.by_protocol.public) == {(cdn, "h2", "1.3"): 5}
    assert rows(tables.aborts.public) == {(cdn, "demo", "segment"): 1}
    assert tables.slow.public.get(cdn, "segment") == 1, "2.5 s for an object of 2 s"
    assert tables.by_pop.public.total() == (5 if cdn in POPS else 0)
    assert all(labels[1] == POPS[cdn] for labels in rows(tables.by_pop.public))
    results = {labels[2]: n for labels, n in rows(tables.records.public).items()}
    assert results == {k: v for k, v in {"ok": 5, "parse_error": broken, "filtered": filtered}.items() if v}
    assert tables.duration.public.count(cdn, "segment", "hit") + tables.duration.public.count(cdn, "segment", "error")
    by_path = {(one.kind, one.status): one for one in tally.handed}
    segment = by_path["segment", 200]
    assert (segment.variant, segment.bytes, segment.seconds) in {("720p", 240_000, 2.5), ("720p", 1_000, 1.0)}
    told = [one for one in tally.handed if one.bytes == 240_000]
    assert [(one.cmcd.replace(",su", ""), one.user_agent, one.address) for one in told] == [
        ('br=3200,d=2000,sid="a1"', "Mozilla/5.0 (X11; Linux x86_64)", "203.0.113.7")
    ]


@pytest.mark.parametrize("fixture", [name for name in VENDORS if name != "cloudfront-standard.tsv"])
def test_country_and_first_byte_are_alike(fixture: str) -> None:
    form, cdn, _, _ = VENDORS[fixture]
    tables, _ = counted(form, (FIXTURES / fixture).read_bytes())
    country = "ZZ" if fixture == "akamai-structured.log" else "DE"
    assert rows(tables.by_country.public) in ({(cdn, "DE"): 5}, {(cdn, country): 5})
    assert tables.first_byte.public.count(cdn, "multivariant", "miss") == 1
    assert tables.stream_first_byte_seconds.public.get("demo") == pytest.approx(0.059 if cdn == "nginx" else 0.062)


def test_upstream_lists_count_each_try() -> None:
    tables, _ = counted("nginx", (FIXTURES / "nginx.jsonl").read_bytes())
    assert rows(tables.origin_requests.public) == {("nginx", "2xx"): 1, ("nginx", "4xx"): 1, ("nginx", "5xx"): 2}
    assert tables.origin_bytes.public.get("nginx") == 600 + 153 + 100
    assert tables.origin_duration.public.count("nginx") == 4


def test_combined_lines_count_without_times() -> None:
    tables, tally = counted("combined", (FIXTURES / "combined.log").read_bytes())
    assert rows(tables.requests.public) == {
        ("nginx", "demo", "multivariant", "2xx", "none"): 1,
        ("nginx", "demo", "segment", "2xx", "none"): 1,
        ("nginx", "demo", "segment", "4xx", "none"): 1,
        ("nginx", "demo", "segment", "aborted", "none"): 1,
        ("nginx", "demo", "segment", "5xx", "none"): 1,
        ("nginx", "_other", "other", "4xx", "none"): 1,
    }
    assert tables.records.public.get("nginx", "edge", "parse_error") == 1
    assert rows(tables.unmatched.public) == {("nginx",): 1}
    assert [one.cmcd for one in tally.handed if one.cmcd] == ['br=3200,d=2000,sid="a1"']


@pytest.mark.parametrize("target", ["/hls/demo/1.ts", "/hls/demo/1 a.ts", "/hls/demo/1.ts?CMCD=bs"])
def test_a_request_of_http_0_9_is_one_of_its_stream(target: str) -> None:
    line = f'203.0.113.7 - - [23/Nov/2026:09:15:19 +0000] "GET {target}" 200 600 "-" "-"'
    tables, _ = counted("combined", line.encode())
    assert rows(tables.requests.public) == {("nginx", "demo", "segment", "2xx", "none"): 1}
    assert rows(tables.by_protocol.public) == {("nginx", "other", "none"): 1}


def test_other_peoples_nginx_json_is_read_by_its_names() -> None:
    tables, tally = counted("nginx", (FIXTURES / "nginx-other-layout.jsonl").read_bytes())
    assert tables.fallback.public.get("nginx", "edge") == 8
    assert rows(tables.requests.public) == {
        ("nginx", "demo", "media", "2xx", "miss"): 2,
        ("nginx", "demo", "segment", "2xx", "miss"): 3,
        ("nginx", "show", "multivariant", "2xx", "miss"): 1,
        ("nginx", "show", "media", "2xx", "miss"): 1,
        ("nginx", "show", "segment", "2xx", "miss"): 1,
    }
    headers = [one.cmcd for one in tally.handed if "hdr-mode" in one.cmcd]
    assert headers[0] == 'br=464,ot=m,mtp=500,su,cid="show",sf=h,sid="hdr-mode"'


def test_a_sampled_log_counts_each_record_for_those_it_stands_for() -> None:
    tables, _ = counted("cloudfront-realtime", (FIXTURES / "cloudfront-realtime.tsv").read_bytes(), 0.1)
    assert tables.requests.public.total() == 50
    assert tables.response_bytes.public.total() == 10 * 241_753
    assert tables.duration.public.count("cloudfront", "segment", "hit") == 20
    assert tables.records.public.get("cloudfront", "edge", "ok") == 5, "records are counted as they are"
    assert tables.sampling.get("cloudfront", "edge") == 0.1


def test_real_time_fields_come_in_the_vendors_order() -> None:
    chosen = ("sc-status", "timestamp", "cs-uri-stem", "sc-bytes")
    parser = FormatRegistry(chosen).open(SourceSpec("T", "n", "cloudfront-realtime"))
    record = parser.parse(b"1795425319.5\t200\t12\t/hls/demo%20one.m3u8")
    assert record is not None and (record.time, record.bytes, record.path) == (1795425319.5, 12, "/hls/demo one.m3u8")


def cloudflare_line(**fields: object) -> bytes:
    row = {"EdgeEndTimestamp": 1795425319_500000000, "EdgeResponseBytes": 10, "EdgeResponseStatus": 200}
    return orjson.dumps({**row, "ClientRequestURI": "/hls/demo/1.ts", **fields})


@pytest.mark.parametrize("digits", ["\u00b2", "\u0661", "1\u00b2", "\uff11"])
def test_digits_of_other_scripts_are_no_time(digits: str) -> None:
    parser = FormatRegistry().open(SourceSpec("T", "n", "cloudflare"))
    with pytest.raises(SourceFormatError):
        parser.parse(cloudflare_line(EdgeEndTimestamp=digits))


def test_digits_of_other_scripts_are_no_status() -> None:
    tables, _ = counted("nginx", nginx_line(status="2\u00b2\u00b2"))
    assert rows(tables.requests.public) == {("nginx", "_other", "segment", "other", "hit"): 1}


@pytest.mark.parametrize("only", ["EdgeStartTimestamp", "EdgeEndTimestamp"])
def test_one_time_alone_tells_no_duration(only: str) -> None:
    line = cloudflare_line(**{"EdgeEndTimestamp": None, only: "1795425319500000000"})
    tables, tally = counted("cloudflare", line)
    assert [(one.time, one.seconds) for one in tally.handed] == [(1795425319.5, -1.0)]
    assert tables.duration.public.count("cloudflare", "segment", "none") == 0


@pytest.mark.parametrize("fixture", [*VENDORS, "combined.log"])
def test_a_response_larger_than_any_is_no_record(fixture: str) -> None:
    form = VENDORS.get(fixture, ("combined", "", 1, 0))[0]
    text = (FIXTURES / fixture).read_bytes()
    usual, _ = counted(form, text)
    largest, _ = counted(form, text.replace(b"240000", b"%d" % (MAX_NUMBER - 1)))
    larger, _ = counted(form, text.replace(b"240000", b"%d" % MAX_NUMBER))
    results = [Counter({labels[2]: n for labels, n in rows(one.records.public).items()}) for one in (usual, larger)]
    assert results[1] - results[0] == {"parse_error": 1} and results[0] - results[1] == {"ok": 1}
    sent = [one.response_bytes.public.total() for one in (usual, largest, larger)]
    assert sent == [sent[0], sent[0] - 240_000 + MAX_NUMBER - 1, sent[0] - 240_000]
    assert rows(largest.records.public) == rows(usual.records.public)


def test_origin_bytes_beyond_any_are_left_out() -> None:
    line = nginx_line().replace(b'received":""', b'received":"%d, 5 : 7"' % MAX_NUMBER)
    for each in (line, line.replace(b"{", b"{ ")):  # the fast lane and the slow one
        tables, _ = counted("nginx", each)
        assert tables.origin_bytes.public.get("nginx") == 12


def test_an_unknown_real_time_field_stops_the_start() -> None:
    with pytest.raises(ConfigError, match="CDN_CLOUDFRONT_FIELDS has nonsense"):
        FormatRegistry(("nonsense",))


LINES = [line for fixture in VENDORS for line in (FIXTURES / fixture).read_bytes().splitlines()[:3]]


@settings(max_examples=150, deadline=None)
@given(
    form=st.sampled_from(["nginx", "combined", "cloudfront", "cloudfront-realtime", "fastly", "cloudflare", "akamai"]),
    line=st.one_of(
        st.binary(max_size=300),
        st.builds(
            lambda line, at, put, cut: line[: at % len(line)] + put + line[at % len(line) + cut :],
            *(st.sampled_from(LINES), st.integers(0, 2000), st.binary(max_size=8), st.integers(0, 40)),
        ),
        st.builds(
            lambda line, old, new: line.replace(old, new),
            st.sampled_from(LINES),
            st.sampled_from([b"200", b"1795425319", b'"', b":", b",", b"\t", b" ", b"%", b"0."]),
            st.sampled_from([b"-", b"null", b"1e999", b"NaN", b"-1", b"9" * 400, b"[]", b"{}", b"\xff", b"", b"true"]),
        ),
    ),
)
def test_a_parser_reads_a_line_or_says_that_it_cannot(form: str, line: bytes) -> None:
    parser = FormatRegistry().open(SourceSpec("T", "n", form))
    parser.begin(line)
    try:
        record = parser.parse(line)
    except SourceFormatError:
        return
    assert record is None or isinstance(record, LogRecord)
    if record is not None:
        assert record.bytes >= 0 and 0 <= record.time < 1e17
        facts = record.facts
        texts = (record.path, record.cmcd, record.address, record.user_agent, record.signed_id, record.request_id)
        for text in (*texts, *(facts.code, facts.cache, facts.protocol, facts.tls, facts.country, facts.pop)):
            text.encode("utf-8", "strict")
