"""The engine's smaller parts, from addresses to sketches."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from exporters.discovery import LiveStream
from exporters.errors import ConfigError
from exporters.viewers import sequences
from exporters.viewers.addresses import TrustedProxies, network_of
from exporters.viewers.admission import Admission, Verdict
from exporters.viewers.devices import CACHED_USER_AGENTS, device_of
from exporters.viewers.error_classes import CLASSES, error_class
from exporters.viewers.geo import Geography, country_code
from exporters.viewers.identity import Pseudonyms
from exporters.viewers.limits import RateLimit
from exporters.viewers.shards import ShardPlace
from exporters.viewers.uniques import Sketch, UniqueWindows
from tests.viewers.making import START, Clock


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("2001:db8:1234:5678::9", "2001:db8:1234::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("nonsense", ""),
    ],
)
def test_of_an_address_only_its_network_is_kept(address: str, kept: str) -> None:
    assert network_of(address).address == kept


def test_only_trusted_proxies_are_believed() -> None:
    proxies = TrustedProxies("VIEWERS_TRUSTED_PROXIES", ("10.0.0.0/8", "127.0.0.1/32"))
    assert proxies.client("10.0.0.1", "1.1.1.1, 8.8.8.8, 10.0.0.2") == "8.8.8.8"  # the leftmost may be made up
    assert proxies.client("9.9.9.9", "8.8.8.8") == "9.9.9.9"
    assert proxies.client("127.0.0.1", "") == "127.0.0.1"
    assert proxies.client("127.0.0.1", "garbage") == "127.0.0.1"
    with pytest.raises(ConfigError, match="VIEWERS_TRUSTED_PROXIES"):
        TrustedProxies("VIEWERS_TRUSTED_PROXIES", ("not a network",))


def test_private_addresses_tell_no_households_apart() -> None:
    assert network_of("8.8.8.8").is_public
    assert not network_of("192.168.1.5").is_public
    assert not network_of("127.0.0.1").is_public


@pytest.mark.parametrize(
    ("text", "code"), [("de", "DE"), ("XX", "ZZ"), ("", "ZZ"), ("-", "ZZ"), ("T1", "ZZ"), ("DEU", "ZZ")]
)
def test_a_country_is_two_letters_or_unknown(text: str, code: str) -> None:
    assert country_code(text) == code


def test_without_a_database_the_cdns_word_counts() -> None:
    geography = Geography("VIEWERS_GEO_DATABASE", "")
    assert geography.place("8.8.8.8", "US").country == "US"
    assert geography.place("8.8.8.8", "").country == "ZZ"


def test_a_missing_database_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="VIEWERS_GEO_DATABASE"):
        Geography("VIEWERS_GEO_DATABASE", str(tmp_path / "none.mmdb"))


def test_a_database_tells_country_region_and_city(tmp_path: Path) -> None:
    written = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-City")
    berlin = {
        "country": {"iso_code": "DE"},
        "subdivisions": [{"names": {"en": "Land Berlin"}}],
        "city": {"names": {"en": "Berlin", "de": "Berlin"}},
    }
    written.insert_network(IPSet(["8.8.8.0/24"]), berlin)
    written.insert_network(IPSet(["2001:4860::/32"]), {"registered_country": {"iso_code": "US"}})
    written.to_db_file(str(tmp_path / "places.mmdb"))
    geography = Geography("VIEWERS_GEO_DATABASE", str(tmp_path / "places.mmdb"))
    assert geography.place("8.8.8.8", "") == ("DE", "Land Berlin", "Berlin")
    assert geography.place("8.8.8.8", "de") == ("DE", "Land Berlin", "Berlin")
    assert geography.place("8.8.8.8", "FR") == ("FR", "", "")  # the CDN saw the viewer, the database an address
    assert geography.place("2001:4860::1", "") == ("US", "", "")
    for unknown in ("9.9.9.9", "::1", "nonsense", ""):
        assert geography.place(unknown, "") == ("ZZ", "", "")


MOZILLA = "Mozilla/5.0 "
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko) "
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko) "


@pytest.mark.parametrize(
    ("agent", "device", "system", "browser"),
    [
        (MOZILLA + f"(X11; Linux x86_64) {WEBKIT}Chrome/120.0.0.0 Safari/537.36", "desktop", "linux", "chrome"),
        (MOZILLA + f"(Windows NT 10.0) {WEBKIT}Chrome/120 Safari/537.36 Edg/120.0", "desktop", "windows", "edge"),
        (MOZILLA + f"(iPhone; CPU iPhone OS 17_0 like Mac OS X) {APPLE}Version/17.0 Mobile/15E148 Safari/604.1",
         "mobile", "ios", "safari"),
        (MOZILLA + f"(iPad; CPU OS 16_0 like Mac OS X) {APPLE}Version/16.0 Mobile/15E148 Safari/604.1",
         "tablet", "ios", "safari"),
        (MOZILLA + f"(Linux; Android 13; SM-G991B) {WEBKIT}Chrome/112.0.0.0 Mobile Safari/537.36",
         "mobile", "android", "chrome"),
        (MOZILLA + f"(Linux; Android 13; SM-X700) {WEBKIT}Chrome/112.0 Safari/537.36", "tablet", "android", "chrome"),
        (MOZILLA + f"(SMART-TV; Linux; Tizen 5.0) {WEBKIT}Version/5.0 TV Safari/537.36", "tv", "tizen", "safari"),
        (MOZILLA + f"(PlayStation; PlayStation 5/2.26) {APPLE}Version/13.0 Safari/605.1.15",
         "console", "other", "safari"),
        ("Roku/DVP-9.10 (519.10E04111A)", "tv", "roku", "other"),
        ("VLC/3.0.18 LibVLC/3.0.18", "other", "other", "vlc"),
        ("", "other", "other", "other"),
    ],
)  # fmt: skip
def test_a_user_agent_tells_the_device(agent: str, device: str, system: str, browser: str) -> None:
    assert device_of(agent) == (device, system, browser)


def test_user_agents_are_remembered_up_to_a_bound() -> None:
    device_of.cache_clear()
    for number in range(CACHED_USER_AGENTS + 50):
        device_of(f"x{number}")
    kept = device_of.cache_info()
    assert (kept.currsize, kept.misses) == (CACHED_USER_AGENTS, CACHED_USER_AGENTS + 50)
    device_of.cache_clear()


def test_pseudonyms_of_addresses_change_with_the_day_and_those_of_sessions_do_not(tmp_path: Path) -> None:
    one = Pseudonyms(tmp_path)
    today = one.visitor("demo", "8.8.8.8", "ua", START)
    assert one.visitor("demo", "8.8.8.8", "ua", START + 3600) == today
    assert one.visitor("demo", "8.8.8.8", "ua", START + 86400) != today
    assert len(list(tmp_path.glob("salt-*.key"))) == 1  # yesterday's cannot be worked out any more
    assert Pseudonyms(tmp_path).session("sid") == one.session("sid")
    assert (tmp_path / "session.key").stat().st_mode & 0o077 == 0


def test_a_rate_limit_refills() -> None:
    clock = Clock(0.0)
    limit = RateLimit(2.0, 4.0, names=2, clock=clock)
    assert [limit.allows("a") for _ in range(5)] == [True] * 4 + [False]
    clock.now = 1.0
    assert [limit.allows("a") for _ in range(3)] == [True, True, False]
    limit.allows("b")
    limit.allows("c")
    assert limit.allows("a", 4.0)  # forgotten, since only two names are kept


def test_a_rate_limit_forgets_whoever_has_not_asked_for_as_long_as_it_takes_to_refill() -> None:
    clock = Clock(0.0)
    limit = RateLimit(2.0, 4.0, clock=clock)
    limit.allows("a")
    clock.now = 1.5
    limit.allows("b")
    assert limit.names == 2
    clock.now = 2.5
    limit.allows("c")
    assert limit.names == 2


def test_streams_are_taken_by_list_and_by_configuration() -> None:
    clock = Clock(0.0)
    live = {"demo": LiveStream("demo", "live", "live", START)}
    lists: list[Mapping[str, LiveStream] | None] = [None]
    asked: list[float] = []
    one = Admission("V", (), lambda: lists[0], lambda: asked.append(clock.now), clock)
    assert one.judge("anything") is Verdict.TAKE  # no list yet
    lists[0] = live
    one.note(live, {})
    assert one.judge("demo") is Verdict.TAKE
    assert one.judge("other") is Verdict.UNKNOWN
    assert one.judge("other") is Verdict.UNKNOWN
    assert asked == [0.0]  # the list is asked for anew at most once a second
    one.note({}, live)
    lists[0] = {}
    assert one.judge("demo") is Verdict.TAKE  # players drain their buffers
    clock.now = 61.0
    assert one.judge("demo") is Verdict.ENDED
    fixed = Admission("V", ("demo", "ch-[0-9]+"), lambda: None)
    assert [fixed.judge(name) for name in ("demo", "ch-12", "ch-x")] == [Verdict.TAKE, Verdict.TAKE, Verdict.UNKNOWN]
    assert Admission("V", ("*",), lambda: {}).judge("any") is Verdict.TAKE
    with pytest.raises(ConfigError, match="V: "):
        Admission("V", ("(",), lambda: None)


def test_sketches_merge_without_counting_twice() -> None:
    first, second = Sketch(), Sketch()
    for number in range(10_000):
        first.add(f"viewer{number}")
        second.add(f"viewer{number + 5_000}")
    assert Sketch.merged([first, second]).estimate() == pytest.approx(15_000, rel=0.03)
    assert Sketch(first.text()).estimate() == first.estimate()
    assert Sketch().text() == ""


def test_windows_of_distinct_viewers_slide() -> None:
    windows = UniqueWindows()
    windows.add("a", START)
    windows.add("b", START + 2 * 3600)
    assert round(windows.window("stream", START).estimate()) == 2
    assert round(windows.window("1h", START + 2 * 3600).estimate()) == 1
    assert round(windows.window("24h", START + 2 * 3600).estimate()) == 2
    assert round(windows.window("24h", START + 25 * 3600).estimate()) == 1
    kept = UniqueWindows()
    kept.restore(windows.state())
    assert round(kept.window("24h", START + 2 * 3600).estimate()) == 2


def test_windows_of_distinct_viewers_ignore_what_is_yet_to_come() -> None:
    windows = UniqueWindows()
    windows.add("a", START)
    windows.add("b", START + 86400)
    assert round(windows.window("1h", START).estimate()) == 0  # what was before went when the day had passed
    assert round(windows.window("24h", START + 23 * 3600).estimate()) == 0
    assert round(windows.today(START + 23 * 3600).estimate()) == 0


@pytest.mark.parametrize("by", [86400.0, 3600.0, 1000.0, -1000.0, -86400.0])
def test_windows_of_distinct_viewers_move_with_the_clock(by: float) -> None:
    windows = UniqueWindows()
    windows.add("a", START - 7200)
    windows.add("b", START)
    windows.shift(START + by, by)
    windows.add("c", START + by)
    assert round(windows.window("1h", START + by).estimate()) == 2
    assert round(windows.window("24h", START + by).estimate()) == 3


@given(st.integers(0, sequences.WINDOW - 1), st.lists(st.integers(0, 150), max_size=120))
def test_numbers_are_fresh_once_and_losses_are_those_that_never_came(first: int, numbers: list[int]) -> None:
    highest, seen, lost = -1, 0, 0
    came: set[int] = set()
    for number in (first, *numbers):
        before = highest
        highest, seen, verdict, gone = sequences.take(highest, seen, number)
        lost += gone
        if verdict == sequences.LATE:
            assert before - number >= sequences.WINDOW
            continue
        assert verdict == (sequences.DUPLICATE if number in came else sequences.FRESH)
        came.add(number)
    assert lost + sequences.missing(seen) == max((first, *numbers)) + 1 - len(came)


def test_every_session_has_exactly_one_shard() -> None:
    places = [ShardPlace(number, 4) for number in (1, 2, 3, 4)]
    assert all(sum(place.owns(f"session{n}") for place in places) == 1 for n in range(100))
    assert ShardPlace.parse("V", "2/4") == ShardPlace(2, 4)
    for wrong in ("0/1", "3/2", "x", "1"):
        with pytest.raises(ConfigError, match="V is"):
            ShardPlace.parse("V", wrong)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("fragLoadError 404", "segment"),
        ("levelLoadTimeOut", "timeout"),
        ("keySystemNoLicense", "drm"),
        ("MEDIA_ERR_DECODE", "decode"),
        ("451", "geo_blocked"),
        ("503", "http_server"),
        ("???", "other"),
    ],
)
def test_error_codes_have_a_bounded_set_of_classes(code: str, name: str) -> None:
    assert error_class(code) == name
    assert len(CLASSES) < 30
