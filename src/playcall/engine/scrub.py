"""Takes secrets out of what people type and alerts say, before it is committed. Labels stay as they
are: they are what an alert is known by."""

from collections.abc import Callable
from dataclasses import fields, replace

from playcall.core.alert import Alert
from playcall.core.chat import Card
from playcall.core.events import Event, UpdatePublished

Hide = Callable[[str], str]

# The fields of events in which people, hands and outputs say something in their own words.
WORDS = frozenset({"text", "reason", "cause", "note", "summary"})


def scrub(event: Event, hide: Hide) -> Event:
    if isinstance(event, UpdatePublished):
        told = event.update
        clean = replace(told, title=hide(told.title), body=hide(told.body))
        return replace(event, update=clean)
    said = {
        field.name: hide(value)
        for field in fields(event)
        if field.name in WORDS and isinstance(value := getattr(event, field.name), str) and value
    }
    return replace(event, **said) if said else event  # type: ignore[arg-type]


def scrub_alert(alert: Alert, hide: Hide) -> Alert:
    return replace(
        alert,
        annotations={name: hide(value) for name, value in alert.annotations.items()},
        generator_url=hide(alert.generator_url),
    )


def scrub_card(card: Card, hide: Hide) -> Card:
    """Its buttons' values are ours, and come back as they are."""
    return replace(
        card,
        title=hide(card.title),
        lines=tuple(hide(line) for line in card.lines),
        code=hide(card.code),
        buttons=tuple(replace(one, confirm=hide(one.confirm)) for one in card.buttons),
    )
