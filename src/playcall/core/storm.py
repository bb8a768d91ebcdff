"""How much one person is sent when everything fires at once: some messages each by itself, the rest
together in one. What is the first page of an incident is never held; that is for who asks here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from playcall.core.message import Message

MOST_NAMED = 20  # messages in one message


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """What one person is sent, before messages are put together."""

    alone: int = 10  # messages within `window` that go each by itself
    window: timedelta = timedelta(minutes=1)
    page_held: timedelta = timedelta(seconds=30)  # at most, counted from its decision
    notice_held: timedelta = timedelta(minutes=2)

    def quickened(self, factor: float) -> "Rate":
        return replace(
            self,
            window=self.window / factor,
            page_held=self.page_held / factor,
            notice_held=self.notice_held / factor,
        )

    def held_until(self, decided_at: datetime, *, page: bool) -> datetime:
        return decided_at + (self.page_held if page else self.notice_held)


def together(messages: Sequence[Message], incidents: Sequence[int], board: str) -> Message:
    """Several messages as one: the first lines of each, and where to read on. `incidents` are those
    that they are about, in the same order."""
    first = messages[0]
    if len(messages) == 1:
        return first
    different = len(set(incidents))
    what = "pages" if first.urgent else "notices"
    about = f"{different} incidents" if different > 1 else f"incident {incidents[0]}"
    lines = [f"{len(messages)} {what} about {about}, in one message. Open the list:", board, ""]
    for message in messages[:MOST_NAMED]:
        lines += [message.subject, f"  {message.link}"]
    if len(messages) > MOST_NAMED:
        lines.append(f"and {len(messages) - MOST_NAMED} more")
    one = different == 1
    return Message(
        subject=f"{len(messages)} {what} about {about} · {first.subject}"[:160],
        body="\n".join(lines),
        link=first.link if one else board,
        thread=first.thread if one else "storm",
        urgent=first.urgent,
        incident=incidents[0] if one else None,
    )
