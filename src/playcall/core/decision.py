"""Walking a decision tree: which question is next, and what an answer leads to.

A question's id is its step's number, then, for each answer on the way, the answer's and the
question's index: "6", "6.1.0". Several questions below one answer are asked in the order written;
an answer that leads to a rollback ends the walk, since nothing is left to decide after it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from playcall.core.commands import look_again
from playcall.core.effects import Effect, Moved, Refused, Tell
from playcall.core.events import Decided, MetricRead, PartTaken, QuestionAnswered
from playcall.core.incident import Given, Incident, Part
from playcall.core.judge import Verdict
from playcall.core.people import engaged
from playcall.core.plan import Answer, Plan, Play, Question, Step

YES = ("yes", "y", "true", "ja", "oui", "si")
NO = ("no", "n", "false", "nein", "non")
_WORD = re.compile(r"[a-z]{3,}")
_BACK = re.compile(r"\broll(ing)?[ -]?back\b", re.IGNORECASE)
_ORDINAL = re.compile(r"^(option|path|plan|variant)\s+\w+\s*[:.)-]?\s*", re.IGNORECASE)


class Lead(StrEnum):
    """What an outcome starts."""

    DIAGNOSE = "continue diagnostics"  # what only looks is run again
    OPTION = "option"  # commands under the guard that it names wait for approval
    ROLLBACK = "rollback"  # the play's rollback and the document's wait for approval
    PERSON = "person"  # told to people; nothing of the document goes by that name


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question that waits for its answer."""

    id: str
    question: Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """An outcome that the answers lead to, and the commands of the play behind it."""

    outcome: str
    lead: Lead
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """Where a tree stands: the question to ask now, if any, and the outcomes so far."""

    asked: Asked | None
    reached: tuple[Reached, ...]


def trees(play: Play | None) -> Iterator[Step]:
    for phase in play.phases if play else ():
        yield from (step for step in phase.steps if step.decision is not None)


def walk(step: Step, play: Play, answers: Mapping[str, Given]) -> Walk:
    """Follow the answers given from the tree's first question."""
    if step.decision is None:
        return Walk(asked=None, reached=())
    return _follow(((step.key, step.decision),), play, answers)


def _follow(
    questions: tuple[tuple[str, Question], ...], play: Play, answers: Mapping[str, Given]
) -> Walk:
    reached: tuple[Reached, ...] = ()
    for key, question in questions:
        given = answers.get(key)
        found = _answer(question, given.answer) if given else None
        if found is None:
            return Walk(asked=Asked(id=key, question=question), reached=reached)
        index, answer = found
        if answer.outcome:
            reached += (lead_of(answer.outcome, play),)
            if reached[-1].lead is Lead.ROLLBACK:
                break
        below = _follow(_below(key, index, answer), play, answers)
        reached += below.reached
        rolled_back = any(one.lead is Lead.ROLLBACK for one in below.reached)
        if below.asked or rolled_back:
            return Walk(asked=below.asked, reached=reached)
    return Walk(asked=None, reached=reached)


def _below(key: str, index: int, answer: Answer) -> tuple[tuple[str, Question], ...]:
    return tuple((f"{key}.{index}.{n}", question) for n, question in enumerate(answer.questions))


def _answer(question: Question, label: str) -> tuple[int, Answer] | None:
    wanted = label.strip().casefold()
    for index, answer in enumerate(question.answers):
        if answer.label.strip().casefold() == wanted:
            return index, answer
    return None


def find_question(play: Play | None, key: str) -> Question | None:
    """By its id, whether or not it can be reached."""
    for step in trees(play):
        for found, question in _all(step.key, step.decision):
            if found == key:
                return question
    return None


def _all(key: str, question: Question | None) -> Iterator[tuple[str, Question]]:
    if question is None:
        return
    yield key, question
    for index, answer in enumerate(question.answers):
        for below, child in _below(key, index, answer):
            yield from _all(below, child)


def lead_of(outcome: str, play: Play) -> Reached:
    """What an outcome starts, by the words that it shares with the play's options."""
    words = set(_WORD.findall(outcome.lower()))
    if "diagnostics" in words or words & {"investigate", "investigating", "diagnose"}:
        return Reached(outcome=outcome, lead=Lead.DIAGNOSE, commands=())
    back = bool(_BACK.search(outcome))
    lead = Lead.ROLLBACK if back else Lead.OPTION
    wanted = {"rollback"} if back else words
    commands = tuple(
        command.id
        for command in play.commands()
        if command.guard
        and command.guard.kind == "option"
        and _share(wanted, _ORDINAL.sub("", command.guard.text))
    )
    if not commands and not back:
        return Reached(outcome=outcome, lead=Lead.PERSON, commands=())
    return Reached(outcome=outcome, lead=lead, commands=commands)


def rollback_of(play: Play) -> tuple[str, ...]:
    """The commands of the option, phases and steps that are called a rollback."""
    named = tuple(
        command.id
        for phase in play.phases
        for step in phase.steps
        if _BACK.search(f"{phase.title}\n{step.title}")
        for command in step.commands
    )
    return (*lead_of("rollback", play).commands, *named)


def _share(words: set[str], option: str) -> bool:
    """'Apply fix' names the option 'Hotfix': one word may be the end of the other."""
    named = set(_WORD.findall(option.lower().replace("roll back", "rollback")))
    return any(word.endswith(other) or other.endswith(word) for word in words for other in named)


# --- Events ------------------------------------------------------------------------------------


def answer_question(incident: Incident, event: QuestionAnswered, plan: Plan) -> Moved | Refused:
    """Answered by the incident commander; who answers while nobody is, becomes it."""
    play = plan.play(incident.play) if incident.play else None
    question = find_question(play, event.question)
    if play is None or question is None:
        return Refused(reason=f"the play has no question {event.question}")
    found = _answer(question, event.answer)
    if found is None:
        labels = ", ".join(answer.label for answer in question.answers)
        return Refused(reason=f'"{question.text}" is answered with {labels}, not "{event.answer}"')
    commanders = incident.roles.get(Part.COMMANDER, ())
    if commanders and event.by not in commanders and not event.measured:
        return Refused(reason=f"{commanders[0]} is incident commander; take command first")
    step = next(step for step in trees(play) if event.question.split(".")[0] == step.key)
    if _unreached(step, play, incident.answers, event.question):
        return Refused(reason=f'"{question.text}" is not asked on the way that was taken')
    before = walk(step, play, incident.answers)
    kept = {
        key: given
        for key, given in incident.answers.items()
        if not key.startswith(f"{event.question}.")
    }
    given = Given(answer=found[1].label, by=event.by, at=event.at, measured=event.measured)
    incident = replace(incident, answers={**kept, event.question: given})
    after = walk(step, play, incident.answers)
    read = _by_reading(incident, play, event)
    new = tuple(one for one in after.reached if one not in before.reached)
    moved = _lead_on(incident, plan, play, new, event)
    if not commanders and not event.measured:
        taken = PartTaken(at=event.at, by=event.by, part=Part.COMMANDER, person=event.by)
        moved = replace(moved, follows=(taken, *moved.follows))
    return replace(moved, follows=(*moved.follows, *read))


def _by_reading(
    incident: Incident, play: Play, event: QuestionAnswered
) -> tuple[QuestionAnswered, ...]:
    """The question that is asked next may have been measured before it was asked."""
    found: list[QuestionAnswered] = []
    for key, judgement in incident.readings.items():
        found += _measured(
            incident, play, MetricRead(at=event.at, criterion=key, judgement=judgement)
        )
    return tuple(found)


def _unreached(step: Step, play: Play, answers: Mapping[str, Given], key: str) -> bool:
    asked = walk(step, play, answers).asked
    return key not in answers and (asked is None or asked.id != key)


def _lead_on(
    incident: Incident,
    plan: Plan,
    play: Play,
    reached: tuple[Reached, ...],
    event: QuestionAnswered,
) -> Moved:
    effects: tuple[Effect, ...] = ()
    follows: tuple[Decided, ...] = ()
    for one in reached:
        commands = one.commands
        if one.lead is Lead.DIAGNOSE:
            incident, started = look_again(incident, plan, event.at)
            effects += started
            commands = tuple(effect.command for effect in started)
        waiting = f"; to approve: {', '.join(commands)}" if one.commands else ""
        told = f"decided: {one.outcome}{waiting}"
        effects += tuple(Tell(role=role, reason=told) for role in engaged(incident, plan))
        follows += (Decided(at=event.at, outcome=one.outcome, commands=commands),)
    return Moved(incident=incident, effects=effects, follows=follows)


def measured(incident: Incident, event: MetricRead, plan: Plan) -> tuple[QuestionAnswered, ...]:
    """The answer that a reading gives to the question that is asked now, if it is about it."""
    play = plan.play(incident.play) if incident.play else None
    return _measured(incident, play, event) if play else ()


def _measured(incident: Incident, play: Play, event: MetricRead) -> tuple[QuestionAnswered, ...]:
    if event.judgement.verdict is Verdict.UNKNOWN:
        return ()
    words = YES if event.judgement.verdict in (Verdict.HOLDS, Verdict.HOLDING) else NO
    found = []
    for step in trees(play):
        asked = walk(step, play, incident.answers).asked
        if asked is None or asked.question.criterion != event.criterion:
            continue
        label = next((a.label for a in asked.question.answers if a.label.lower() in words), None)
        if label:
            found.append(
                QuestionAnswered(
                    at=event.at, by="Playcall", question=asked.id, answer=label, measured=True
                )
            )
    return tuple(found)
