"""What a team's chat shows of an incident now: one message among the alerts, one where the active
ones are worked on, its milestones and the approvals wanted in that one's thread. Pure, and told
anew from the state each time, so that whatever was missed is made up for."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from playcall.core import approvals, engagement, escalation, sending, timeline
from playcall.core import events as ev
from playcall.core import regroup_events as regroup
from playcall.core import rollback_events as back
from playcall.core.bound import as_written, ready
from playcall.core.chat import Button, Card, Place, Posting, Press
from playcall.core.compiler.shell import Unbindable
from playcall.core.duty_proofs import asks_summary
from playcall.core.incident import Incident, Part, RunStatus, Status
from playcall.core.meeting import meeting_of
from playcall.core.plan import Command, EffectClass, Plan, Wake
from playcall.core.sending_events import PostMortemShared
from playcall.core.wording import say_instant, say_unreached

LONGEST = 2000  # characters of a command
MOST_ALERTS = 5  # named in a card

# Events that everybody who follows the incident wants to hear of.
MILESTONES = (
    ev.Acknowledged,
    ev.Unacknowledged,
    ev.Assigned,
    ev.Escalated,
    ev.PartTaken,
    ev.SeverityChanged,
    ev.Decided,
    ev.RunApproved,
    ev.RunDeclined,
    ev.Recovered,
    ev.Relapsed,
    ev.Resolved,
    ev.Reopened,
    ev.TargetMissed,
    ev.PageLost,
    regroup.MergedInto,
    regroup.Absorbed,
    regroup.AlertsSplit,
    back.RollbackAsked,
    back.RollbackApproved,
    back.RollbackStopped,
    back.RollbackHalted,
    back.RollbackDone,
)
# After which a command is asked for anew, or not at all.
_ENDINGS = (
    ev.RunDeclined,
    ev.RequestExpired,
    ev.ApprovalLapsed,
    ev.CommandFinished,
    ev.CommandInterrupted,
)
_MARKS = {
    Status.OPEN: "🔴",
    Status.ACKNOWLEDGED: "🟠",
    Status.RECOVERED: "🟢",
    Status.RESOLVED: "✅",
    Status.CLOSED: "✅",
    Status.MERGED: "🔗",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What the cards of an incident are told from."""

    incident: Incident
    plan: Plan
    events: Sequence[tuple[int, ev.Event]]  # by number
    url: str  # of the incident's page
    names: Mapping[str, str] = field(default_factory=dict)  # of people, by id


def postings(story: Story) -> Iterator[Posting]:
    """Every message that is to stand, in the order in which they may be posted."""
    number, over = story.incident.id, story.incident.status.over
    yield Posting(key=f"{number}/alerts", place=Place.ALERTS, card=_alert(story))
    summary = f"{number}/incidents"
    yield Posting(key=summary, place=Place.INCIDENTS, card=_summary(story), only_edit=over)
    play = story.plan.play(story.incident.play) if story.incident.play else None
    for n, event in story.events:
        if not (isinstance(event, MILESTONES) or _is_remedy(event, story)):
            continue
        if line := timeline.entry(event, story.plan, play):
            yield Posting(
                key=f"{number}/event/{n}",
                place=Place.INCIDENTS,
                card=Card(title=_shorten(line.text)),
                reply_to=summary,
            )
    yield from _asks(story, summary)
    yield from _sent(story)


def title_of(incident: Incident) -> str:
    mark = _MARKS[incident.status]
    return f"{mark} #{incident.id} {incident.severity} · {' '.join(incident.title.split())}"


def state_of(story: Story) -> str:
    """How it stands, in one line."""
    incident = story.incident
    said = str(incident.status)
    if incident.acknowledged_by and not incident.status.over:
        said += f", {_name(story, incident.acknowledged_by)} has it"
    elif incident.status is Status.OPEN:
        said += ", nobody has it"
    elif incident.kin.into is not None:
        said += f" into incident {incident.kin.into}"
    commanders = incident.roles.get(Part.COMMANDER, ())
    if commanders:
        said += f"; commander: {', '.join(_name(story, one) for one in commanders)}"
    return said[0].upper() + said[1:]


def wakes(story: Story) -> bool:
    """Whether somebody is, or was, woken for it."""
    wake = escalation.wake(story.plan, story.incident.severity)
    if wake is Wake.IF_PERSISTENT:
        return bool(story.incident.climbed) or story.incident.round > 1
    return wake is Wake.YES


# --- The two messages ----------------------------------------------------------------------------


def _alert(story: Story) -> Card:
    incident = story.incident
    return Card(
        title=title_of(incident),
        lines=(state_of(story), _alerts(incident), f"Since {say_instant(incident.fired_at)}"),
        link=story.url,
        buttons=buttons(incident) if incident.status is Status.OPEN else (),
    )


def _alerts(incident: Incident) -> str:
    firing = [member.alert for member in incident.alerts.values() if member.firing]
    count = len(incident.alerts)
    told = f"{count} alert{'s' if count != 1 else ''}, {len(firing)} firing"
    where = [_where(alert.labels) for alert in firing[:MOST_ALERTS]]
    named = ", ".join(dict.fromkeys(one for one in where if one))
    return f"{told}: {_shorten(named)}" if named else told


def _where(labels: Mapping[str, str]) -> str:
    return next((labels[one] for one in ("pod", "instance", "host", "node") if one in labels), "")


def _summary(story: Story) -> Card:
    incident = story.incident
    lines = [state_of(story), _alerts(incident), f"Since {say_instant(incident.fired_at)}"]
    lines += [f"Decision: {one}" for one in _decisions(story)]
    lines += [text for text in (say_unreached(incident), _quiet(incident)) if text]
    waiting = ", ".join(incident.requests)
    lines += [f"Approval wanted: {waiting}"] if waiting else []
    meeting = meeting_of(incident, story.plan)
    lines += [f"War room: {meeting}"] if meeting else []
    return Card(
        title=title_of(incident),
        lines=tuple(_shorten(line) for line in lines),
        link=story.url,
        buttons=_afterwards(story) if incident.status.over else buttons(incident),
    )


def buttons(incident: Incident) -> tuple[Button, ...]:
    """What a responder may do about it, as it stands."""
    number = str(incident.id)
    found = []
    if incident.acknowledged_by is None:
        found.append(Button(press=Press.ACKNOWLEDGE, label="Acknowledge", value=number))
    if not incident.roles.get(Part.COMMANDER):
        found.append(Button(press=Press.TAKE_COMMAND, label="Take command", value=number))
    rung = f"{number}|{engagement.next_rung(incident)}"  # two who press it climb one rung
    found.append(Button(press=Press.ESCALATE, label="Escalate", value=rung))
    return tuple(found)


def _afterwards(story: Story) -> tuple[Button, ...]:
    """The summary that is owed, until it is sent."""
    incident, plan = story.incident, story.plan
    asked = incident.owed.opened and any(asks_summary(duty) for duty in plan.duties)
    if not asked or incident.owed.summary:
        return ()
    whom = ", ".join([*sending.recipients(incident, plan), sending.channel(plan)])
    return (
        Button(
            press=Press.SEND_SUMMARY,
            label="Send the summary",
            value=str(incident.id),
            confirm=f"As it is on the incident's page, to {whom}",
        ),
    )


def _sent(story: Story) -> Iterator[Posting]:
    """The summary and the post-mortem, for the team to read."""
    for n, event in story.events:
        if isinstance(event, ev.SendingEvent) and event.channel:
            shared = isinstance(event, PostMortemShared)
            yield Posting(
                key=f"{story.incident.id}/event/{n}",
                place=Place.INCIDENTS,
                card=Card(
                    title=_shorten(event.subject),
                    lines=tuple(event.body.split("\n")),
                    link=f"{story.url}/post-mortem" if shared else story.url,
                ),
            )


def _decisions(story: Story) -> Iterator[str]:
    decided = [event for _, event in story.events if isinstance(event, ev.Decided)]
    yield from (one.outcome for one in decided[-1:])


def _quiet(incident: Incident) -> str:
    if incident.quiet is None or incident.status.over:
        return ""
    return f"Pages are held until {say_instant(incident.quiet.until)}: {incident.quiet.reason}"


def _is_remedy(event: ev.Event, story: Story) -> bool:
    """The end of a command that changes something."""
    if not isinstance(event, ev.CommandFinished | ev.CommandInterrupted):
        return False
    command = story.plan.command(story.incident.play, event.command)
    return command is not None and command.effect is EffectClass.CHANGE


# --- Approvals -----------------------------------------------------------------------------------


def _asks(story: Story, summary: str) -> Iterator[Posting]:
    """Each command that somebody is to decide on. One that is decided keeps its message, without
    buttons, if it has one; asked for anew, it is a message anew."""
    incident = story.incident
    asked: dict[tuple[str, int], None] = {}
    ended: Counter[str] = Counter()
    for _, event in story.events:
        if isinstance(event, ev.Decided):
            asked |= {(one, ended[one]): None for one in event.commands}
        elif isinstance(event, ev.RunRequested | ev.RunEdited | ev.RunApproved):
            asked[event.command, ended[event.command]] = None
        elif isinstance(event, _ENDINGS):
            ended[event.command] += 1
    for command_id, number in asked:
        command = story.plan.command(incident.play, command_id)
        if command is None or command.effect in (EffectClass.OBSERVE, EffectClass.MANUAL):
            continue
        wanted = number == ended[command_id] and _is_wanted(incident, command_id)
        yield Posting(
            key=f"{incident.id}/ask/{command_id}/{number}",
            place=Place.INCIDENTS,
            card=_ask(story, command) if wanted else _settled(story, command),
            reply_to=summary,
            only_edit=not wanted,
        )


def _is_wanted(incident: Incident, command_id: str) -> bool:
    run = incident.runs.get(command_id)
    if incident.status.over:
        return False
    return command_id in incident.requests or run is None


def _ask(story: Story, command: Command) -> Card:
    incident = story.incident
    request = incident.requests.get(command.id)
    asked = approvals.as_asked(command, request)
    text = _would_run(asked, incident)
    people = approvals.needed_people(asked, incident.play, story.plan)
    lines = []
    if request:
        lines.append(f"Asked for by {_name(story, request.by)}")
        given = [_name(story, one.by) for one in request.approvals]
        lines += [f"Approved by {' and '.join(given)}"] if given else []
    lines += [f"Needs {people} different people"] if people > 1 else []
    if len(text) > LONGEST:
        lines.append("It is too long for here: decide on the incident's page")
    return Card(
        title=f'Approval wanted: {command.id} "{command.title}"',
        lines=tuple(lines),
        code=text[:LONGEST],
        link=story.url,
        buttons=_choice(asked, text, incident) if len(text) <= LONGEST else (),
    )


def _choice(asked: Command, text: str, incident: Incident) -> tuple[Button, ...]:
    """The digest names exactly what is shown: what changes meanwhile is not approved by it."""
    value = f"{incident.id}|{asked.id}|{approvals.digest_of_run(asked, incident)}"
    confirm = f"It runs for incident {incident.id}: {text}"
    return (
        Button(press=Press.APPROVE, label="Approve", value=value, confirm=confirm),
        Button(press=Press.REFUSE, label="Refuse", value=value, danger=True),
    )


def _would_run(command: Command, incident: Incident) -> str:
    try:
        found = ready(command, incident.values) if command.placeholders else as_written(command)
    except Unbindable as error:
        return f"{command.text}\n# cannot run: {error}"
    return found.text


def _settled(story: Story, command: Command) -> Card:
    run = story.incident.runs.get(command.id)
    became = "no longer wanted" if run is None else f"{run.status} {_shorten(run.summary)}".strip()
    if run and run.status is RunStatus.PENDING:
        became = f"approved by {run.approved_by}"
    return Card(title=f'{command.id} "{command.title}": {became}', link=story.url)


def _name(story: Story, person: str) -> str:
    return story.names.get(person, person)


def _shorten(text: str, longest: int = 500) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
