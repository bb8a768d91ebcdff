"""A person's word on a command that nobody saw end: it ran, or it did not. Running it again is
`commands.approve`."""

from dataclasses import replace

from playcall.core.commands import find_command
from playcall.core.effects import Moved, Refused
from playcall.core.events import Fate, OutcomeDecided
from playcall.core.incident import Incident, RunStatus
from playcall.core.plan import Plan

_STATUS = {Fate.RAN: RunStatus.SUCCEEDED, Fate.NOT_RUN: RunStatus.CANCELLED}
WORDS = {Fate.RAN: "it ran", Fate.NOT_RUN: "it did not run"}


def settle(incident: Incident, event: OutcomeDecided, plan: Plan) -> Moved | Refused:
    """The ledger keeps that the outcome was unknown; the incident goes on with what was said."""
    command = find_command(plan, incident, event.command)
    if isinstance(command, Refused):
        return command
    if not event.access.allows(command.approver):
        return Refused(reason=f"the outcome of {command.id} is for a {command.approver} to decide")
    run = incident.runs.get(command.id)
    if run is None or run.id != event.run:
        return Refused(reason=f"{event.run} is not the current run of command {command.id}")
    if run.status is not RunStatus.UNKNOWN:
        return Refused(reason=f"the outcome of command {command.id} is known: {run.status}")
    note = f": {event.note}" if event.note else ""
    settled = replace(
        run,
        status=_STATUS[event.fate],
        summary=f"{WORDS[event.fate]}, says {event.by}{note}",
        at=event.at,
    )
    return Moved(incident=replace(incident, runs={**incident.runs, command.id: settled}))
