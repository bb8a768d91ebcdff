"""What happened during an incident, as marks for its charts; of very many, the first and last."""

from collections.abc import Iterator, Sequence

from playcall.core import events as ev
from playcall.core.chart import Mark
from playcall.core.plan import EffectClass, Plan, Play

MOST = 40
_LONGEST = 80  # characters


def marks(events: Sequence[ev.Event], plan: Plan, play: Play | None) -> tuple[Mark, ...]:
    """In the order of time; each has the number of its event."""
    found = sorted(_marks(events, plan, play), key=lambda one: (one.at, one.n))
    changes = [one for one in found if isinstance(events[one.n - 1], ev.CommandBegun)]
    turns = [one for one in found if not isinstance(events[one.n - 1], ev.CommandBegun)]
    shown = [*_ends(turns, MOST // 2), *_ends(changes, MOST - min(len(turns), MOST // 2))]
    return tuple(sorted(shown, key=lambda one: (one.at, one.n)))


def _ends(found: list[Mark], most: int) -> list[Mark]:
    """The first and the last ones; between them, how many there are."""
    if len(found) <= most:
        return found
    half = most // 2
    left = found[half : half + len(found) - most + 1]
    more = Mark(at=left[0].at, text=f"{len(left)} more until {left[-1].at:%H:%M:%S}", n=left[0].n)
    return [*found[:half], more, *found[half + len(left) :]]


def _marks(events: Sequence[ev.Event], plan: Plan, play: Play | None) -> Iterator[Mark]:
    once: set[type[ev.Event]] = set()  # until it opens again
    for n, event in enumerate(events, 1):
        if isinstance(event, ev.Reopened):
            once.clear()
        text = _text(event, plan, play)
        if text is None or type(event) in once:
            continue
        if isinstance(event, ev.PageDelivered | ev.Acknowledged):
            once.add(type(event))
        at = event.at
        if isinstance(event, ev.Opened):
            at = min((event.at, *(alert.starts_at for alert in event.alerts)))
        yield Mark(at=at, text=text[:_LONGEST], n=n)


def _text(event: ev.Event, plan: Plan, play: Play | None) -> str | None:
    match event:
        case ev.Opened():
            return "fired"
        case ev.PageDelivered():
            return "paged"
        case ev.Acknowledged():
            return f"acknowledged by {event.by}"
        case ev.CommandBegun():
            command = plan.command(play.alert if play else None, event.command)
            changes = command is not None and command.effect is EffectClass.CHANGE
            return command.title if command and changes else None
        case ev.Resolved():
            return "resolved"
        case ev.Reopened():
            return "opened again"
        case _:
            return None
