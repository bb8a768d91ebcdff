"""How the events about pins, and about what is sent afterwards, are said in a timeline."""

from typing import assert_never

from playcall.core.pin_events import EntryPinned, EntryUnpinned, PinEvent
from playcall.core.sending_events import PostMortemShared, SendingEvent, SummarySent


def say_sending(event: SendingEvent | PinEvent) -> str:
    match event:
        case SummarySent():
            again = " again" if event.again else ""
            return f"{event.by} sent the summary{again} to {_whom(event)}: {event.subject}"
        case PostMortemShared():
            left = ", unfinished," if event.asks or event.conflicts else ""
            what = f"version {event.version} of the post-mortem{left}"
            return f"{event.by} shared {what} with {_whom(event)}"
        case EntryPinned():
            return f"{event.by} pinned entry {event.n} as {event.pin}"
        case EntryUnpinned():
            return f"{event.by} took the pin off entry {event.n}"
    assert_never(event)


def _whom(event: SendingEvent) -> str:
    return ", ".join([*event.to, *([event.channel] if event.channel else [])])
