"""The pool of connections over a network that is cut."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import servers
from tests.bridge.history.conftest import FAST
from tests.far_host import far_host, may_break

ASK = """
import sys, time
from bridge.database import Database
database = Database(sys.argv[1])
while True:
    print(database.answers(), flush=True)
    time.sleep(0.2)
"""


@pytest.mark.live
@pytest.mark.skipif(not may_break(), reason="networks can be made by root alone")
def test_a_cut_network_is_noticed_and_forgotten_when_it_is_mended(tmp_path: Path) -> None:
    """Without a word from the network a connection would wait for a quarter of an hour."""
    with far_host() as far:
        (tmp_path / "hba.conf").write_text(far.admission())
        settings = [*FAST, f"listen_addresses=127.0.0.1,{far.here}", f"hba_file={tmp_path}/hba.conf"]
        log = tmp_path / "answers"

        def last() -> str:
            return log.read_text().split("\n")[-2]

        with servers.postgres(tmp_path, settings=settings) as url:
            asking = [*far.enter, sys.executable, "-c", ASK, url.replace("127.0.0.1", far.here)]
            with servers.running(asking, log):
                servers.wait_until(lambda: last() == "True", "an answer")
                far.connect(False)
                servers.wait_until(lambda: last() == "False", "the cut to be noticed", 60)
                far.connect(True)
                servers.wait_until(lambda: last() == "True", "an answer again")
