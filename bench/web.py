"""How soon the board and an incident can be read, and how soon they answer a press, by the
browser's own measures: in a Chromium of a phone's size, the first time and again, on this machine's
network and on one of 400 kbit/s and 400 ms. Beside each, in the same run, the same words as a plain
static page: no style, no script, no database, served by the same kind of server. Of other
tools no such figures were at hand, so none stand here.
"""

import contextlib
import re
import socket
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from threading import Thread
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.servers import answers, wait_for
from tests.web.journey import SLOW
from tests.web.served import PHONE, chromium
from tests.web.showcase.site import Showcase, showcase

PAGES = {"board": "/", "incident": "/incidents/2"}
TIMES = 5  # each is looked at so often; the median is told
SETTLED = 500  # milliseconds after the load, and after a press
OBSERVE = """
window.seen = { paint: 0, delay: 0 };
new PerformanceObserver((list) => {
  for (const { startTime } of list.getEntries()) seen.paint = startTime;
}).observe({ type: "largest-contentful-paint", buffered: true });
new PerformanceObserver((list) => {
  for (const { interactionId, duration } of list.getEntries()) {
    if (interactionId) seen.delay = Math.max(seen.delay, duration);
  }
}).observe({ type: "event", buffered: true, durationThreshold: 16 });
"""
COST = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const all = [page, ...performance.getEntriesByType("resource")];
  return [all.reduce((sum, one) => sum + one.transferSize, 0),
          all.filter((one) => one.transferSize > 0).length];
}"""


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one page cost once."""

    largest_paint_ms: float
    interaction_ms: float  # the slowest of some keys; below 16 it is told as 0
    bytes: float
    requests: float


def measure() -> Iterator[dict[str, Any]]:
    with showcase() as site, chromium() as browser:
        for name, path in PAGES.items():
            with static(_plain(browser, site, path)) as peer:
                for slow in (False, True):
                    yield from _beside(browser, site, peer, name, slow)


def _beside(
    browser: Browser, site: Showcase, peer: str, name: str, slow: bool
) -> Iterator[dict[str, Any]]:
    ours: list[list[Look]] = [[], []]  # cold, warm
    theirs: list[list[Look]] = [[], []]
    for _ in range(TIMES):
        for found, url in ((ours, site.url + PAGES[name]), (theirs, peer)):
            for looks, look in zip(found, _cold_and_warm(browser, site, url, slow), strict=True):
                looks.append(look)
    for n, how in enumerate(("cold", "warm")):
        one, other = _median(ours[n]), _median(theirs[n])
        yield {
            "what": f"{name}, {how}{', 400 kbit/s and 400 ms' if slow else ''}",
            "playcall": asdict(one),
            "static_page": asdict(other),
            "ratio_paint": round(one.largest_paint_ms / other.largest_paint_ms, 2),
        }


def _cold_and_warm(browser: Browser, site: Showcase, url: str, slow: bool) -> tuple[Look, Look]:
    with site.tab(browser, PHONE) as tab:
        tab.add_init_script(OBSERVE)
        if slow:
            tab.context.new_cdp_session(tab).send("Network.emulateNetworkConditions", SLOW)
        return _look(tab, url), _look(tab, url)


def _look(tab: Page, url: str) -> Look:
    tab.goto("about:blank")
    tab.goto(url, wait_until="load")
    tab.wait_for_timeout(SETTLED)
    size, requests = tab.evaluate(COST)
    paint = tab.evaluate("seen.paint")
    for key in ("Tab", "Tab", "Space", "End", "Home"):
        tab.keyboard.press(key)
    tab.wait_for_timeout(SETTLED)
    return Look(
        largest_paint_ms=paint,
        interaction_ms=tab.evaluate("seen.delay"),
        bytes=size,
        requests=requests,
    )


def _median(looks: Sequence[Look]) -> Look:
    return Look(
        largest_paint_ms=round(statistics.median(one.largest_paint_ms for one in looks), 1),
        interaction_ms=statistics.median(one.interaction_ms for one in looks),
        bytes=statistics.median(one.bytes for one in looks),
        requests=statistics.median(one.requests for one in looks),
    )


def _plain(browser: Browser, site: Showcase, path: str) -> str:
    """The page without its style, its scripts and its pictures."""
    with site.tab(browser, PHONE) as tab:
        answer = tab.request.get(path)
        page = answer.text()
    return re.sub(r"<script.*?</script>|<link [^>]*>|<img [^>]*>", "", page, flags=re.DOTALL)


@contextlib.contextmanager
def static(page: str) -> Iterator[str]:
    """The address of a server that has only this page."""
    answer = HTMLResponse(page)
    web = Starlette(routes=[Route("/", lambda _: answer)])
    server = uvicorn.Server(uvicorn.Config(web, log_config=None, lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        wait_for(lambda: answers(url), "answer of the static page")
        try:
            yield url
        finally:
            server.should_exit = True
            thread.join()
