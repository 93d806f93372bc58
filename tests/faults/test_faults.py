"""Whatever breaks, the numbers become true again by themselves, and nothing is lost or counted twice."""

from __future__ import annotations

import pytest

from tests.faults.faults import FAULTS, Fault
from tests.faults.ground import Ground
from tests.servers import wait_until

pytestmark = pytest.mark.live


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name.replace(" ", "-") for fault in FAULTS])
def test_numbers_become_true_again_after(fault: Fault, broken: Ground) -> None:
    fault.survive(broken)


def test_after_all_of_it_every_visit_is_in_history_once_and_whole(broken: Ground) -> None:
    broken.everybody_leaves()
    broken.wait_true()
    wait_until(lambda: not broken.lost(), "every visit", 60, every=0.5)


def test_after_all_of_it_every_minute_is_in_history_as_it_was_measured(broken: Ground) -> None:
    broken.wait_minute()
    assert broken.wrong_minutes() == []
