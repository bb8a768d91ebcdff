"""Every page there is, where the showcase has it, and every address that is no page."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import BaseRoute, Route

from playcall.core.status_page import public_id
from playcall.web.server import PAGES as ROUTERS
from tests.web.showcase.site import SLOW, Showcase
from tests.web.showcase.surroundings import DRILL


@dataclass(frozen=True, kw_only=True)
class Page:
    """`name` is its picture's; a `path` that only the served site knows is asked of it."""

    name: str
    path: str | Callable[[Showcase], str]
    stranger: bool = False  # whoever sees it has not signed in

    def of(self, site: Showcase) -> str:
        return self.path if isinstance(self.path, str) else self.path(site)


def _acknowledging(site: Showcase) -> str:
    texts = [one.get_body(("plain",)) for one in site.mailbox.messages]
    links: list[str] = [
        link
        for text in texts
        if text is not None
        for link in re.findall(r"/acknowledge/\S+", text.get_content())
    ]
    return str(links[-1])


def _approving(site: Showcase) -> str:
    asked = {"command": "1.1", "person": "priya", "action": "approve"}
    link: str = site.do("/incidents/3/links", **asked)["link"]
    return link.removeprefix(site.url)


PLAYBOOK = "/playbooks/playbooks.md"
PAGES = (
    Page(name="board", path="/"),
    Page(name="incidents", path="/incidents"),
    Page(name="search", path="/search?q=latency"),
    Page(name="incident", path="/incidents/2"),
    Page(name="incident-waiting", path="/incidents/3"),
    Page(name="incident-over", path="/incidents/1"),
    Page(name="update", path="/incidents/2/update"),
    Page(name="entry", path="/incidents/2/events/2"),
    Page(name="post-mortem", path="/incidents/1/post-mortem"),
    Page(name="post-mortem-versions", path="/incidents/1/post-mortem/versions"),
    Page(name="share", path="/incidents/1/post-mortem/share"),
    Page(name="summary", path="/incidents/1/summary"),
    Page(name="proposals", path="/incidents/1/proposals"),
    Page(name="on-call", path="/on-call"),
    Page(name="calendar", path="/on-call/first"),
    Page(name="override", path="/on-call/first/override"),
    Page(name="swap", path="/on-call/first/swap"),
    Page(name="playbooks", path="/playbooks"),
    Page(name="playbook", path=PLAYBOOK),
    Page(name="playbook-play", path=f"{PLAYBOOK}/plays/{SLOW}"),
    Page(name="playbook-versions", path=f"{PLAYBOOK}/versions"),
    Page(name="playbook-diff", path=f"{PLAYBOOK}/diff?from=file&to=file"),
    Page(name="drills", path="/drills"),
    Page(name="drill", path=f"/drills/{DRILL}"),
    Page(name="insights", path="/insights"),
    Page(name="audit", path="/audit"),
    Page(name="settings", path="/settings"),
    Page(name="me", path="/me"),
    Page(name="sign-in", path="/sign-in", stranger=True),
    Page(name="acknowledge", path=_acknowledging, stranger=True),
    Page(name="approve", path=_approving, stranger=True),
    Page(name="status", path="/status", stranger=True),
    Page(name="status-history", path="/status/history", stranger=True),
    Page(
        name="status-incident",
        path=f"/status/incidents/{public_id('incident', 1)}",
        stranger=True,
    ),
)
FILES = {  # addresses of what is no page, or a piece of one
    "/incidents/{incident}/charts/{name}.{kind}",
    "/incidents/{incident}/post-mortem.{kind}",
    "/board/live",
    "/incidents/{incident}/charts/now.svg",
    "/incidents/{incident}/entries",
    "/incidents/{incident}/pictures/{number}",
    "/incidents/{incident}/live",
    "/incidents/{incident}/post-mortem/live",
    "/calendars/{secret}.ics",
    "/service-worker.js",
    "/manifest.webmanifest",
}


def forgotten(pages: tuple[Page, ...], site: Showcase) -> set[str]:
    """Addresses of the server that are in neither list."""
    paths = [page.of(site).partition("?")[0] for page in pages]
    return {
        route.path
        for route in _routes()
        if route.path not in FILES and not any(route.path_regex.match(path) for path in paths)
    }


def _routes() -> list[Route]:
    """What a browser is shown; the public page's routes are made when it is served."""
    routes: list[BaseRoute] = [route for router in ROUTERS for route in router.routes]
    return [
        route for route in routes if isinstance(route, Route) and "GET" in (route.methods or ())
    ]
