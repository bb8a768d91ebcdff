"""Who is next, and when: the document's escalation path, read together with its severities.

The severity says how hard to knock, the path says who is next, the play's own line overrides both.
The path is climbed in rounds: it starts over after its last rung until somebody acknowledges.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from playcall.core.effects import Effect, Moved, Page, Refused, Tell
from playcall.core.events import PageLost, QuietEnded, QuietShortened, RungClimbed
from playcall.core.incident import Climb, Incident, Status
from playcall.core.judge import Verdict
from playcall.core.people import first_roles, play_roles
from playcall.core.plan import Plan, Play, Purpose, Rung, RungCondition, Severity, Wake
from playcall.core.wording import say_duration


def ladder_start(plan: Plan, fired_at: datetime, opened_at: datetime) -> datetime:
    """From when the rungs count: the alert's start, as the document says; the opening when the
    alert reached us so late that more than one rung would be due at once, or when its start lies in
    the future, since somebody's clock is wrong and a page must not wait for it."""
    delays = [rung.after for rung in plan.rungs if rung.after]
    late = bool(delays) and opened_at - fired_at > min(delays)
    return opened_at if late else min(fired_at, opened_at)


def opening(plan: Plan, play: Play | None, severity: str) -> tuple[Effect, ...]:
    """Who hears of it at once beside the first rung: the play's own team, or, for a severity that
    wakes nobody, the first rung, told and not paged. What is only to be recorded tells nobody."""
    if wake(plan, severity) is Wake.NO:
        if only_recorded(plan, play, severity):
            return ()
        return tuple(Tell(role=role, reason="fired") for role in first_roles(plan))
    if wake(plan, severity) is Wake.IF_PERSISTENT or not play or not play.escalation:
        return ()
    if play.escalation.after:
        return ()
    return tuple(
        Page(role=role, rung=None, reason=play.escalation.text, until_acknowledged=True)
        for role in play_roles(plan, play)
    )


def climb(incident: Incident, plan: Plan, at: datetime) -> Moved:
    """End a quiet that is over, start a new round that is due, climb every rung that is due and
    whose condition holds."""
    moved = _end_quiet(incident, plan, at)
    incident, effects, follows = moved.incident, moved.effects, moved.follows
    if is_quiet(incident, at):
        return moved
    again = restart_at(incident, plan)
    if again is not None and again <= at:
        late = at - again > _first_delay(plan)  # nobody was here: one round, from now
        start = at if late else again
        incident = _fresh_round(incident, start)
    incident, owed = _page_put_off(incident, plan, at)
    effects += owed
    for index, rung in enumerate(ladder(plan)):
        due = rung_due(incident, plan, index)
        if index in incident.climbed or due is None or due > at:
            continue
        if not _condition(incident, plan, rung):
            continue
        incident = replace(
            incident,
            climbed=(*incident.climbed, index),
            last_climb=Climb(rung=index, at=at, by=None),
        )
        reason = _reason(incident, plan, rung)
        effects += tuple(_knock(incident, plan, role, index, reason) for role in rung.roles)
        follows += (
            RungClimbed(at=at, rung=index, round=incident.round, roles=rung.roles, reason=reason),
        )
    return Moved(incident=incident, effects=effects, follows=follows)


def _knock(incident: Incident, plan: Plan, role: str, rung: int, reason: str) -> Effect:
    if wake(plan, incident.severity) is Wake.NO:
        return Tell(role=role, reason=reason)
    until = _ends_when_heard(ladder(plan)[rung])
    return Page(role=role, rung=rung, reason=reason, until_acknowledged=until)


def _ends_when_heard(rung: Rung) -> bool:
    """Whether its page is for somebody to acknowledge, and for nothing else."""
    first = rung.condition is RungCondition.ALWAYS and not rung.after
    return first or rung.condition is RungCondition.NO_ACK


def at_once(plan: Plan) -> tuple[int, ...]:
    """The rungs that are due as soon as an incident opens."""
    return tuple(
        index
        for index, rung in enumerate(ladder(plan))
        if rung.condition is RungCondition.ALWAYS and not rung.after
    )


def page_first(plan: Plan, reason: str) -> tuple[Effect, ...]:
    """The first rung, until somebody has it."""
    return tuple(
        Page(role=role, rung=0, reason=reason, until_acknowledged=True)
        for role in first_roles(plan)
    )


def _page_put_off(
    incident: Incident, plan: Plan, at: datetime
) -> tuple[Incident, tuple[Effect, ...]]:
    """What was put off is sent when its time has come, unless somebody has it by then."""
    waiting = incident.put_off
    if waiting is None or incident.status.over:
        return incident, ()
    if incident.acknowledged_by:
        return replace(incident, put_off=None), ()
    if waiting.due > at or incident.status is not Status.OPEN:
        return incident, ()
    sent = replace(incident, put_off=None, given_back_at=at)
    return sent, page_first(plan, waiting.reason)


def next_at(incident: Incident, plan: Plan, at: datetime) -> datetime | None:
    """When something of the path is due after `at`. A rung that is overdue because its condition
    does not hold needs no timer: it is looked at again with every event. Neither does an incident
    that recovered: a relapse is an event."""
    if incident.status is Status.RECOVERED:
        return None
    if incident.quiet and is_quiet(incident, at):
        return incident.quiet.until if incident.quiet.until > at else None
    dues = [
        rung_due(incident, plan, index)
        for index, _ in enumerate(ladder(plan))
        if index not in incident.climbed
    ]
    dues.append(restart_at(incident, plan))
    dues.append(incident.put_off.due if incident.put_off else None)
    return min((due for due in dues if due is not None and due > at), default=None)


def next_rung(incident: Incident, plan: Plan, at: datetime) -> tuple[datetime, Rung] | None:
    """The rung that is climbed next if nothing changes, and when; None when there is none."""
    if is_quiet(incident, at):
        return None
    following = [
        (due, rung)
        for index, rung in enumerate(ladder(plan))
        if index not in incident.climbed
        and (due := rung_due(incident, plan, index)) is not None
        and due > at
        and _condition(incident, plan, rung)
    ]
    again = restart_at(incident, plan)
    if not following and again is not None and again > at:
        return again, ladder(plan)[0]
    return min(following, key=lambda pair: pair[0], default=None)


def restart_at(incident: Incident, plan: Plan) -> datetime | None:
    """When the path starts over, since nobody has acknowledged; None when it does not."""
    if incident.status is not Status.OPEN or incident.acknowledged_by:
        return None
    if wake(plan, incident.severity) is Wake.NO:
        return None
    dues = [rung_due(incident, plan, index) for index, _ in enumerate(ladder(plan))]
    last = max(due for due in dues if due is not None)
    return last + plan.response.repeat_after


def ladder(plan: Plan) -> tuple[Rung, ...]:
    return plan.rungs or tuple(
        Rung(
            roles=(role,),
            means="Page",
            after=timedelta(),
            condition=RungCondition.ALWAYS,
            line=0,
        )
        for role in first_roles(plan)
    )


def rung_due(incident: Incident, plan: Plan, index: int) -> datetime | None:
    """When a rung is due, whatever its condition; None when it is never climbed.

    A severity that wakes nobody climbs a single rung, the second, after its escalation delay: it is
    told, not woken. One that wakes 'if persistent' begins to climb after that delay.
    """
    rung = ladder(plan)[index]
    unheard = rung.condition is RungCondition.NO_ACK
    start = incident.unheard_from if unheard else incident.ladder_from
    patience = _patience(incident, plan)
    match wake(plan, incident.severity):
        case Wake.NO:
            second = min(1, len(ladder(plan)) - 1)
            if index != second or patience is None:
                return None
            return incident.ladder_from + patience
        case Wake.IF_PERSISTENT:
            return start + rung.after + (patience or timedelta())
        case Wake.YES:
            return start + rung.after


def wake(plan: Plan, severity: str) -> Wake:
    """A severity that the document does not know wakes: if in doubt, the higher one."""
    row = plan.severity(severity)
    return row.wake if row else Wake.YES


def sla_violated(incident: Incident, plan: Plan) -> bool:
    """Whether a criterion of the play is broken now. Where nothing could be measured, the alert's
    own word counts."""
    play = plan.play(incident.play) if incident.play else None
    known = False
    for criterion in play.criteria if play else ():
        reading = incident.readings.get(criterion.id)
        if criterion.purpose is Purpose.QUESTION:
            continue
        if reading is None or reading.verdict is Verdict.UNKNOWN:
            continue
        known = True
        met = reading.verdict in (Verdict.HOLDS, Verdict.HOLDING)
        if met == (criterion.purpose is Purpose.SYMPTOM):
            return True
    return not known and incident.firing


def is_quiet(incident: Incident, at: datetime) -> bool:
    """Whether pages are held. What fired and cleared during maintenance wakes nobody at its end; it
    does when it fires again."""
    quiet = incident.quiet
    if quiet is None:
        return False
    return at < quiet.until or not (quiet.snoozed or incident.firing)


def is_page_due(incident: Incident, plan: Plan, at: datetime) -> bool:
    """Whether somebody should have been woken by now, and nobody has heard."""
    return (
        incident.status is Status.OPEN
        and incident.acknowledged_by is None
        and bool(incident.climbed)
        and not is_quiet(incident, at)
        and wake(plan, incident.severity) is not Wake.NO
    )


def page_again(incident: Incident, event: PageLost, plan: Plan) -> Moved | Refused:
    """Knock at the first rung once more, once a round."""
    if event.round != incident.round or incident.page_lost_in == incident.round:
        return Refused(reason=f"round {event.round} is over, or its pages were sent again already")
    if not is_page_due(incident, plan, event.at):
        return Refused(reason="nobody is to be woken now")
    reason = "no page was delivered"
    pages = page_first(plan, reason)
    return Moved(incident=replace(incident, page_lost_in=incident.round), effects=pages)


def shorten_quiet(incident: Incident, event: QuietShortened, plan: Plan) -> Moved | Refused:
    """It never lasts longer for that, and a snooze is a person's."""
    quiet = incident.quiet
    if quiet is None or quiet.snoozed or event.until >= quiet.until:
        return Refused(reason="no maintenance holds its pages for as long as that")
    return Moved(incident=replace(incident, quiet=replace(quiet, until=event.until)))


def end_quiet(incident: Incident, event: QuietEnded, plan: Plan) -> Moved:
    """Maintenance that does not cover what fires holds no pages. What ended by the clock is only
    put on record."""
    if incident.quiet is None or incident.status.over:
        return Moved(incident=incident)
    return _release(incident, plan, event.at)


def _end_quiet(incident: Incident, plan: Plan, at: datetime) -> Moved:
    if incident.quiet is None or is_quiet(incident, at) or incident.status.over:
        return Moved(incident=incident)
    moved = _release(incident, plan, at)
    return replace(moved, follows=(QuietEnded(at=at, reason=incident.quiet.reason),))


def _release(incident: Incident, plan: Plan, at: datetime) -> Moved:
    status = Status.OPEN if incident.status is Status.ACKNOWLEDGED else incident.status
    incident = replace(
        _fresh_round(incident, at),
        quiet=None,
        status=status,
        acknowledged_by=None,
        acknowledged_at=None,
        round=1 if incident.round == 1 and not incident.climbed else incident.round + 1,
    )
    play = plan.play(incident.play) if incident.play else None
    effects = opening(plan, play, incident.severity) if status is Status.OPEN else ()
    return Moved(incident=incident, effects=effects)


def begin_anew(incident: Incident, at: datetime) -> Incident:
    """The path of another way to knock begins now: nobody was woken by the earlier one, so that the
    whole path is not climbed at once."""
    return replace(incident, ladder_from=at, unheard_from=at, climbed=())


def _fresh_round(incident: Incident, start: datetime) -> Incident:
    return replace(
        incident,
        ladder_from=start,
        unheard_from=start,
        climbed=(),
        last_climb=None,
        put_off=None,
        round=incident.round + 1,
    )


def _first_delay(plan: Plan) -> timedelta:
    delays = [rung.after for rung in plan.rungs if rung.after]
    return min(delays, default=plan.response.repeat_after)


def _patience(incident: Incident, plan: Plan) -> timedelta | None:
    """How long a severity waits before it escalates: the play's own line, else the table's."""
    play = plan.play(incident.play) if incident.play else None
    if play and play.escalation and play.escalation.after:
        return play.escalation.after
    row = plan.severity(incident.severity)
    return row.escalate_after if row else None


def only_recorded(plan: Plan, play: Play | None, severity: str) -> bool:
    """'Best effort' with no escalation is a record for later."""
    row: Severity | None = plan.severity(severity)
    asked = play is not None and (play.respond_within or play.escalation)
    return row is not None and not asked and not row.respond_within and row.escalate_after is None


def _condition(incident: Incident, plan: Plan, rung: Rung) -> bool:
    if incident.status.over or incident.status is Status.RECOVERED:
        return False
    if wake(plan, incident.severity) is Wake.NO:
        return True
    persists = incident.firing or bool(incident.climbed)
    if wake(plan, incident.severity) is Wake.IF_PERSISTENT and not persists:
        return False
    match rung.condition:
        case RungCondition.ALWAYS | RungCondition.NO_RESOLUTION:
            return True
        case RungCondition.NO_ACK:
            return incident.acknowledged_by is None
        case RungCondition.CRITICAL:
            return _is_highest(incident, plan)
        case RungCondition.SLA_VIOLATION:
            return sla_violated(incident, plan)


def _is_highest(incident: Incident, plan: Plan) -> bool:
    """'critical' is said of the document's first severity, whatever it is called there."""
    row = plan.severity(incident.severity)
    if row is None or not plan.severities:
        return incident.severity.upper() == "CRITICAL"
    return row == (plan.severity("CRITICAL") or plan.severities[0])


def _reason(incident: Incident, plan: Plan, rung: Rung) -> str:
    again = f", round {incident.round}" if incident.round > 1 else ""
    if wake(plan, incident.severity) is Wake.NO:
        return f"not resolved after {say_duration(_patience(incident, plan) or timedelta())}"
    if not rung.after:
        return f"fired{again}"
    always = rung.condition is RungCondition.ALWAYS
    condition = RungCondition.NO_RESOLUTION if always else rung.condition
    return f"{condition} after {say_duration(rung.after)}{again}"
