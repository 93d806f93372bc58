"""Ends what a program leaves behind: workers of nginx, for example, go on serving when their master alone is killed.

supervisord loads this as an RPC interface without procedures, and runs it between an end and the next start.
"""

from __future__ import annotations

import contextlib
import os
import signal
from typing import Any

from supervisor import events


def make_interface(_supervisord: Any) -> object:
    """Have each program that ended without being told to be followed by all of its group."""
    events.subscribe(events.ProcessStateExitedEvent, end_group)
    return object()


def end_group(event: Any) -> None:
    """Kill the processes of a program that ended; supervisord made it the leader of a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(event.process.pid, signal.SIGKILL)
