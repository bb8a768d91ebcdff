"""What an incident leaves unanswered, from its record: nothing is guessed."""

from collections.abc import Iterator, Mapping, Sequence

from playcall.core import commands, verification
from playcall.core import events as ev
from playcall.core.incident import Incident, RunStatus
from playcall.core.judge import Verdict
from playcall.core.pin_events import Pin
from playcall.core.plan import Plan, Purpose

MOST = 50
ASKS = "question:"  # how a note begins that asks one
_FAILED = (RunStatus.FAILED, RunStatus.TIMED_OUT)


def open_questions(
    incident: Incident,
    events: Sequence[ev.Event],
    plan: Plan,
    pinned: Mapping[int, Pin],
    cause: str | None,
) -> list[str]:
    """What people asked comes first."""
    found = list(_asked(events, pinned))
    if cause is None:
        found.append("The cause is not known yet.")
    found += _unknown(incident, plan)
    found += _runs(incident, plan)
    found += _values(incident, plan)
    found = list(dict.fromkeys(found))
    more = len(found) - MOST
    return [*found[:MOST], *([f"And {more} more."] if more > 0 else [])]


def asks(event: ev.Event) -> bool:
    return isinstance(event, ev.NoteAdded) and event.text.lower().startswith(ASKS)


def _asked(events: Sequence[ev.Event], pinned: Mapping[int, Pin]) -> Iterator[str]:
    for n, event in enumerate(events, 1):
        if isinstance(event, ev.NoteAdded) and (asks(event) or pinned.get(n) is Pin.QUESTION):
            text = event.text[len(ASKS) :] if asks(event) else event.text
            if said := " ".join(text.split()):
                yield said


def _unknown(incident: Incident, plan: Plan) -> Iterator[str]:
    play = plan.play(incident.play) if incident.play else None
    for one in play.criteria if play else ():
        reading = incident.readings.get(one.id)
        if one.purpose is Purpose.RECOVERY and (
            one.query is None or reading is None or reading.verdict is Verdict.UNKNOWN
        ):
            yield f'Whether "{one.text}": it could not be measured.'
    if play and not verification.recovery_criteria(incident, plan):
        yield "Whether it is over: the playbook has nothing that would prove it."


def _runs(incident: Incident, plan: Plan) -> Iterator[str]:
    for key, run in incident.runs.items():
        command = plan.command(incident.play, key)
        title = command.title if command else key
        if run.status is RunStatus.UNKNOWN:
            yield f'Whether "{title}" took effect: nobody saw its end.'
        elif run.status in _FAILED and run.approved_by is None:
            yield f'What "{title}" would have shown: it {_failed(run.status)}.'


def _failed(status: RunStatus) -> str:
    return "took too long" if status is RunStatus.TIMED_OUT else "failed"


def _values(incident: Incident, plan: Plan) -> Iterator[str]:
    """Of what the play looks at: what it might have changed needed no value."""
    play = plan.play(incident.play) if incident.play else None
    for command in commands.first_look(play, plan):
        for name in commands.missing_values(incident, command):
            yield f'What {name} is: nobody gave it, and "{command.title}" did not run.'
