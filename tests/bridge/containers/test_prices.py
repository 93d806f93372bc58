"""The price table."""

from __future__ import annotations

import pytest

from bridge.containers.model import Size
from bridge.containers.prices import PriceTable, money, parse_sizes
from bridge.containers.settings import ContainersConfig
from exporters.errors import ConfigError

SIZES = parse_sizes(("large:5000:4:4096:0.40", "small:100:0.5:512:0.05"))


def test_sizes_are_read_smallest_first() -> None:
    assert (Size("small", 100, 0.5, 512 << 20, 0.05), Size("large", 5000, 4.0, 4096 << 20, 0.4)) == SIZES


def test_the_default_table_is_valid() -> None:
    assert [size.name for size in parse_sizes(ContainersConfig().sizes)] == ["small", "medium", "large"]


@pytest.mark.parametrize(
    "rows",
    [
        (),
        ("small",),
        ("a:1:1:512:x",),
        ("a:1:1:8:1",),
        ("a:1:0:512:1",),
        ("a:1:nan:512:1",),
        ("a:1:1:512:inf",),
        ("a:1:1:512:1", "a:2:1:512:1"),
    ],
)
def test_a_bad_table_names_its_variable(rows: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="BRIDGE_CONTAINERS_SIZES"):
        parse_sizes(rows)


@pytest.mark.parametrize(("viewers", "name"), [(0, "small"), (100, "small"), (101, "large"), (99_999, "large")])
def test_an_event_gets_the_smallest_size_that_is_made_for_it(viewers: int, name: str) -> None:
    assert PriceTable(SIZES).size_for(viewers).name == name


def test_time_and_traffic_have_their_price() -> None:
    prices = PriceTable(SIZES, egress_price=0.02)
    assert prices.cost("large", 5400, 0) == pytest.approx(0.6)
    assert prices.cost("small", 3600, 10_000_000_000) == pytest.approx(0.25)
    assert prices.cost("gone", 3600, 0) == 0


@pytest.mark.parametrize(("amount", "text"), [(0, "$0.00"), (0.0042, "$0.0042"), (0.05, "$0.05"), (1234.5, "$1234.50")])
def test_amounts_are_written_as_the_contract_does(amount: float, text: str) -> None:
    assert money(amount) == text
