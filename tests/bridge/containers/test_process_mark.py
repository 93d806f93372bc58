"""What tells processes apart."""

from __future__ import annotations

import os
import subprocess

from bridge.containers.process_mark import marked_process, process_mark
from tests.servers import wait_until


def test_a_mark_stays_and_differs_from_that_of_another_process() -> None:
    ours = process_mark(os.getpid())
    assert ours is not None and ours == process_mark(os.getpid())
    assert process_mark(1) != ours


def test_a_process_is_found_by_its_mark_only() -> None:
    mark = process_mark(os.getpid())
    assert mark is not None
    found = marked_process(os.getpid(), mark)
    assert found is not None and found.pid == os.getpid()
    assert marked_process(os.getpid(), mark + "0") is None


def test_an_ended_process_has_no_mark_even_before_it_is_waited_for() -> None:
    child = subprocess.Popen(["true"])
    wait_until(lambda: process_mark(child.pid) is None, "the child to end")
    child.wait()
    assert process_mark(child.pid) is None
