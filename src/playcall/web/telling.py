"""Who was told what of an incident, what is due, and the drafts: pure values, for the page, the API
and the command line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from playcall.core import updates
from playcall.core.events import (
    Resolved,
    StakeholdersMissed,
    StakeholdersTold,
    TextSent,
    UpdateMissed,
    UpdatePublished,
)
from playcall.core.facts import Facts, gather, say_moment
from playcall.core.filling import Filled, fill, unfilled
from playcall.core.plan import Play, Template
from playcall.core.status_update import StatusUpdate, UpdateState
from playcall.core.wording import say_duration
from playcall.engine.ports import Dossier


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    update: StatusUpdate
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceView:
    name: str
    recipients: tuple[str, ...]
    number: int  # summaries so far
    last_at: datetime | None
    next_at: datetime | None
    missed: tuple[str, ...]  # "CTO by 12:05 UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A template that was sent."""

    at: datetime
    by: str
    template: str
    role: str
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Previews:
    """An update as people will meet it."""

    page: str
    mail: str
    chat: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellingView:
    due_at: datetime | None
    by_itself: bool
    leads: tuple[str, ...]  # who is reminded
    missed: tuple[datetime, ...]  # updates that were due and not published
    draft: StatusUpdate
    open: tuple[str, ...]  # brackets of the draft that nobody filled
    states: tuple[str, ...]  # that may be published now
    published: tuple[Published, ...]  # newest first
    audiences: tuple[AudienceView, ...]
    sent: tuple[Sent, ...]  # newest first


def tell(
    found: Dossier,
    names: Mapping[str, str],
    now: datetime,
    state: UpdateState | None = None,
) -> TellingView:
    """With the draft for a state, or for the one that the facts speak for."""
    incident, plan = found.incident, found.plan
    events = [stored.event for stored in reversed(found.events)]
    known = facts(found, names, now, state)
    draft = updates.draft(incident, plan, now, state, known)
    return TellingView(
        due_at=incident.telling.due_at,
        by_itself=plan.response.updates.by_itself,
        leads=tuple(names.get(one, one) for one in updates.lead(incident, plan)),
        missed=tuple(one.due_at for one in events if isinstance(one, UpdateMissed)),
        draft=draft,
        open=unfilled(f"{draft.title}\n{draft.body}", plan),
        states=tuple(
            one for one in UpdateState if one is not UpdateState.RESOLVED or incident.status.over
        ),
        published=tuple(
            Published(update=one.update, by=names.get(one.by, one.by))
            for one in events
            if isinstance(one, UpdatePublished)
        ),
        audiences=tuple(_audiences(found)),
        sent=tuple(
            Sent(at=one.at, by=one.by, template=one.template, role=one.role, subject=one.subject)
            for one in events
            if isinstance(one, TextSent)
        ),
    )


def facts(
    found: Dossier, names: Mapping[str, str], now: datetime, state: UpdateState | None = None
) -> Facts:
    """All that is known, with the latest readings."""
    incident, plan = found.incident, found.plan
    causes = [s.event.cause for s in found.events if isinstance(s.event, Resolved)]
    return gather(
        incident,
        plan,
        now,
        title=updates.title_of(incident, plan),
        state=state or updates.state_of(incident, plan),
        readings={key: reading for key, (_, reading) in found.readings.items()},
        cause=causes[-1] if causes else "",
        names=names,
    )


def templates(found: Dossier) -> tuple[Template, ...]:
    """The play's own."""
    incident = found.incident
    play: Play | None = found.plan.play(incident.play) if incident.play else None
    return play.templates if play else ()


def filled(
    found: Dossier,
    names: Mapping[str, str],
    now: datetime,
    template: Template,
    given: Mapping[str, str],
) -> Filled:
    return fill(template, facts(found, names, now), found.plan, given)


def previews(update: StatusUpdate, url: str) -> Previews:
    """In the document's format on the page; by mail and in the chat with where to read more."""
    head = f"{say_moment(update.at)} - {update.state.upper()}"
    more = f"\nNext update: {say_moment(update.next_at)}" if update.next_at else ""
    state = update.state.capitalize()
    return Previews(
        page=f"{update.title}\n{head}\n{update.body}{more}",
        mail=f"Subject: [{update.state.upper()}] {update.title}\n\n{update.body}{more}\n\n{url}",
        chat=f"{state}: {update.title}\n{update.body}{more}\n{url}",
    )


def standing(found: Dossier, now: datetime) -> tuple[str, bool]:
    """When the next status update is due, in words, and whether one is overdue or was just missed;
    empty where none is due."""
    telling = found.incident.telling
    if telling.due_at is None:
        return "", False
    left = say_duration(timedelta(seconds=round((telling.due_at - now).total_seconds())))
    latest = [s.event for s in found.events if isinstance(s.event, UpdateMissed | UpdatePublished)]
    if latest and isinstance(latest[-1], UpdateMissed):
        since = latest[-1].due_at
        return f"Status update overdue since {since:%H:%M} UTC, the next is due in {left}", True
    return f"Next status update due in {left}", False


def _audiences(found: Dossier) -> Iterator[AudienceView]:
    events = [stored.event for stored in found.events]
    for audience in found.plan.audiences:
        told = found.incident.telling.audiences.get(audience.name)
        if told is None or (told.since is None and not told.number):
            continue
        times = [
            one.at
            for one in events
            if isinstance(one, StakeholdersTold) and one.audience == audience.name
        ]
        yield AudienceView(
            name=audience.name,
            recipients=audience.recipients,
            number=told.number,
            last_at=max(times, default=None),
            next_at=told.next_at,
            missed=tuple(
                f"{one.role} by {one.due_at:%H:%M} UTC"
                for one in events
                if isinstance(one, StakeholdersMissed) and one.audience == audience.name
            ),
        )
