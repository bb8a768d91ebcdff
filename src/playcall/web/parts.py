"""A page in parts, so that only those that changed are sent to whoever has it open.

The templates mark a part with comments: `<!--part top-->`, `<!--item event-7-->`, `<!--end-->`. No
text of others can look like one, since all of it is escaped. What is outside of them is the frame:
where it changed, the whole page is sent. An item is one of a list that grows.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

_PART = re.compile(r"<!--(part|item) ([\w-]+)-->\n?(.*?)\s*<!--end-->\n?", re.DOTALL)
_TICKS = re.compile(r"(<time [^>]*data-tick[^>]*>)[^<]*")  # the browser counts these itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    html: str
    still: str  # the same without what the browser counts itself
    after: str | None  # of an item: the id of the one before it, "" for the first


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    frame: str
    parts: Mapping[str, Part]  # by the id of its element

    @property
    def digest(self) -> str:
        whole = hashlib.sha256(self.frame.encode())
        for key, part in self.parts.items():
            whole.update(f"\0{key}\0{part.still}".encode())
        return whole.hexdigest()[:24]


def split(html: str) -> Parts:
    parts: dict[str, Part] = {}
    last = ""

    def take(found: re.Match[str]) -> str:
        nonlocal last
        kind, key, inner = found.groups()
        after = last if kind == "item" else None
        parts[key] = Part(html=inner, still=_TICKS.sub(r"\1", inner), after=after)
        if kind == "item":
            last = key
            return ""
        return f"<!--{key}-->"

    frame = _PART.sub(take, html)
    return Parts(frame=_TICKS.sub(r"\1", frame), parts=parts)


def changes(before: Parts, now: Parts) -> str | None:
    """What is to be put where, as JSON; None: the whole page. An item that is no longer among the
    latest is left where it stands."""
    if before.frame != now.frame:
        return None
    changed = []
    for key, part in now.parts.items():
        known = before.parts.get(key)
        if known is None or known.still != part.still:
            one = {"id": key, "html": part.html}
            changed.append(one if part.after is None else {**one, "after": part.after})
    return json.dumps(changed, ensure_ascii=False)
