"""The tables of the settings file about the public status page and the pages elsewhere that updates
are pushed to, and what is wrong in them."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from playcall.core.status_page import Component

# What a path of ours begins with; the status page takes none of them.
TAKEN = frozenset(
    {"ack", "api", "approve", "incidents", "metrics", "oncall", "push", "sign-in", "sign-out"}
    | {"slack", "static", "twilio"}
)
LONGEST_HISTORY = 366


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key is a mistake, not a wish."""


class ComponentTable(_Table, frozen=True):
    """A part of the service, as its users know it."""

    name: str
    description: str = ""
    alerts: tuple[str, ...] = ()  # which alerts are about it; `*` and `?` stand for anything


class StatuspageTable(_Table, frozen=True):
    """Atlassian Statuspage."""

    page: str  # its id
    token_file: str
    components: Mapping[str, str] = {}  # our name of a component -> its id there
    url: str = "https://api.statuspage.io"


class InstatusTable(_Table, frozen=True):
    page: str
    token_file: str
    components: Mapping[str, str] = {}
    url: str = "https://api.instatus.com"


class CachetTable(_Table, frozen=True):
    """Cachet 3."""

    url: str  # of the page; its API is below /api
    token_file: str
    components: Mapping[str, int] = {}


class StatusPageTable(_Table, frozen=True):
    serve: bool = False  # nothing is public unless asked for
    title: str = "Status"
    path: str = "/status"
    components: tuple[ComponentTable, ...] = ()
    history_days: int = 90
    contact: str = ""  # for readers: an address, or a link
    private_webhooks: bool = False  # subscribers may be on this network, and without TLS
    statuspage: StatuspageTable | None = None
    instatus: InstatusTable | None = None
    cachet: CachetTable | None = None

    @property
    def publishers(self) -> tuple[str, ...]:
        """The names of the pages elsewhere."""
        return tuple(name for name in PUBLISHERS if getattr(self, name))

    @property
    def parts(self) -> tuple[Component, ...]:
        return tuple(
            Component(name=one.name, description=one.description, alerts=one.alerts)
            for one in self.components
        )


PUBLISHERS = ("statuspage", "instatus", "cachet")  # each with a token's file


def status_page_mistakes(page: StatusPageTable) -> Iterator[str]:
    if not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", page.path) or page.path.split("/")[1] in TAKEN:
        yield f'status_page.path: "{page.path}" cannot be used. Write one such as "/status".'
    if not 1 <= page.history_days <= LONGEST_HISTORY:
        yield f"status_page.history_days: {page.history_days} is not 1 to {LONGEST_HISTORY}."
    if not page.title.strip():
        yield "status_page.title: say whose status it is."
    names = [one.name for one in page.components]
    if page.serve and not names:
        yield "status_page.components: name at least one part of the service."
    yield from (
        f'status_page.components: "{name}" is there twice.'
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    )
    for publisher in PUBLISHERS:
        table = getattr(page, publisher)
        if table is None:
            continue
        key = f"status_page.{publisher}"
        if not re.match(r"https?://[^\s/]+", table.url):
            yield f'{key}.url: "{table.url}" is not a link. Begin with https://.'
        yield from (
            f'{key}.components: there is no component "{name}" in [status_page].'
            for name in table.components
            if name not in names
        )
