"""The messages people receive: why they get it, what is known, what to press.

Read at 3 a.m. on a locked phone: the subject and the first line say why somebody is woken, the
second what to do about it.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from playcall.core import approvals, decision, escalation, updates
from playcall.core.duties import OWED
from playcall.core.effects import Page, Tell
from playcall.core.foreseen import foresee
from playcall.core.incident import Incident, Part, RunStatus, Status
from playcall.core.medium import Medium, medium_of_page
from playcall.core.meeting import meeting_of
from playcall.core.message import Message
from playcall.core.people import roles
from playcall.core.placement import Placement
from playcall.core.plan import Plan, Play, RungCondition, Wake
from playcall.core.standing import NO_PLAY, say_diagnostics
from playcall.core.wording import say_duration, say_instant, say_judgement

LONGEST_SUBJECT = 160
MOST_OTHERS = 5
MOST_LINES = 5  # of a command
LONGEST_LINE = 300

# How a reason begins, and what it says to whoever gets it.
_SAID = (
    (r"assigned to you by (?P<who>.+)", "{who} assigned this to you"),
    (r"called by (?P<who>[^:]+): (?P<why>.+)", "{who} calls you: {why}"),
    (r"called by (?P<who>.+)", "{who} calls you"),
    (r"un-acknowledged by (?P<who>.+)", "{who} gave it back: nobody has it now"),
    (r"(?P<who>.+) made you (?P<part>.+)", "{who} made you {part}"),
    (r"(?P<who>.+) is (?P<part>.+) now", "{who} is {part} now"),
    (r"merged into incident (?P<number>\d+) by (?P<who>.+)", "{who} merged it into {number}"),
    (r"decided: (?P<outcome>.+?)(; to approve: .+)?", "Decided: {outcome}"),
    (r"fired, round (?P<round>\d+)", "Still nobody has acknowledged: round {round} of the path"),
    (r"(?P<rung>.+), round (?P<round>\d+)", "{rung}, round {round} of the path"),
)
_STATES = ("recovered", "relapsed", "resolved")


def compose(
    incident: Incident,
    effect: Page | Tell,
    plan: Plan,
    at: datetime,
    others: Sequence[str],
    url: str,
    placement: Placement | None = None,
) -> Message:
    """The message for a Page or a Tell. `others` are the titles of incidents open beside it."""
    why = _why(incident, effect, plan, at)
    lines = [
        f"{why}." if why else "",
        _press(incident, effect, plan, at),
        *_wanted(incident, effect, plan, at, placement or Placement()),
        "",
        f"{incident.title}",
        f"Incident {incident.id}, {incident.severity}, {_status(incident)}; "
        f"fired {say_instant(incident.fired_at)}, {say_duration(at - incident.fired_at)} ago.",
        *_as_whom(effect, plan),
        *_found(incident, plan, at),
        *_meeting(incident, plan),
        *_beside(others),
    ]
    return Message(
        subject=_subject(incident, effect, why),
        body="\n".join(lines).strip(),
        link=url,
        thread=f"incident-{incident.id}",
        urgent=isinstance(effect, Page),
        incident=incident.id,
        conference=_medium(effect, plan) is Medium.CONFERENCE,
    )


def _medium(effect: Page | Tell, plan: Plan) -> Medium:
    return medium_of_page(effect, plan) if isinstance(effect, Page) else Medium.PAGE


def in_place_of(message: Message, role: str) -> Message:
    """The message for whoever stands in."""
    return replace(message, body=f"{message.body}\nIt was for {role}, and nobody is behind that.")


def late(message: Message, incident: Incident, decided_at: datetime, at: datetime) -> Message:
    """A message that could not be delivered for a while says so, and how the incident is now."""
    age = say_duration(at - decided_at)
    said = (
        f"LATE: this was to reach you {age} ago ({say_instant(decided_at)}). "
        f"Now the incident is {_status(incident)}."
    )
    return replace(message, body=f"{said}\n\n{message.body}")


def _wanted(
    incident: Incident, effect: Page | Tell, plan: Plan, at: datetime, placement: Placement
) -> list[str]:
    """What an approval is wanted of: where it would run, as whom, and its first lines."""
    written = plan.command(incident.play, effect.command) if isinstance(effect, Tell) else None
    if written is None:
        return []
    asked = approvals.asked_now(written, incident, at)
    would = foresee(asked, incident.play, incident.values, placement)
    lines = would.text.split("\n")
    shown = [f"  {line[:LONGEST_LINE]}" for line in lines[:MOST_LINES]]
    more = len(lines) - len(shown)
    left_out = [f"  ({more} more lines)"] if more else []
    return ["", f"{asked.effect}, {would.where}:", *shown, *left_out]


def _meeting(incident: Incident, plan: Plan) -> list[str]:
    link = meeting_of(incident, plan)
    return [f"War room: {link}"] if link else []


def _subject(incident: Incident, effect: Page | Tell, why: str) -> str:
    """'[CRITICAL] disk full' when it fired; with the reason in front otherwise."""
    headline = effect.reason.upper() if effect.reason in _STATES else incident.severity
    plain = why.startswith("It fired") or not why or effect.reason in _STATES
    text = incident.title if plain else f"{why} · {incident.title}"
    line = " ".join(f"[{headline}] {text}".split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1]}…"


def _why(incident: Incident, effect: Page | Tell, plan: Plan, at: datetime) -> str:
    reason = " ".join(effect.reason.split())
    play = plan.play(incident.play) if incident.play else None
    if incident.reopened and incident.ladder_from == at and not incident.readings:
        return "It fires again after it was over: opened again"
    if reason == "fired":
        return "It fired"
    if play and play.escalation and reason == play.escalation.text:
        return f"It fired, and the play says: {reason}"
    if reason == "recovered":
        return "Recovered: its alerts cleared, and every criterion held for its whole window"
    if reason == "relapsed":
        return "It had recovered, and has relapsed"
    for pattern, text in _SAID:
        found = re.fullmatch(pattern, reason)
        if found:
            said = text.format(**found.groupdict())
            return said[:1].upper() + said[1:] if text.startswith("{rung}") else said
    return reason[:1].upper() + reason[1:]


def _press(incident: Incident, effect: Page | Tell, plan: Plan, at: datetime) -> str:
    """What to do now, in a line."""
    match effect.reason:
        case "resolved":
            return "Nothing is left to press."
        case "recovered":
            return "Look once more, then press Resolve and name the cause."
    if incident.kin.into is not None:
        return f"Nothing is left to press here: go on in incident {incident.kin.into}."
    if effect.reason.startswith(OWED):
        return "Open the incident: do it, or waive it with a reason."
    play = plan.play(incident.play) if incident.play else None
    asked = _asked(incident, play)
    if effect.reason.startswith("decided: "):
        return _approve(incident, play) or asked or "Open the incident and carry it out."
    if effect.reason.startswith(updates.REMINDER):
        return "Open it: the draft is ready to publish."
    if effect.reason.startswith("approval wanted by "):
        return "Open the incident and read it; then approve or refuse."
    if effect.reason.startswith("the time for ") or effect.reason.endswith(Part.COMMANDER):
        return asked or "Go on to what comes next, or call somebody."
    if incident.acknowledged_by:
        return f"{incident.acknowledged_by} has it. Open the incident to see what was found."
    if isinstance(effect, Page):
        return f"Press Acknowledge.{_following(incident, plan, at)}"
    woken = escalation.wake(plan, incident.severity) is Wake.YES
    held = "Nobody has acknowledged it" if woken else "Nobody is woken for this now"
    return f"{held}.{_following(incident, plan, at)}"


def _following(incident: Incident, plan: Plan, at: datetime) -> str:
    """Who is next when nobody does anything."""
    following = escalation.next_rung(incident, plan, at)
    if following is None:
        return ""
    due, rung = following
    whom = " and ".join(rung.roles)
    unless = "" if rung.condition is RungCondition.ALWAYS else f" ({rung.condition})"
    return f" Next is {whom}, in {say_duration(due - at)}{unless}."


def _asked(incident: Incident, play: Play | None) -> str:
    for step in decision.trees(play):
        walk = decision.walk(step, play, incident.answers) if play else None
        if walk and walk.asked:
            labels = " or ".join(answer.label for answer in walk.asked.question.answers)
            return f"Answer: {walk.asked.question.text} {labels}."
    return ""


def _approve(incident: Incident, play: Play | None) -> str:
    """The commands behind the outcomes reached that wait for somebody's approval."""
    waiting = [
        f'{command.id} "{command.title}"'
        for step in decision.trees(play)
        for one in (decision.walk(step, play, incident.answers).reached if play else ())
        for command in (play.commands() if play else ())
        if command.id in one.commands and command.id not in incident.runs
    ]
    return f"Approve: {', '.join(dict.fromkeys(waiting))}." if waiting else ""


def _status(incident: Incident) -> str:
    has = incident.acknowledged_by
    if incident.status.over:
        return str(incident.status)
    if has and incident.status is Status.ACKNOWLEDGED:
        return f"acknowledged by {has}"
    return f"{incident.status}, {has} has it" if has else str(incident.status)


def _as_whom(effect: Page | Tell, plan: Plan) -> list[str]:
    """A role is named, since nobody knows all they have; a person knows their name."""
    teams = [role for team in plan.teams for role in (team.primary, team.secondary)]
    known = {role.lower() for role in (*roles(plan), *teams)}
    return [f"You get this as {effect.role}."] if effect.role.lower() in known else []


def _beside(others: Sequence[str]) -> list[str]:
    if not others:
        return []
    named = "; ".join(" ".join(title.split()) for title in others[:MOST_OTHERS])
    more = f"; and {len(others) - MOST_OTHERS} more" if len(others) > MOST_OTHERS else ""
    return [f"Open beside it, perhaps one cause: {named}{more}."]


def _found(incident: Incident, plan: Plan, at: datetime) -> list[str]:
    """What is known so far, measurements first."""
    play = plan.play(incident.play) if incident.play else None
    if play is None:
        return [f"{NO_PLAY}."]
    lines = [
        say_judgement(criterion, incident.readings[criterion.id], at)
        for criterion in play.criteria
        if criterion.id in incident.readings
    ]
    if diagnostics := say_diagnostics(incident):
        lines.append(f"Diagnostics: {diagnostics}.")
    unknown = [key for key, run in incident.runs.items() if run.status is RunStatus.UNKNOWN]
    if unknown:
        lines.append(f"OUTCOME UNKNOWN, decide: command {', '.join(unknown)}.")
    return lines
