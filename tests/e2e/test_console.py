"""The console page in a real browser: numbers change while it is open, and it survives its server."""

from __future__ import annotations

import os
import signal

import psutil
import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.e2e.players import WirePlayer
from tests.servers import wait_until
from tests.stacks import Running

pytestmark = [pytest.mark.live, pytest.mark.browser]
PATIENCE_MS = 30_000


def open_console(browser: Browser, local: Running, width: int = 1280, dark: bool = False) -> Page:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light", reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(local.http("/"))
    expect(page.locator("#connection")).to_have_text("live", timeout=PATIENCE_MS)
    return page


def test_numbers_change_while_the_page_is_open(local: Running, browser: Browser) -> None:
    page = open_console(browser, local)
    viewers = page.locator(f'tr[data-stream="{local.config.stream}"] [data-name=currentViewers]')
    expect(viewers).to_have_text("0", timeout=PATIENCE_MS)
    players = [WirePlayer(local.config, seed) for seed in (100, 101)]
    try:
        expect(viewers).to_have_text("2", timeout=PATIENCE_MS)
        expect(page.locator("[data-name=totalViewers]")).to_have_text("2", timeout=PATIENCE_MS)
        for hop in ("Ingest", "Packager", "Edge", "Viewers"):
            expect(page.locator(f'[data-hop="{hop}"]')).to_have_attribute("data-state", "ok", timeout=PATIENCE_MS)
        expect(page.locator("#devices .bar")).not_to_have_count(0, timeout=PATIENCE_MS)
        expect(page.locator("#countries .bar")).not_to_have_count(0)
    finally:
        for player in players:
            player.stop()
    expect(viewers).to_have_text("0", timeout=PATIENCE_MS)
    page.context.close()


def test_it_fits_a_phone_and_has_a_dark_theme(local: Running, browser: Browser) -> None:
    page = open_console(browser, local, width=375, dark=True)
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(15, 20, 28)"
    page.locator("#theme").click()
    expect(page.locator("#theme")).to_have_text("Theme: light")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(245, 247, 250)"
    page.context.close()


def test_a_killed_bridge_shows_offline_and_a_restarted_one_recovers_without_reload(
    local: Running, browser: Browser
) -> None:
    page = open_console(browser, local)
    page.evaluate("window.sameDocument = true")
    pid = local.pid("bridge")
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    os.kill(pid, signal.SIGSTOP)  # holds the supervisor's restart back until the page has noticed
    for process in family[1:]:
        process.kill()
    expect(page.locator("#connection")).to_have_text("offline", timeout=PATIENCE_MS)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: requests.get(local.http("/readyz"), timeout=2).ok, "the bridge to be back", 60)
    expect(page.locator("#connection")).to_have_text("live", timeout=PATIENCE_MS)
    assert page.evaluate("window.sameDocument") is True
    page.context.close()
