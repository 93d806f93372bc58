"""Small readers of loose values: fields, encoder names, stream names, host CPU."""

from __future__ import annotations

import pytest

from exporters.naming import Naming
from exporters.rtmp import fields
from exporters.rtmp.encoders import encoder_family
from exporters.rtmp.host import HostCpu


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("12", 12.0),
        (3, 3.0),
        ("1.5", 1.5),
        ("", None),
        ("x", None),
        (None, None),
        (True, None),
        ("inf", None),
        ([], None),
    ],
)
def test_numbers_are_finite_or_unknown(value: object, expected: float | None) -> None:
    assert fields.number(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [("12", 12), (2**60 + 1, 2**60 + 1), ("3.7", 3), (-1, None), ("9" * 5000, None)]
)
def test_whole_numbers_are_exact_and_not_negative(value: object, expected: int | None) -> None:
    assert fields.whole(value) == expected


def test_texts_are_shortened() -> None:
    assert len(fields.text("x" * 1000)) == 256
    assert fields.text(7) == "7"
    assert fields.text(None) == fields.text(True) == fields.text({}) == ""


@pytest.mark.parametrize("value", ["2026-11-23T10:00:00", "now", "", None, 3, "0001-01-01T00:00:00+14:00"])
def test_an_instant_needs_its_time_zone(value: object) -> None:
    assert fields.instant(value) is None


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ("FMLE/3.0 (compatible; Lavf59.27", "ffmpeg"),
        ("FMLE/3.0 (compatible; FMSc/1.0; obs-studio/31.0)", "obs"),
        ("Wirecast/FM 1.0", "wirecast"),
        ("", "other"),
    ],
)
def test_encoders_are_known_by_family(text: str, family: str) -> None:
    assert encoder_family(text) == family


def test_the_longest_suffix_is_the_rendition() -> None:
    naming = Naming(("_low", "_1080p_low"))
    assert naming.split("demo_1080p_low") == ("demo", "_1080p_low")
    assert naming.split("demo_low") == ("demo", "_low")
    assert naming.split("_low") == ("_low", "")
    assert naming.stream("x" * 500) == "x" * 128


def test_host_cpu_is_measured_over_whole_windows() -> None:
    shares = iter([0.0, 40.0, 80.0])
    now = [0.0]
    cpu = HostCpu(lambda: next(shares), lambda: now[0])
    assert cpu.ratio() is None
    now[0] = 1.5
    assert (cpu.ratio(), cpu.ratio()) == (0.4, 0.4)
    now[0] = 3.0
    assert cpu.ratio() == 0.8
