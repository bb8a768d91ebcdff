"""The initial summary of an incident that is over: what happened, when, what was done about it and
what nobody knows yet. From the record alone; a person reads it before it goes out.

Whoever gets it may have no account here: it stands by itself, and names no host and no command.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from playcall.core import events as ev
from playcall.core import rollback_events as back
from playcall.core import updates, verification
from playcall.core.approval_events import RunApproved
from playcall.core.facts import say_moment
from playcall.core.incident import Incident
from playcall.core.judge import Verdict
from playcall.core.open_questions import open_questions
from playcall.core.plan import EffectClass, Plan, Purpose
from playcall.core.report_facts import Facts, Turn, gather, plain
from playcall.core.report_form import at_latest
from playcall.core.wording import say_duration, say_value

MOST_LINES = 40  # of the timeline
MOST_ACTIONS = 30
LONGEST_LINE = 300
LONGEST_SHORT = 160
_WORDS = {
    Turn.FIRED: "The alert fired",
    Turn.PAGED: "The first page arrived",
    Turn.INVESTIGATED: "Investigation began",
    Turn.CAUSE: "The cause was found",
    Turn.MITIGATED: "The mitigation was applied",
    Turn.RESOLVED: "It was over",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    text: str
    n: int = 0  # its event; 0: none


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    subject: str  # one line, which a text message has room for
    sentence: str
    sections: tuple[Section, ...]
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def plain(self) -> str:
        """As it is sent."""
        parts = [self.sentence]
        for one in self.sections:
            lines = "\n".join(f"- {line.text}" for line in one.lines)
            parts.append(f"{one.title}\n{lines}")
        links = "\n".join(f"{name}: {url}" for name, url in self.links.items())
        return "\n\n".join([*parts, *([links] if links else [])])

    def markdown(self, link: str) -> str:
        """`link`: of the incident's page, on which each event is found."""
        parts = [f"# {plain(self.subject)}", plain(self.sentence)]
        for one in self.sections:
            lines = "\n".join(
                f"- {plain(line.text)}" + (f" ([{line.n}]({link}#event-{line.n}))" * bool(line.n))
                for line in one.lines
            )
            parts.append(f"## {one.title}\n\n{lines}")
        parts += [f"{name}: <{url}>" for name, url in self.links.items()]
        return "\n\n".join(parts) + "\n"


def digest(*parts: str) -> str:
    """Names a text exactly: what was shown is what is sent."""
    return blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


def summarize(
    incident: Incident,
    events: Sequence[ev.Event],
    plan: Plan,
    url: str,
    names: Mapping[str, str] | None = None,
) -> Summary:
    """`names` are people's, by id."""
    facts = gather(events, plan, url)
    known = names or {}
    cause = _cause(facts)
    questions = open_questions(incident, events, plan, facts.pinned, cause)
    title = _title(incident, plan)
    sections = (
        Section(title=f"Timeline ({_zones(facts)})", lines=tuple(_timeline(facts, known))),
        Section(
            title="Actions taken",
            lines=tuple(_actions(facts, known)) or (Line(text="Nothing was changed by Playcall."),),
        ),
        Section(title="What verifies it", lines=tuple(_verified(incident, events, plan))),
        Section(
            title="Questions still open",
            lines=tuple(Line(text=_short(text)) for text in questions)
            or (Line(text="None is on record."),),
        ),
    )
    page = f"{url}/incidents/{incident.id}"
    return Summary(
        subject=_subject(incident, facts, title, cause, len(questions)),
        sentence=_sentence(incident, facts, title, cause),
        sections=sections,
        links={"Incident": page, "Post-mortem": f"{page}/post-mortem"},
    )


def _title(incident: Incident, plan: Plan) -> str:
    """As the public calls it; where there is no public, as the play describes it."""
    policy = plan.response.updates
    if incident.telling.last or plan.status_page or policy.title or policy.titles:
        return updates.title_of(incident, plan)
    play = plan.play(incident.play) if incident.play else None
    symptoms = [c.text for c in play.criteria if c.purpose is Purpose.SYMPTOM] if play else []
    symptoms += [one.text for one in play.symptoms] if play else []
    return _short(symptoms[0], updates.LONGEST_TITLE) if symptoms else "An alert"


def _lasted(facts: Facts) -> str:
    over = facts.times.resolved
    return say_duration(over - facts.times.fired) if over else ""


def _subject(
    incident: Incident, facts: Facts, title: str, cause: str | None, questions: int
) -> str:
    left = f"{questions} question{'s' if questions != 1 else ''} open" if questions else ""
    state = f"over after {lasted}" if (lasted := _lasted(facts)) else "not over yet"
    said = [f"{incident.severity}, {state}"]
    said += [f"cause: {cause}"] if cause else []
    said += [left] if left else []
    return _short(f"Summary of incident {incident.id}: {title}. {'; '.join(said)}", LONGEST_SHORT)


def _sentence(incident: Incident, facts: Facts, title: str, cause: str | None) -> str:
    times = facts.times
    until = ", not over yet"
    if times.resolved:
        until = f" to {say_moment(times.resolved)}, {_lasted(facts)} in all"
    why = f" The cause: {_short(cause)}" if cause else " The cause is not known yet."
    again = f" It came back {incident.reopened} times." if incident.reopened > 1 else ""
    again = " It came back once." if incident.reopened == 1 else again
    return f"{title}: {incident.severity}, from {say_moment(times.fired)}{until}.{again}{why}"


def _cause(facts: Facts) -> str | None:
    """The latest word on it."""
    said = [text for _, text in facts.causes()]
    return " ".join(said[-1].split()) if said else None


def _zones(facts: Facts) -> str:
    return "UTC" if facts.zone.key == "UTC" else f"UTC, {facts.zone.key}"


def _timeline(facts: Facts, names: Mapping[str, str]) -> Iterator[Line]:
    """The turns of the incident, and what people decided and pinned."""
    turns, pinned = facts.turns(), facts.pinned
    turned: dict[int, list[str]] = {}
    for turn, n in turns.items():
        beside = [other for other, its in turns.items() if its == n]
        turned.setdefault(n, []).append(_WORDS[turn] + at_latest(turn, beside))
    found = [(facts.times.fired, Line(text=_WORDS[Turn.FIRED], n=1))]
    for n, event in enumerate(facts.events, 1):
        plainly = (_WORDS[Turn.FIRED], _WORDS[Turn.RESOLVED])  # said in more words
        words = [one for one in turned.get(n, ()) if one not in plainly]
        if isinstance(event, ev.NoteAdded) and n in pinned:
            words.append(event.text)
        elif said := _milestone(event, names):
            words = [said, *words]
        if words:
            found.append((event.at, Line(text="; ".join(words), n=n)))
    found.sort(key=lambda one: one[0])
    half = MOST_LINES // 2
    more = len(found) - MOST_LINES
    if more > 0:
        gap = (found[half][0], Line(text=f"{more} more entries are on record"))
        found = [*found[:half], gap, *found[-half:]]
    for at, line in found:
        yield Line(text=f"{facts.clock(at)} {_short(line.text)}", n=line.n)


def _milestone(event: ev.Event, names: Mapping[str, str]) -> str:
    match event:
        case ev.Acknowledged():
            return f"Acknowledged by {names.get(event.by, event.by)}"
        case ev.SeverityChanged():
            return f"The severity became {event.severity}"
        case ev.TargetMissed():
            return f"Nobody had acknowledged within {say_duration(event.target)}"
        case ev.Decided():
            return f"Decided: {event.outcome}"
        case back.RollbackApproved():
            return f"{names.get(event.by, event.by)} approved the rollback"
        case back.RollbackHalted():
            return "The rollback halted"
        case back.RollbackDone():
            return "The rollback was done"
        case ev.Recovered():
            return "Recovered"
        case ev.Relapsed() | ev.Reopened():
            return "It came back"
        case ev.Resolved():
            unproven = ", not verified by the criteria" if event.unverified else ""
            return f"Resolved by {names.get(event.by, event.by)}{unproven}"
        case _:
            return ""


def _actions(facts: Facts, names: Mapping[str, str]) -> Iterator[Line]:
    """Every run of a change that somebody approved, and what became of it."""
    found = []
    agreed: dict[str, list[str]] = {}
    for n, event in enumerate(facts.events, 1):
        if isinstance(event, RunApproved):
            agreed.setdefault(event.command, []).append(names.get(event.by, event.by))
        elif isinstance(event, ev.CommandFinished | ev.CommandInterrupted):
            play = facts.play.alert if facts.play else None
            command = facts.plan.command(play, event.command)
            who = agreed.pop(event.command, None)
            if command is None or command.effect is not EffectClass.CHANGE or not who:
                continue
            ended = event.status if isinstance(event, ev.CommandFinished) else "outcome unknown"
            said = f"{command.title}, approved by {' and '.join(dict.fromkeys(who))}: {ended}"
            found.append(Line(text=f"{facts.clock(event.at)} {_short(said)}", n=n))
    more = len(found) - MOST_ACTIONS
    if more > 0:
        yield Line(text=f"{more} earlier ones are on record")
    yield from found[-MOST_ACTIONS:]


def _verified(incident: Incident, events: Sequence[ev.Event], plan: Plan) -> Iterator[Line]:
    """How each criterion stood when it was looked at last."""
    for one in verification.recovery_criteria(incident, plan):
        reading = incident.readings.get(one.id)
        value = reading.value if reading else None
        shown = f" ({say_value(value, one.unit)})" if value is not None else ""
        if reading is not None and reading.verdict is Verdict.HOLDS:
            held = f"held for {say_duration(one.holds_for)}" if one.holds_for else "is so"
            yield Line(text=f'"{one.text}" {held}{shown}')
        else:
            yield Line(text=f'"{one.text}" is not proven{shown}')
    ends = [event for event in events if isinstance(event, ev.Resolved)]
    if ends and ends[-1].unverified:
        yield Line(text="It was resolved by a person's word, without this proof.")
    elif incident.owed.stable:
        yield Line(text="Its alerts cleared, and the criteria held.")
    elif not verification.recovery_criteria(incident, plan):
        yield Line(text="A person's word: nothing in the playbook measures it.")


def _short(text: str, longest: int = LONGEST_LINE) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"
