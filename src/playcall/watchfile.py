"""The tables of the settings file about who watches that pages arrive, and their mistakes."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from playcall.responsefile import read_duration

_LINK = re.compile(r"https?://[^\s/]+\S*")


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key is a mistake, not a wish."""


class WatchdogTable(_Table, frozen=True):
    """That Alertmanager's always-firing Watchdog is expected."""

    within: str = "10m"  # of the last one
    sources: tuple[str, ...] = ()  # external URL of each Alertmanager; empty: any of them


class TestPageTable(_Table, frozen=True):
    """That a silent test page goes the whole way once a day."""

    at: str = "10:00"  # UTC
    to: str = ""  # a person or a role; default: the first role of the path
    token_file: str = ""  # one of intake.tokens: then it is posted to server.url, as an alert is


class PeerTable(_Table, frozen=True):
    """Another Playcall that this one watches."""

    url: str
    token_file: str  # of its intake, or of a person there
    after: str = "1m"  # of silence


def watch_mistakes(
    watchdog: WatchdogTable | None, test: TestPageTable | None, peers: Mapping[str, PeerTable]
) -> Iterator[str]:
    spans = {f"peers.{name}.after": peer.after for name, peer in peers.items()}
    if watchdog:
        spans["watchdog.within"] = watchdog.within
    for key, text in spans.items():
        if read_duration(text) is None:
            yield f'{key}: "{text}" is not a duration. Write "5m".'
    if test and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", test.at):
        yield f'test_page.at: "{test.at}" is not a time of day. Write it as "10:00", in UTC.'
    links = {f"peers.{name}.url": peer.url for name, peer in peers.items()}
    for number, source in enumerate(watchdog.sources if watchdog else (), start=1):
        links[f"watchdog.sources number {number}"] = source
    for key, link in links.items():
        if not _LINK.fullmatch(link):
            yield f'{key}: "{link}" is not a link. Begin with https://.'
