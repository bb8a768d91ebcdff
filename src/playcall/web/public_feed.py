"""The status page as an Atom feed (RFC 4287): an entry for each incident, with all its updates."""

import re
from datetime import UTC, datetime
from html import escape
from xml.etree import ElementTree

from playcall.core.status_page import PublicIncident, PublicPage, headline, public_id

ATOM = "http://www.w3.org/2005/Atom"
SHOWN = 50  # entries at most
# XML has no place for these, escaped or not.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_feed(page: PublicPage, title: str, url: str) -> bytes:
    ElementTree.register_namespace("", ATOM)
    feed = ElementTree.Element(f"{{{ATOM}}}feed")
    told = [one.latest.at for one in page.incidents]
    _add(feed, "id", url)
    _add(feed, "title", f"{title}: history")
    _add(feed, "updated", _at(max(told, default=page.since or page.at)))
    _add(feed, "link", rel="self", type="application/atom+xml", href=f"{url}/history.atom")
    _add(feed, "link", rel="alternate", type="text/html", href=url)
    author = _add(feed, "author")
    _add(author, "name", title)
    for incident in page.incidents[:SHOWN]:
        _entry(feed, incident, url)
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _entry(feed: ElementTree.Element, incident: PublicIncident, url: str) -> None:
    found = f"{url}/incidents/{public_id('incident', incident.number)}"
    entry = _add(feed, "entry")
    _add(entry, "id", found)
    _add(entry, "title", incident.title)
    _add(entry, "published", _at(incident.began_at))
    _add(entry, "updated", _at(incident.latest.at))
    _add(entry, "link", rel="alternate", type="text/html", href=found)
    updates = "".join(
        f"<p><strong>{escape(headline(one))}</strong><br/>{_lines(one.body)}</p>"
        for one in incident.updates
    )
    _add(entry, "content", updates, type="html")


def _add(
    parent: ElementTree.Element, name: str, text: str = "", **attributes: str
) -> ElementTree.Element:
    child = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    child.text = _clean(text) or None
    return child


def _lines(text: str) -> str:
    return escape(_clean(text)).replace("\n", "<br/>")


def _clean(text: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def _at(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
