"""Who lets a command run: a request, the approvals for it, and what makes them worthless again.

One set of approvals, by as many different people as the command needs, is worth one run, of exactly
the text that they saw, begun while the approvals are good. Every rule about that is here.
"""

import difflib
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from playcall.core import decision
from playcall.core.access import Access
from playcall.core.bound import judged, used
from playcall.core.commands import begin, find_command, missing_values
from playcall.core.effects import Moved, Refused, Tell
from playcall.core.events import (
    ApprovalLapsed,
    RequestExpired,
    RunApproved,
    RunDeclined,
    RunEdited,
    RunRequested,
)
from playcall.core.incident import Incident, Run, RunStatus
from playcall.core.people import engaged, first_roles
from playcall.core.plan import Command, EffectClass, Plan
from playcall.core.request import Approval, Edit, Request
from playcall.core.wording import say_duration

DIGEST_LENGTH = 16  # hexadecimal digits of SHA-256 that name what would run
CHANGED = "this is not the command you saw; look again"

_DANGER = list(EffectClass)
_LEVELS = list(Access)


# --- What a command needs ------------------------------------------------------------------------


def needed_access(command: Command, alert: str | None, plan: Plan) -> Access:
    """The strictest of what the document, the settings and the class demand."""
    policy = plan.response.approvals
    demands = [command.approver, Access.RESPONDER]
    if command.effect is EffectClass.CHANGE:
        demands += [policy.change, policy.alerts.get(alert or "", Access.RESPONDER)]
    elif command.effect is EffectClass.HEAVY:
        demands.append(policy.heavy)
    return max(demands, key=_LEVELS.index)


def needed_people(command: Command, alert: str | None, plan: Plan) -> int:
    """Two for a rollback, and for what the document or the settings mark so."""
    if command.effect is not EffectClass.CHANGE:
        return command.people
    marked = {alert, f"{alert} {command.id}"} & {*plan.response.approvals.two_people}
    return 2 if marked or _is_rollback(command, alert, plan) else command.people


def _is_rollback(command: Command, alert: str | None, plan: Plan) -> bool:
    """Of the document's rollback, or of the play's option, phase or step that is called one."""
    written = plan.rollback.commands if plan.rollback else ()
    play = plan.play(alert) if alert else None
    own = decision.rollback_of(play) if play else ()
    return command.id in own or any(command.id == one.id for one in written)


def unknown_marks(plan: Plan) -> tuple[str, ...]:
    """What the settings' policy names and the document does not have: it would protect nothing."""
    policy = plan.response.approvals
    known = {play.alert for play in plan.plays}
    known |= {f"{play.alert} {one.id}" for play in plan.plays for one in play.commands()}
    return tuple(name for name in (*policy.alerts, *policy.two_people) if name not in known)


def digest_of_run(command: Command, incident: Incident) -> str:
    """Names exactly what would run: the text, what runs in its place, and the values in it."""
    runs_as = command.runs_as
    parts = [
        command.text,
        [runs_as.kind, runs_as.text] if runs_as else None,
        sorted(used(command, incident.values).items()),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:DIGEST_LENGTH]


def waiting(incident: Incident, command_id: str, at: datetime) -> Request | None:
    """The request that is good now."""
    request = incident.requests.get(command_id)
    return request if request and at < request.expires_at else None


def as_asked(command: Command, request: Request | None) -> Command:
    """The command as it would run now: the document's, or with the text that somebody asks for."""
    return request.edit.command if request and request.edit else command


def asked_now(command: Command, incident: Incident, at: datetime) -> Command:
    """The same, in the class that its values give it."""
    return judged(as_asked(command, waiting(incident, command.id, at)), incident.values)


# --- Asking --------------------------------------------------------------------------------------


def ask(incident: Incident, event: RunRequested, plan: Plan) -> Moved | Refused:
    command = find_command(plan, incident, event.command)
    if isinstance(command, Refused):
        return command
    if request := waiting(incident, command.id, event.at):
        return Refused(reason=f"{request.by} has asked for command {command.id} already")
    command = judged(command, incident.values)
    why = _why_not_run(incident, command, event.again) or _why_not_seen(
        event.digest, None, digest_of_run(command, incident)
    )
    if why:
        return Refused(reason=why)
    request = _request(command, incident, plan, event.by, event.at, event.again)
    return _keep(incident, command, request, plan)


def propose(
    incident: Incident, plan: Plan, command_id: str, text: str, by: str, at: datetime, again: bool
) -> RunEdited | Refused:
    """The event by which a person asks for another text, with what it would do."""
    command = find_command(plan, incident, command_id)
    if isinstance(command, Refused):
        return command
    edited = _with_text(command, text)
    if not edited.text.strip():
        return Refused(reason=f"nothing is left to run of command {command_id}; refuse it instead")
    return RunEdited(
        at=at,
        by=by,
        command=command_id,
        original=command.text,
        text=edited.text,
        diff=diff(command.text, edited.text),
        effect=edited.effect,
        reasons=edited.reasons,
        again=again,
    )


def diff(written: str, edited: str) -> str:
    lines = difflib.unified_diff(
        written.splitlines(), edited.splitlines(), "document", "edited", lineterm=""
    )
    return "\n".join(lines)


def edit(incident: Incident, event: RunEdited, plan: Plan) -> Moved | Refused:
    """A new request, for that text; whoever approved before approved something else."""
    command = find_command(plan, incident, event.command)
    if isinstance(command, Refused):
        return command
    if event.original != command.text:
        return Refused(reason=CHANGED)
    if event.text == command.text:
        return Refused(reason=f"that is command {command.id} as the document has it")
    edited = _with_text(command, event.text, EffectClass(event.effect))
    if why := _why_not_run(incident, edited, event.again, values=False):
        return Refused(reason=why)
    request = replace(
        _request(edited, incident, plan, event.by, event.at, event.again),
        edit=Edit(by=event.by, at=event.at, command=edited),
    )
    return _keep(incident, command, request, plan)


def _with_text(command: Command, text: str, least: EffectClass = EffectClass.HEAVY) -> Command:
    """Read as a command of the document is; never less dangerous than what stands there."""
    from playcall.core.compiler.shell import read_command  # loads a parser

    text = text.replace("\r\n", "\n").strip("\n")
    reading = read_command(text)
    effect = max(command.effect, least, reading.effect, key=_DANGER.index)
    return replace(
        command,
        text=text,
        effect=effect,
        reasons=reading.reasons,
        placeholders=reading.placeholders,
        runs_as=reading.runs_as,
    )


def _request(
    command: Command, incident: Incident, plan: Plan, by: str, at: datetime, again: bool
) -> Request:
    return Request(
        by=by,
        at=at,
        digest=digest_of_run(command, incident),
        access=needed_access(command, incident.play, plan),
        people=needed_people(command, incident.play, plan),
        expires_at=at + plan.response.approvals.stand_for,
        again=again,
    )


def _keep(incident: Incident, command: Command, request: Request, plan: Plan) -> Moved:
    """It waits, and those who may know better are told."""
    who = request.approvals[-1].by if request.approvals else request.by
    roles = dict.fromkeys((*engaged(incident, plan), *first_roles(plan)))
    reason = f'approval wanted by {who}: {command.id} "{command.title}"'
    return Moved(
        incident=replace(incident, requests={**incident.requests, command.id: request}),
        effects=tuple(
            Tell(role=role, reason=reason, command=command.id) for role in roles if role != who
        ),
    )


# --- Yes and no ----------------------------------------------------------------------------------


def approve(incident: Incident, event: RunApproved, plan: Plan) -> Moved | Refused:
    command = find_command(plan, incident, event.command)
    if isinstance(command, Refused):
        return command
    request = waiting(incident, command.id, event.at)
    asked = judged(as_asked(command, request), incident.values)
    fresh = _request(asked, incident, plan, event.by, event.at, event.again)
    why = (
        _why_not_link(incident, event.link)
        or _why_not_allowed(asked, fresh, event)
        or _why_not_run(incident, asked, event.again or bool(request and request.again))
        or _why_not_seen(event.digest, request, fresh.digest)
    )
    if why:
        return Refused(reason=why)
    if why := _why_not_by(asked, request, event, plan):
        return Refused(reason=why)
    if request is None:
        request = fresh
    elif request.digest != fresh.digest:  # a value changed: whoever approved saw another command
        request = replace(fresh, by=request.by, edit=request.edit)
    incident = replace(incident, used_links=_used(incident, event.link))
    request = _with_approval(request, event, plan)
    if len(request.approvals) < request.people and not request.emergency:
        return _keep(incident, asked, request, plan)
    incident, run = begin(_without(incident, command.id), asked, request, event.at)
    return Moved(incident=incident, effects=(run,))


def decline(incident: Incident, event: RunDeclined, plan: Plan) -> Moved | Refused:
    """Ends a request; a command that has not run is marked as unwanted."""
    command = find_command(plan, incident, event.command)
    if isinstance(command, Refused):
        return command
    if why := _why_not_link(incident, event.link):
        return Refused(reason=why)
    earlier = incident.runs.get(command.id)
    ran = earlier is not None and not earlier.status.never_ran
    if earlier and ran and not waiting(incident, command.id, event.at):
        return Refused(reason=f"command {command.id} is {earlier.status}: too late to decline")
    used = _used(incident, event.link)
    incident = replace(_without(incident, command.id), used_links=used)
    if ran:
        return Moved(incident=incident)
    attempt = earlier.attempt if earlier else 0
    declined = Run(
        id=f"{incident.id}/{command.id}/{attempt}",
        status=RunStatus.DECLINED,
        attempt=attempt,
        approved_by=None,
        at=event.at,
        summary=event.reason,
    )
    return Moved(incident=replace(incident, runs={**incident.runs, command.id: declined}))


def _with_approval(request: Request, event: RunApproved, plan: Plan) -> Request:
    """Its time runs from the first approval."""
    lasting = plan.response.approvals.stand_for
    others = tuple(one for one in request.approvals if one.by != event.by)
    return replace(
        request,
        approvals=(*others, _approval(event)),
        expires_at=request.expires_at if request.approvals else event.at + lasting,
        emergency=event.reason.strip() if event.emergency else "",
    )


def _approval(event: RunApproved) -> Approval:
    return Approval(by=event.by, at=event.at, link_by=event.link_by)


def _without(incident: Incident, command_id: str) -> Incident:
    left = {key: one for key, one in incident.requests.items() if key != command_id}
    return replace(incident, requests=left)


def _used(incident: Incident, link: str) -> tuple[str, ...]:
    return (*incident.used_links, link) if link else incident.used_links


# --- Why not; empty: nothing stands against it ---------------------------------------------------


def _why_not_link(incident: Incident, link: str) -> str:
    return "this link was used already" if link and link in incident.used_links else ""


def _why_not_allowed(command: Command, request: Request, event: RunApproved) -> str:
    if not event.access.allows(request.access):
        return f"command {command.id} needs the approval of a {request.access}"
    return ""


def _why_not_run(incident: Incident, command: Command, again: bool, *, values: bool = True) -> str:
    if command.effect is EffectClass.MANUAL:
        return f"command {command.id} needs a person: {'; '.join(command.reasons)}"
    if values and (missing := missing_values(incident, command)):
        return f"command {command.id} has no value for {', '.join(missing)}; give one first"
    earlier = incident.runs.get(command.id)
    if earlier and earlier.status.active:
        return f"command {command.id} is {earlier.status} already{_approved(earlier)}"
    if earlier and not earlier.status.never_ran and not again:
        unknown = earlier.status is RunStatus.UNKNOWN
        ended = "its outcome is unknown" if unknown else str(earlier.status)
        return (
            f"command {command.id} ran already and {ended}{_approved(earlier)}; approve it again "
            "only if it should run once more"
        )
    return ""


def _approved(run: Run) -> str:
    return f" (approved by {run.approved_by})" if run.approved_by else ""


def _why_not_seen(seen: str, request: Request | None, digest: str) -> str:
    """What somebody else edited, or asked for before it changed, is approved by its digest only."""
    if seen == digest:
        return ""
    other = request is not None and (request.edit is not None or request.digest != digest)
    return CHANGED if seen or other else ""


def _why_not_by(command: Command, request: Request | None, event: RunApproved, plan: Plan) -> str:
    """Whether this person may be the one, or the other one."""
    if event.emergency:
        return "" if event.reason.strip() else "an emergency needs its reason, for the record"
    approvals = request.approvals if request else ()
    if any(event.by == approval.by for approval in approvals):
        return f"{event.by} has approved it already; it needs a second person"
    hands = _approval(event).hands
    if any(hands & other.hands for other in approvals):
        return "it needs two different people, and one of them made the link"
    if plan.response.approvals.own or command.effect is not EffectClass.CHANGE:
        return ""
    if request is None:
        return "nobody approves their own request here: ask for it, and somebody else approves"
    if request.by in hands:
        return f"{request.by} asked for it, and nobody approves their own request here"
    return ""


# --- Time ----------------------------------------------------------------------------------------


def expire(before: Incident, incident: Incident, at: datetime) -> Moved:
    """Requests whose time is over, also one in whose place somebody has just put another; with the
    incident, all end."""
    over = incident.status.over
    left = {key: one for key, one in incident.requests.items() if not over and at < one.expires_at}
    follows = (
        ()
        if over
        else tuple(
            RequestExpired(at=at, command=key, asked_by=one.by)
            for key, one in before.requests.items()
            if one.expires_at <= at
        )
    )
    if len(left) < len(incident.requests):
        incident = replace(incident, requests=left)
    return Moved(incident=incident, follows=follows)


def next_expiry(incident: Incident) -> datetime | None:
    return min((one.expires_at for one in incident.requests.values()), default=None)


def lapsed(run: Run, at: datetime, access: Mapping[str, Access] | None) -> str:
    """Why an approved run that has not begun must not begin any more; empty: it may. `access` is
    what people may do now; None: not known here."""
    request = run.request
    if request is None or run.status is not RunStatus.PENDING:
        return ""
    if at >= request.expires_at:
        stood = say_duration(request.expires_at - request.approvals[0].at)
        return f"the approval by {request.approvals[0].by} was good for {stood}"
    for approval in request.approvals:
        has = Access.ADMINISTRATOR if access is None else access.get(approval.by)
        if has is None:
            return f"{approval.by}, who approved it, is not known here any more"
        if not has.allows(request.access):
            return f"{approval.by}, who approved it, is a {has} now; it needs a {request.access}"
    return ""


def lapse(incident: Incident, event: ApprovalLapsed, plan: Plan) -> Moved | Refused:
    run = incident.runs.get(event.command)
    if run is None or run.id != event.run or run.status is not RunStatus.PENDING:
        return Refused(reason=f"{event.run} does not wait to begin")
    summary = f"not run: {event.reason}"
    ended = replace(run, status=RunStatus.LAPSED, at=event.at, summary=summary)
    return Moved(incident=replace(incident, runs={**incident.runs, event.command: ended}))
