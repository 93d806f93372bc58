"""CMCD text, headers and JSON of both versions."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from exporters.errors import SourceFormatError
from exporters.viewers import cmcd
from exporters.viewers.translate import CmcdTranslator, content_id

RENDITIONS = ("_720p", "_low", "_hi")


def test_a_query_of_version_1_is_read() -> None:
    pairs = cmcd.parse('bl=4100,br=2096,bs,cid="show",d=2000,nor="show_hi-36.ts",ot=av,sid="stall-v1b",st=l,su')
    assert cmcd.number(pairs["bl"]) == 4100
    assert cmcd.text(pairs["sid"]) == "stall-v1b"
    assert cmcd.flag(pairs, "bs")
    assert cmcd.flag(pairs, "su")
    assert not cmcd.flag(pairs, "nrr")


def test_a_comma_within_a_string_ends_no_pair() -> None:
    pairs = cmcd.parse('cid="a,br=5",nor="x,y.ts",sid="one"')
    assert [cmcd.text(pairs[key]) for key in ("cid", "nor", "sid")] == ["a,br=5", "x,y.ts", "one"]
    assert "br" not in pairs


def test_an_escaped_quote_within_a_string_does_not_end_it() -> None:
    assert cmcd.text(cmcd.parse(r'cid="a\",b",sid="s"')["cid"]) == 'a",b'


def test_of_an_inner_list_the_video_counts() -> None:
    pairs = cmcd.parse("br=(2500;v 128;a),bl=(6000),mtp=(700 900)")
    assert [cmcd.number(pairs[key]) for key in ("br", "bl", "mtp")] == [2500, 6000, 900]


def test_strings_of_an_inner_list_are_told_apart() -> None:
    assert cmcd.strings(cmcd.parse('ec=("E1" "E2, late"),sid="s"')["ec"]) == ["E1", "E2, late"]
    assert cmcd.strings('"E1"') == ["E1"]


def test_the_four_headers_are_one_report() -> None:
    headers = {
        "cmcd-request": 'bl=1900,dl=1900,mtp=9700,nor="show_hi-52.ts",su',
        "cmcd-object": "br=2096,d=2000,tb=2096",
        "cmcd-session": 'cid="show",sf=h,sid="hdr-mode",st=l',
        "cmcd-status": "rtp=10500",
        "accept": "*/*",
    }
    pairs = cmcd.parse_headers(headers)
    assert (pairs["br"], cmcd.text(pairs["sid"]), pairs["rtp"]) == ("2096", "hdr-mode", "10500")
    assert cmcd.parse_headers({"accept": "*/*"}) == {}


def test_json_means_the_same_as_text() -> None:
    (read,) = cmcd.parse_json('{"br":[2500],"bs":true,"su":false,"cid":"a\\"b","bl":2000,"sid":"s"}')
    assert cmcd.number(read["br"]) == 2500
    assert cmcd.flag(read, "bs")
    assert not cmcd.flag(read, "su")
    assert cmcd.text(read["cid"]) == 'a"b'


@pytest.mark.parametrize("text", ["", "=", ",,,", "x" * 9000])
def test_what_is_no_cmcd_is_refused(text: str) -> None:
    with pytest.raises(SourceFormatError):
        pairs = cmcd.parse(text)
        CmcdTranslator().report(pairs, "demo", "query", 0.0, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('br=5,cid="x"', "parse"),
        (f'sid="{"s" * 65}"', "size"),
        ('sid="s",v=3', "version"),
        ('e=zz,sid="s",v=2', "parse"),
    ],
)
def test_a_report_that_cannot_be_taken_says_why(text: str, reason: str) -> None:
    with pytest.raises(SourceFormatError) as caught:
        CmcdTranslator().report(cmcd.parse(text), "demo", "event", 0.0, None)
    assert caught.value.reason == reason


def test_a_content_id_has_a_length_limit() -> None:
    assert content_id(cmcd.parse('cid="demo",sid="s"')) == "demo"
    with pytest.raises(SourceFormatError):
        content_id(cmcd.parse(f'cid="{"c" * 129}"'))


def test_units_become_base_units() -> None:
    text = 'bl=(4100),br=(2096),dfa=7,e=t,ltc=2500,msd=830,mtp=(8000),sid="s",sn=4,sta=p,ts=1795427345806,v=2'
    report = CmcdTranslator().report(cmcd.parse(text), "demo", "event", 1795427346.0, None)
    assert report.buffer == pytest.approx(4.1)
    assert (report.rate, report.throughput) == (262_000.0, 1_000_000.0)
    assert (report.latency, round(report.start_seconds, 6), report.dropped_frames) == (2.5, 0.83, 7)
    assert (report.time, report.sequence, report.state, report.version) == (pytest.approx(1795427345.806), 4, "p", 2)


@pytest.mark.parametrize(
    ("path", "variant"),
    [
        ("http://127.0.0.1:18082/abr/show_hi-25.ts", "hi"),
        ("/hls/demo_720p/5.ts", "720p"),
        ("/hls/demo_720p/index.m3u8?x=1", "720p"),
        ("/hls/demo_low.m3u8", "low"),
        ("/hls/demo_lower/1.ts", ""),
        ("/hls/demo/5.ts", ""),
    ],
)
def test_a_url_tells_the_rendition(path: str, variant: str) -> None:
    assert CmcdTranslator(RENDITIONS).variant(path) == variant


SLOW_PAIR = re.compile(
    r'([A-Za-z*][A-Za-z0-9_.*-]*)(?:=("(?:[^"\\]|\\.)*"|\((?:[^()"]|"(?:[^"\\]|\\.)*")*\)|[^,]*))?(?:,|$)'
)
SLOW_ITEM = re.compile(r'(-?[0-9.]+|"(?:[^"\\]|\\.)*")((?:;[a-z0-9*_.-]+(?:=[^\s;)]*)?)*)')
"""What is meant, in the words of a plain regular expression; it takes quadratic time."""
SHORT = st.lists(st.sampled_from(["aB", *'*1-.=,"( );\n!', '\\"', "\\"]), max_size=20).map("".join)


@given(SHORT)
def test_pairs_are_those_of_the_plain_expression(text: str) -> None:
    assume("\\" not in text or "(" not in text)  # a list has no backslash outside of its strings
    assert [pair[:2] for pair in cmcd._PAIR.findall(text) if not pair[2]] == SLOW_PAIR.findall(text)


@given(SHORT)
def test_items_are_those_of_the_plain_expression(text: str) -> None:
    assume(not re.search(r'"(?:[^"\\]|\\.)*+(?!")', text))  # a string without end
    assert [item for item in cmcd._ITEM.findall(text) if item[0]] == SLOW_ITEM.findall(text)


def test_lists_may_have_quotes_within_strings() -> None:
    pairs = cmcd.parse(r'ec=("a\"b" "c,\\" "(";x=1),sid="s"')
    assert cmcd.strings(pairs["ec"]) == ['a"b', "c,\\", "("]
    assert cmcd.text(pairs["sid"]) == "s"


@pytest.mark.parametrize(
    "text",
    [
        "a" * 8000 + "!, x",
        ',a=(\\"' * 1300,
        ',a=("\\"' * 1000,
        ', a=("' * 1300,
        'ec=(1 "' + '\\"' * 4000,
        "ec=(" + '"' * 8000,
        "ec=(" + "-" * 8000,
        "ec=(1" + ";a" * 4000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    begun = time.thread_time()
    pairs = cmcd.parse(text + ', sid="s"')
    for value in pairs.values():
        cmcd.number(value)
        cmcd.strings(value)
    assert time.thread_time() - begun < 0.1  # some thousandths; quadratic time took up to a second


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        CmcdTranslator(RENDITIONS).report(cmcd.parse(text), "demo", "query", 0.0, None)
    except SourceFormatError:
        return


@given(
    st.lists(
        st.sampled_from(
            [
                'sid="a"',
                "br=(5;v 6",
                'nor="',
                "bl=--",
                "e=ps",
                "sta=p",
                "ts=99999999999999999999",
                "v=2",
                '"',
                "=",
                "\\",
            ]
        )
    )
)
def test_any_mixture_of_pieces_is_read_or_refused(pieces: list[str]) -> None:
    try:
        CmcdTranslator(RENDITIONS).report(cmcd.parse(",".join(pieces)), "demo", "event", 0.0, None)
    except SourceFormatError:
        return
