"""What a play does not verify, and limits that what was measured contradicts."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from statistics import median

from playcall.core import events as ev
from playcall.core.alert_rule import Limit, Rule, limit_of
from playcall.core.compiler.criteria import read_claim
from playcall.core.insights import Record, changes
from playcall.core.judge import Verdict, satisfies
from playcall.core.plan import Comparison, Criterion, EffectClass, Phase, Plan, Play, Purpose, Step
from playcall.core.proposals.values import (
    SEVERAL,
    Document,
    Edit,
    Evidence,
    Expected,
    Kind,
    Proposal,
    Records,
    count,
    numbered,
)
from playcall.core.wording import say_duration, say_value

NOISE_IN = 5  # incidents at least, of which this share came to nothing
NOISE = 0.8
_USUAL = timedelta(minutes=5)  # a recovery has to hold, where the document never says how long
_OTHER_SIDE = {
    Comparison.BELOW: Comparison.AT_LEAST,
    Comparison.AT_MOST: Comparison.ABOVE,
    Comparison.ABOVE: Comparison.AT_MOST,
    Comparison.AT_LEAST: Comparison.BELOW,
}
_NUMBERED = re.compile(r"^(?P<indent>\s*)(?P<number>\d+)(?P<mark>[.)]\s+)(?P<strong>\**)")
_FENCE = re.compile(r"^\s*(?:```+|~~~+)\s*$")


# --- nothing tells whether a change helped --------------------------------------------------------


def missing_verifications(document: Document, records: Records) -> Iterator[Proposal]:
    for play in document.plan.plays:
        if any(one.purpose is Purpose.RECOVERY for one in play.criteria):
            continue
        told = [
            one
            for one in document.problems
            if one.code in ("PC411", "PC401", "PC419") and play.alert in one.what.split()
        ]
        evidence = tuple(_changed(records.get(play.alert, ())))
        if not told or not evidence:
            continue
        edit, expected = _verification(document, play)
        reason = (
            f"{play.alert} was answered with changes in"
            f" {count(len({one.incident for one in evidence}), 'incident')}, and nothing in the"
            f" play verifies that they helped ({told[0].code})."
        )
        yield Proposal(
            kind=Kind.VERIFICATION,
            play=play.alert,
            line=edit.line if edit else play.line,
            reason=reason,
            otherwise="Say what must be measured, and for how long, before it is over.",
            evidence=evidence,
            edit=edit,
            expected=expected,
        )


def _changed(records: Sequence[Record]) -> Iterator[Evidence]:
    """The last change that succeeded in each incident."""
    for record in records:
        if made := changes(record):
            number = max(
                number
                for number, event in numbered(record)
                if isinstance(event, ev.CommandFinished) and event.command == made[-1]
            )
            what = f"{made[-1]} succeeded, and no criterion of recovery was there to hold"
            yield Evidence(incident=record.incident.id, event=number, what=what)


def _verification(document: Document, play: Play) -> tuple[Edit | None, Expected | None]:
    """A last step in the style of the document's own, from the criterion that calls the play."""
    symptom = next(
        (one for one in play.criteria if one.query and one.purpose is Purpose.SYMPTOM), None
    )
    phase, step = _last(play)
    claim = read_claim(symptom.text) if symptom else None
    head = _NUMBERED.match(document.lines[step.line - 1]) if step else None
    if symptom is None or claim is None or phase is None or step is None or head is None:
        return None, None
    sign = _OTHER_SIDE[claim.comparison].value
    lasts = say_duration(_window(document.plan, symptom)).replace(" min", " minutes")
    subject = claim.subject.strip()
    subject = subject if subject[:2].isupper() or subject[1:2].isdigit() else _small(subject)
    mark = f"{int(head['number']) + 1}{head['mark']}"
    strong = "**" if head["strong"] else ""
    new = (
        "",
        f"{head['indent']}{mark}{strong}Verify Recovery{strong}",
        f"{head['indent']}{' ' * len(mark)}- Verify {subject} {sign}{claim.written} for {lasts}",
    )
    after = _end_of(document.lines, step)
    path = document.path_of(play)
    steps = f"{path}.phases.{play.phases.index(phase)}.steps.{len(phase.steps)}"
    expected = Expected(
        changes=(f"{path}.criteria.{len(play.criteria)}", steps),
        mends=(("PC411", f"{play.alert} does not say when it is over."),),
        values=(
            (f"{path}.criteria.{len(play.criteria)}.purpose", Purpose.RECOVERY),
            (f"{path}.criteria.{len(play.criteria)}.query", symptom.query),
            (f"{path}.criteria.{len(play.criteria)}.threshold", symptom.threshold),
        ),
    )
    what = "Asks, as the last step, for the sound side of the alert's own limit."
    return Edit(line=after + 1, old=(), new=new, what=what), expected


def _small(subject: str) -> str:
    return subject[:1].lower() + subject[1:]


def _window(plan: Plan, symptom: Criterion) -> timedelta:
    """As long as the document's other plays say, where they agree."""
    said = {
        one.holds_for
        for play in plan.plays
        for one in play.criteria
        if one.purpose is Purpose.RECOVERY and one.holds_for
    }
    return said.pop() if len(said) == 1 else symptom.holds_for or _USUAL


def _last(play: Play) -> tuple[Phase | None, Step | None]:
    phases = [phase for phase in play.phases if phase.steps]
    return (phases[-1], phases[-1].steps[-1]) if phases else (None, None)


def _end_of(lines: Sequence[str], step: Step) -> int:
    """The last line of a step: of its last block, with the mark that closes it."""
    ends = [
        step.line,
        *(one.last_line for one in step.commands),
        *(m.last_line for m in step.materials),
    ]
    ends += [one.line for one in step.checks]
    end = max(ends)
    while end < len(lines) and lines[end].strip():
        end += 1
        if _FENCE.match(lines[end - 1]):
            break
    return end


# --- limits ---------------------------------------------------------------------------------------


def contradicted(document: Document, records: Records) -> Iterator[Proposal]:
    for play in document.plan.plays:
        some = [one for one in records.get(play.alert, ()) if one.incident.status.over]
        if len(some) < SEVERAL:
            continue
        yield from _by_rule(document, play, some)
        yield from _never_reached(play, some)
        yield from _noise(play, some)
        yield from _never_met(play, some)


def _by_rule(document: Document, play: Play, some: Sequence[Record]) -> Iterator[Proposal]:
    """The alert fires by another limit than the one that the play names."""
    rules = [one for one in document.rules if one.alert == play.alert]
    if len(rules) != 1 or (limit := limit_of(rules[0])) is None:
        return
    for at, criterion in enumerate(play.criteria):
        if not _speaks_of(criterion, limit) or criterion.threshold == limit.number:
            continue
        says, fires = _say(criterion, criterion.threshold), _say(criterion, limit.number)
        edit, expected = _other_limit(document, play, at, limit.number)
        yield Proposal(
            kind=Kind.THRESHOLD,
            play=play.alert,
            line=criterion.line,
            reason=f"The play says {criterion.comparison}{says}, and the rule that fires"
            f" {play.alert} (line {rules[0].line} of the rules) says {limit.comparison}{fires};"
            f" it fired in {count(len(some), 'incident')}.",
            otherwise="Let the play and the rule say the same.",
            evidence=tuple(_opened(one, rules[0]) for one in some),
            edit=edit,
            expected=expected,
        )


def _speaks_of(criterion: Criterion, limit: Limit) -> bool:
    same = "".join(limit.query.split()) == "".join((criterion.query or "").split())
    upward = (Comparison.ABOVE, Comparison.AT_LEAST)
    way = (criterion.comparison in upward) == (limit.comparison in upward)
    return criterion.purpose is Purpose.SYMPTOM and same and way


def _opened(record: Record, rule: Rule) -> Evidence:
    return Evidence(incident=record.incident.id, event=1, what=f"opened by {rule.alert}")


def _other_limit(
    document: Document, play: Play, at: int, number: float
) -> tuple[Edit | None, Expected | None]:
    criterion = play.criteria[at]
    claim = read_claim(criterion.text)
    old = document.lines[criterion.line - 1]
    if (
        claim is None
        or not claim.number
        or not criterion.threshold
        or old.count(criterion.written) != 1
    ):
        return None, None
    scale = criterion.threshold / claim.number
    unit = criterion.written.removeprefix(re.split(r"[^\d.,]", criterion.written)[0])
    written = f"{float(f'{number / scale:.6g}'):g}{unit}"
    path = document.path_of(play)
    symptom = next((n for n, one in enumerate(play.symptoms) if one.line == criterion.line), -1)
    there = f"{path}.criteria.{at}"
    expected = Expected(
        changes=(
            f"{there}.text",
            f"{there}.threshold",
            f"{there}.written",
            f"{path}.symptoms.{symptom}",
        ),
        values=((f"{there}.threshold", number), (f"{there}.query", criterion.query)),
    )
    new = old.replace(criterion.written, written)
    what = "Says the limit that the rule has."
    return Edit(line=criterion.line, old=(old,), new=(new,), what=what), expected


def _never_reached(play: Play, some: Sequence[Record]) -> Iterator[Proposal]:
    """People called it over each time, and each time the criterion was still broken."""
    for criterion in play.criteria:
        if criterion.purpose is not Purpose.RECOVERY or criterion.query is None:
            continue
        found = [(one, value) for one in some if (value := _short_of(one, criterion)) is not None]
        if len(found) < len(some):
            continue
        values = sorted(value for _, value in found)
        middle = _say(criterion, median(values))
        span = f"{_say(criterion, values[0])} to {_say(criterion, values[-1])}"
        yield Proposal(
            kind=Kind.THRESHOLD,
            play=play.alert,
            line=criterion.line,
            reason=f"It is over at {criterion.comparison}{criterion.written}, and in none of"
            f" {count(len(some), 'incident')} that people resolved was that reached: it was {span}"
            f" (median {middle}) when they did.",
            otherwise="Name a limit that the service can reach, or mend the service.",
            evidence=tuple(_unverified(one, _say(criterion, value)) for one, value in found),
        )


def _short_of(record: Record, criterion: Criterion) -> float | None:
    """The value at which people resolved, when it was not good; None otherwise."""
    same = record.plan.play(record.incident.play or "")
    then = same.criterion(criterion.id) if same else None
    if then is None or (then.query, then.threshold) != (criterion.query, criterion.threshold):
        return None
    if any(isinstance(event, ev.Recovered) for event in record.events):
        return None
    ends = [event for event in record.events if isinstance(event, ev.Resolved)]
    reading = record.incident.readings.get(criterion.id)
    if not ends or not ends[-1].unverified or reading is None or reading.value is None:
        return None
    good = satisfies(reading.value, criterion.comparison, criterion.threshold)
    return None if good or reading.verdict is not Verdict.BROKEN else reading.value


def _unverified(record: Record, value: str) -> Evidence:
    at = max(n for n, event in numbered(record) if isinstance(event, ev.Resolved))
    return Evidence(incident=record.incident.id, event=at, what=f"resolved unverified at {value}")


def _noise(play: Play, some: Sequence[Record]) -> Iterator[Proposal]:
    """The alert mostly comes to nothing: no change succeeded, and it did not come back. A play
    that changes nothing proves nothing by that."""
    if not any(one.effect is EffectClass.CHANGE for one in play.commands()):
        return
    quiet = [
        one
        for one in some
        if not changes(one) and not any(isinstance(event, ev.Reopened) for event in one.events)
    ]
    if len(some) < NOISE_IN or len(quiet) < NOISE * len(some):
        return
    pages = sum(isinstance(event, ev.PageDelivered) for one in quiet for event in one.events)
    symptom = next((one for one in play.criteria if one.purpose is Purpose.SYMPTOM), None)
    yield Proposal(
        kind=Kind.THRESHOLD,
        play=play.alert,
        line=symptom.line if symptom else play.line,
        reason=f"{play.alert} came to nothing in {len(quiet)} of {count(len(some), 'incident')}:"
        f" nobody changed anything, and it stayed away; {count(pages, 'page')} went out for that.",
        otherwise="Raise its limit, lower its severity, or drop the alert.",
        evidence=tuple(
            Evidence(incident=one.incident.id, event=0, what="nothing was changed") for one in quiet
        ),
    )


def _never_met(play: Play, some: Sequence[Record]) -> Iterator[Proposal]:
    """Nobody ever acknowledged within the response time."""
    missed = [
        (one, n, event)
        for one in some
        for n, event in numbered(one)
        if isinstance(event, ev.TargetMissed)
    ]
    late = {one.incident.id for one, _, _ in missed}
    if len(late) < len(some):
        return
    target = missed[-1][2].target
    took = sorted(
        (event.at - one.incident.fired_at).total_seconds()
        for one in some
        for event in one.events
        if isinstance(event, ev.Acknowledged)
    )
    first = (
        f"; those who did needed {say_duration(timedelta(seconds=median(took)))} (median)"
        if took
        else ""
    )
    yield Proposal(
        kind=Kind.TARGET,
        play=play.alert,
        line=play.line,
        reason=f"In none of {count(len(some), 'incident')} did anybody acknowledge within"
        f" {say_duration(target)}{first}.",
        otherwise="Allow the time that people need, or page them sooner.",
        evidence=tuple(
            Evidence(incident=one.incident.id, event=n, what="the response time was missed")
            for one, n, _ in missed
        ),
    )


def _say(criterion: Criterion, value: float) -> str:
    return say_value(value, criterion.unit)
