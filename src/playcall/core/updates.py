"""Status updates: when one is due, what its draft says, who is reminded, and what is published.

The document says how often while an incident is active. Times count from the last one published, so
that an early one puts the next off.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from playcall.core import escalation
from playcall.core.effects import Moved, PublishUpdate, Refused, Tell
from playcall.core.events import Event, UpdateMissed, UpdatePublished, UpdateReminded
from playcall.core.facts import Facts, decided, gather, remedies, say_moment
from playcall.core.filling import fill_text, unfilled
from playcall.core.incident import Incident, Part, RollbackStage, RunStatus, Status
from playcall.core.people import first_roles
from playcall.core.plan import Plan, Wake
from playcall.core.status_update import PublicImpact, StatusUpdate, UpdateState
from playcall.core.telling import Telling

OURSELVES = "Playcall"
REMINDER = "a status update is due at"  # begins the reason of whoever is reminded
LONGEST_TITLE = 200
LONGEST_BODY = 5000
_PLAIN = {
    UpdateState.INVESTIGATING: "We are looking for the cause.",
    UpdateState.IDENTIFIED: "The cause is known, and we are working on a remedy.",
    UpdateState.MONITORING: "A remedy is in place. We are watching whether it holds.",
    UpdateState.RESOLVED: "This is resolved.",
}


def follow(incident: Incident, plan: Plan, at: datetime) -> Moved:
    """Begin or end the cadence; then publish, remind or miss what is due. Each due update is
    settled here at once, so that no further event of the same moment finds it due again."""
    page = plan.status_page
    if page is None:
        return Moved(incident=incident)
    telling = incident.telling
    if incident.status is Status.MERGED:  # what goes on is told by the other one
        return Moved(incident=incident)
    if incident.status.over:
        return _close(incident, plan, at)
    if not _belongs(incident, plan, at):
        return Moved(incident=_with(incident, replace(telling, since=None, due_at=None)))
    if telling.since is None:
        due = at + min(plan.response.updates.first_within, page.every)
        if telling.last and on_page(telling):
            due = max(due, telling.last.at + page.every)
        fresh = replace(telling, since=at, due_at=due, reminded=False)
        return Moved(incident=_with(incident, fresh))
    return _due(incident, plan, at)


def next_at(incident: Incident, plan: Plan) -> datetime | None:
    """When a reminder, an update or a miss is next."""
    telling = incident.telling
    if telling.due_at is None or telling.reminded:
        return telling.due_at
    if _publishable(incident, plan, telling.due_at):
        return telling.due_at
    return telling.due_at - _ahead(plan)


def on_page(telling: Telling) -> bool:
    """Whether the public reads of it as of something that goes on."""
    return telling.last is not None and telling.last.state is not UpdateState.RESOLVED


def lead(incident: Incident, plan: Plan) -> tuple[str, ...]:
    """Who writes the updates: the communications lead, else the commander, else who has it."""
    for part in (Part.COMMUNICATIONS, Part.COMMANDER):
        if people := incident.roles.get(part, ()):
            return people
    return (incident.acknowledged_by,) if incident.acknowledged_by else first_roles(plan)


def published(incident: Incident, event: UpdatePublished, plan: Plan) -> Moved | Refused:
    if why := why_not(incident, event.update, plan):
        return Refused(reason=why)
    update = event.update
    done = update.state is UpdateState.RESOLVED
    every = plan.status_page.every if plan.status_page and incident.telling.since else None
    telling = replace(
        incident.telling,
        last=update,
        last_by=event.by,
        due_at=event.at + every if every and not done else None,
        reminded=False,
    )
    if incident.status.over and not done:  # the page still says that it goes on
        telling = replace(telling, due_at=incident.telling.due_at)
    moved = _with(incident, telling)
    return Moved(incident=moved, effects=(PublishUpdate(update=update),))


def why_not(incident: Incident, update: StatusUpdate, plan: Plan) -> str:
    """Why an update may not be published; empty: it may."""
    last = incident.telling.last
    if update.number != number(incident):
        who = incident.telling.last_by
        return f"update {update.number} was published by {who} meanwhile; look at it first"
    if not update.title.strip() or not update.body.strip():
        return "an update needs a title and a text"
    if left := unfilled(f"{update.title}\n{update.body}", plan):
        return f"fill in {', '.join(left)} first: an update with a bracket is not published"
    if last and update.title != last.title:
        return f'every update of incident {incident.id} has the title "{last.title}"'
    if len(update.title) > LONGEST_TITLE or len(update.body) > LONGEST_BODY:
        return f"an update has at most {LONGEST_BODY} characters, its title {LONGEST_TITLE}"
    if update.state is UpdateState.RESOLVED and not incident.status.over:
        return "the incident is not resolved; resolve it first, or publish it as monitoring"
    return ""


def number(incident: Incident) -> int:
    """Of the next update."""
    last = incident.telling.last
    return last.number + 1 if last else 1


# --- what is due ---------------------------------------------------------------------------------


def _belongs(incident: Incident, plan: Plan, at: datetime) -> bool:
    """On the status page: by its severity, outside announced maintenance; what the public has read
    of stays there until it is resolved."""
    if on_page(incident.telling):
        return True
    if incident.about_us:
        return False
    quiet = incident.quiet
    if quiet and not quiet.snoozed and escalation.is_quiet(incident, at):
        return False
    named = plan.response.updates.severities
    if not named:
        return escalation.wake(plan, incident.severity) is not Wake.NO
    rows = [plan.severity(level) for level in named]
    return incident.severity in [row.level for row in rows if row]


def _due(incident: Incident, plan: Plan, at: datetime) -> Moved:
    telling, page = incident.telling, plan.status_page
    due = telling.due_at
    if due is None or page is None:
        return Moved(incident=incident)
    if at < due:
        if telling.reminded or at < due - _ahead(plan) or _publishable(incident, plan, due):
            return Moved(incident=incident)
        return _remind(incident, plan, at, due)
    if _publishable(incident, plan, at):
        return _publish(incident, plan, at, due_at=at + page.every)
    late = (at - due) // page.every + 1
    following = replace(telling, due_at=due + late * page.every, reminded=False)
    missed: tuple[Event, ...] = (UpdateMissed(at=at, due_at=due),)
    return Moved(incident=_with(incident, following), follows=missed)


def _close(incident: Incident, plan: Plan, at: datetime) -> Moved:
    """The last update is due soon after the resolution, when there was a first."""
    telling = incident.telling
    if not on_page(telling):
        return Moved(incident=_with(incident, replace(telling, since=None, due_at=None)))
    if telling.since is not None:  # it was resolved just now
        resolved = _with(incident, replace(telling, since=None, reminded=False))
        if _publishable(resolved, plan, at):
            return _publish(resolved, plan, at, due_at=None)
        every = plan.status_page.every if plan.status_page else timedelta()
        return _remind(resolved, plan, at, at + min(plan.response.updates.first_within, every))
    if telling.due_at is None or at < telling.due_at:
        return Moved(incident=incident)
    missed: tuple[Event, ...] = (UpdateMissed(at=at, due_at=telling.due_at),)
    return Moved(incident=_with(incident, replace(telling, due_at=None)), follows=missed)


def _remind(incident: Incident, plan: Plan, at: datetime, due: datetime) -> Moved:
    reason = f"{REMINDER} {due:%H:%M} UTC"
    return Moved(
        incident=_with(incident, replace(incident.telling, due_at=due, reminded=True)),
        effects=tuple(Tell(role=role, reason=reason) for role in lead(incident, plan)),
        follows=(UpdateReminded(at=at, due_at=due),),
    )


def _publish(incident: Incident, plan: Plan, at: datetime, due_at: datetime | None) -> Moved:
    event = UpdatePublished(at=at, by=OURSELVES, update=draft(incident, plan, at))
    settled = replace(incident.telling, due_at=due_at, reminded=False)
    return Moved(incident=_with(incident, settled), follows=(event,))


def _publishable(incident: Incident, plan: Plan, at: datetime) -> bool:
    """Whether Playcall may publish its own draft."""
    if not plan.response.updates.by_itself:
        return False
    return not why_not(incident, draft(incident, plan, at), plan)


def _ahead(plan: Plan) -> timedelta:
    every = plan.status_page.every if plan.status_page else timedelta()
    return min(plan.response.updates.remind_before, every / 2)


def _with(incident: Incident, telling: Telling) -> Incident:
    return incident if telling == incident.telling else replace(incident, telling=telling)


# --- what it says --------------------------------------------------------------------------------


def state_of(incident: Incident, plan: Plan) -> UpdateState:
    """As the facts have it: a remedy that is done is watched, a cause that is decided is known."""
    if incident.status.over:
        return UpdateState.RESOLVED
    runs = [run for _, run in remedies(incident, plan)]
    back, anew_at = incident.rollback, incident.telling.anew_at
    if back and anew_at and back.asked_at < anew_at:
        back = None
    done = any(run.status is RunStatus.SUCCEEDED for run in runs)
    if incident.status is Status.RECOVERED or done or (back and back.stage is RollbackStage.DONE):
        return UpdateState.MONITORING
    stopped = back is not None and back.stage is RollbackStage.STOPPED
    if runs or decided(incident, plan) or (back and not stopped):
        return UpdateState.IDENTIFIED
    return UpdateState.INVESTIGATING


def title_of(incident: Incident, plan: Plan) -> str:
    """What the public calls it: as before, as the settings say, or in the document's own words."""
    policy, last = plan.response.updates, incident.telling.last
    if last:
        return last.title
    title = policy.titles.get(incident.play or "") or policy.title
    if title:
        return title
    first = wording(plan, UpdateState.INVESTIGATING).split(". ")[0].strip().rstrip(".")
    words = first.removeprefix("We are investigating ")
    return f"{words[:1].upper()}{words[1:]}"[:LONGEST_TITLE]


def wording(plan: Plan, state: UpdateState) -> str:
    """The document's for a state, else ours."""
    texts = plan.status_page.texts if plan.status_page else ()
    found = next((t.body for t in texts if t.state.strip().lower() == state), "")
    return found.strip() or _PLAIN[state]


def draft(
    incident: Incident,
    plan: Plan,
    at: datetime,
    state: UpdateState | None = None,
    facts: Facts | None = None,
) -> StatusUpdate:
    """In the document's wording. `facts` may know more than the incident does, such as counts."""
    state = state or state_of(incident, plan)
    title = title_of(incident, plan)
    known = facts or gather(incident, plan, at, title=title, state=state)
    said = fill_text(wording(plan, state), known, plan)
    return update(incident, plan, at, state, title, f"{said} {_since(known, state)}")


def update(
    incident: Incident, plan: Plan, at: datetime, state: UpdateState, title: str, body: str
) -> StatusUpdate:
    """An update as it would be published now."""
    page = plan.status_page
    last = state is UpdateState.RESOLVED or page is None
    return StatusUpdate(
        incident=incident.id,
        number=number(incident),
        state=state,
        title=" ".join(title.split()),
        body=body.strip(),
        at=at,
        impact=_impact(incident, plan),
        components=plan.response.updates.components,
        next_at=None if last or page is None else at + page.every,
    )


def _since(facts: Facts, state: UpdateState) -> str:
    if state is UpdateState.RESOLVED:
        return f"It began at {say_moment(facts.started_at)} and lasted {facts.lasted}."
    counts = "".join(f" {n} {name}." for name, n in facts.counts.items() if n != "0")
    return f"It began at {say_moment(facts.started_at)}, {facts.lasted} ago.{counts}"


def _impact(incident: Incident, plan: Plan) -> PublicImpact:
    levels = [row.level for row in plan.severities]
    if incident.severity in levels[:1]:
        return PublicImpact.CRITICAL
    woken = escalation.wake(plan, incident.severity) is not Wake.NO
    return PublicImpact.MAJOR if woken else PublicImpact.MINOR
