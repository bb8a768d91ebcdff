"""What the settings and the document would do: alerts played through them without a clock."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playcall.core.alert import Alert
    from playcall.core.events import Event
    from playcall.core.incident import Incident
    from playcall.core.plan import Plan
    from playcall.core.rota import Override
    from playcall.core.simulation import Call, Simulation, World

YEARS = range(1971, 2200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """A settings file with its document, ready to be played through."""

    plan: "Plan"
    world: "World"
    pace: float  # of its clock

    def lasting(self, true: timedelta) -> timedelta:
        """As long as that by a clock that is compressed."""
        return true / max(self.pace, 1)


def read(
    path: Path,
    acknowledged_after: timedelta | None = None,
    overrides: "Sequence[Override]" = (),
) -> Foreseen:
    """Raises BadSettings. Overrides live on the server; they count as far as they are given."""
    from playcall.app import directory, intake_of, load_playbook
    from playcall.core.simulation import World
    from playcall.engine.arrivals import opening
    from playcall.settings import read_settings

    settings = read_settings(path)
    plan = load_playbook(settings).plan
    people = directory(settings)
    intake = intake_of(settings, plan.digest)

    def behind(role: str, at: datetime) -> tuple[str, ...]:
        return tuple(person.id for person in people.behind(role, at, overrides))

    return Foreseen(
        plan=plan,
        pace=settings.pace,
        world=World(
            plan=plan,
            open=lambda alerts, at, number: opening(plan, alerts, intake, at, number),
            behind=behind,
            act=_acknowledging(acknowledged_after),
            group_by=settings.intake.group_by,
        ),
    )


def _acknowledging(
    after: timedelta | None,
) -> "Callable[[Incident, Call], Sequence[Event]]":
    """Whoever is paged first acknowledges after that time; None: nobody ever does."""
    from playcall.core.events import Acknowledged

    def act(incident: "Incident", call: "Call") -> "Sequence[Event]":
        if after is None or call.person is None or not call.wakes or incident.acknowledged_by:
            return ()
        return (Acknowledged(at=call.at + after, by=call.person),)

    return act


def moment(text: str) -> datetime:
    """In the zone of this machine where it names none, for argparse."""
    try:
        at = datetime.fromisoformat(text)
        if at.year not in YEARS:
            raise ValueError(text)
        return at.astimezone(UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f'"{text}" is no moment of {YEARS.start} to {YEARS.stop - 1}; '
            "write 2026-03-01T09:00 or 2026-03-01T09:00+01:00"
        ) from None


def an_alert(name: str, severity: str | None, at: datetime) -> "Alert":
    from playcall.core.alert import Alert

    return Alert(
        fingerprint=name,
        labels={"alertname": name, **({"severity": severity.lower()} if severity else {})},
        annotations={},
        firing=True,
        starts_at=at,
        ends_at=None,
        generator_url="",
    )


def play_one(foreseen: Foreseen, name: str, at: datetime, lasting: timedelta) -> "Simulation":
    from playcall.core.simulation import simulate

    play = foreseen.plan.play(name)
    alert = an_alert(name, play.severity if play else None, at)
    return simulate(foreseen.world, (alert,), at + lasting)


def line(call: "Call", since: datetime) -> str:
    """'+10 min  page   ada         Team Lead: not resolved after 10 min'."""
    from playcall.core.wording import say_duration

    after = f"+{say_duration(call.at - since)}" if call.at > since else "at once"
    how = "page" if call.wakes else "tell"
    return f"{after:<9} {how:<5} {call.person or 'NOBODY':<12} {call.role}: {call.reason}"
