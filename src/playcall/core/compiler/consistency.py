"""What a document says in two places, and whether both fit: limits, metrics, changes, the path."""

import difflib
import re
from collections.abc import Iterator
from datetime import timedelta

from playcall.core.compiler import phrases
from playcall.core.compiler.ledger import Ledger
from playcall.core.place import Level
from playcall.core.plan import (
    Command,
    Comparison,
    Criterion,
    EffectClass,
    Plan,
    Play,
    Purpose,
    Question,
    RungCondition,
    Step,
)

_UPWARD = (Comparison.ABOVE, Comparison.AT_LEAST)
_PROVES = re.compile(
    r"\b(?:verify|confirm|ensure|make sure|check|monitor|watch|wait|observe|validate|recover\w*)\b",
    re.IGNORECASE,
)
_SCRIPT = re.compile(r"\s*(?:(?:ba|z|k)?sh\s+|python3?\s+)?[\w.~$-]*/")
_WAY_BACK = re.compile(
    r"\s*(?:sudo\s+)?(?:(?:ba|z|k)?sh\s+)?([\w.~-]*/[\w./-]*(?:roll-?_?back|revert)[\w.-]*)",
    re.IGNORECASE,
)
_METRIC = re.compile(r"(?<![\w:.\"'/@-])[a-z_:][a-z0-9_:]*_[a-z0-9_:]+(?![\w:(\"'=])(?!\s*[(=])")


def check_consistency(plan: Plan, rule_queries: tuple[str, ...], ledger: Ledger) -> None:
    for play in plan.plays:
        _check_limits(play, ledger)
        _check_proof(play, ledger)
        for step in (step for phase in play.phases for step in phase.steps):
            if step.decision is not None:
                _check_answers(step.decision, ledger)
    _check_rollback(plan, ledger)
    _check_metrics(plan, rule_queries, ledger)
    _check_path(plan, ledger)


def _check_limits(play: Play, ledger: Ledger) -> None:
    """One measurement, one limit: for the alert, and for its end, which lies on the other side."""
    first: dict[tuple[Purpose, str, bool], Criterion] = {}
    for criterion in play.criteria:
        if criterion.query is None or criterion.purpose is Purpose.QUESTION:
            continue
        upward = criterion.comparison in _UPWARD
        key = (criterion.purpose, criterion.query, upward)
        known = first.setdefault(key, criterion)
        if known.threshold != criterion.threshold:
            ledger.warn(
                "PC417",
                criterion.line,
                f"{play.alert} gives {criterion.query_name} a limit of {criterion.written} here"
                f" and of {known.written} on line {known.line}.",
                "Give it one limit; the alert and its end are judged by all of them.",
            )
    for (purpose, query, upward), over in first.items():
        begun = first.get((Purpose.SYMPTOM, query, not upward))
        if purpose is Purpose.RECOVERY and begun is not None and _ends_early(over, begun):
            ledger.warn(
                "PC418",
                over.line,
                f"{play.alert} is over at {over.written}, where its alert still holds"
                f" ({begun.written} on line {begun.line}).",
                "Let it be over on the sound side of the alert's own limit.",
            )


def _ends_early(over: Criterion, begun: Criterion) -> bool:
    """Whether a value is sound to one and sick to the other."""
    if begun.comparison in _UPWARD:
        return over.threshold > begun.threshold
    return over.threshold < begun.threshold


def _check_proof(play: Play, ledger: Ledger) -> None:
    """The last change of a play needs something after it that tells whether it helped."""
    if any(criterion.query for criterion in play.criteria):
        return  # Playcall measures it itself
    steps = [step for phase in play.phases for step in phase.steps]
    changes = [c for step in steps for c in step.commands if _surely_changes(c)]
    if changes and not any(_proves(step, changes[-1]) for step in steps):
        ledger.note(
            "PC419",
            changes[-1].line,
            f"Nothing after this change tells whether {play.alert} is over.",
            "Add a step 'Verify <measurement> for <time>', or a command that looks.",
        )


def _surely_changes(command: Command) -> bool:
    """A script of the team's own may as well be what looks."""
    return command.effect is EffectClass.CHANGE and not _SCRIPT.match(command.text)


def _proves(step: Step, change: Command) -> bool:
    looks = any(
        c.line > change.line and c.effect in (EffectClass.OBSERVE, EffectClass.HEAVY)
        for c in step.commands
    )
    said = [(step.line, step.title), *((check.line, check.text) for check in step.checks)]
    return looks or any(line > change.line and _PROVES.search(text) for line, text in said)


def _check_answers(question: Question, ledger: Ledger) -> None:
    for answer in question.answers:
        if len(answer.questions) > 1:
            asked = " and ".join(repr(inner.text) for inner in answer.questions)
            ledger.note(
                "PC119",
                answer.line,
                f"The answer {answer.label!r} leads to {len(answer.questions)} questions at once:"
                f" {asked}. Their answers may lead to different outcomes.",
                "Draw the second question below an answer to the first one.",
                word=answer.label,
            )
        for inner in answer.questions:
            _check_answers(inner, ledger)


def _check_rollback(plan: Plan, ledger: Ledger) -> None:
    """A script for the way back, beside a section that says the way back in other commands."""
    written = plan.rollback.commands if plan.rollback else ()
    if plan.rollback is None or not any(c.effect is EffectClass.CHANGE for c in written):
        return
    for command in _commands(plan):
        script = _WAY_BACK.match(command.text)
        if script and not any(script[1] in other.text for other in written):
            ledger.tell(
                "PC424",
                Level.NOTE,
                command.line,
                f"{script[1]} is run here, and the section on line {plan.rollback.line} has other"
                " commands for the way back.",
                "Let both be the same: run the script there, or those commands here.",
                word=script[1],
                about=script[1],
            )


def _check_metrics(plan: Plan, rule_queries: tuple[str, ...], ledger: Ledger) -> None:
    """A metric in a command's query that is nearly, and not quite, one that the document names."""
    known = {name for text in _known_queries(plan, rule_queries) for name in _metrics(text)}
    for command in _commands(plan):
        asked = command.runs_as
        if asked is None or asked.kind != "promql":
            continue
        for name in sorted(_metrics(asked.text) - known):
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
            if near or rule_queries:
                hint = f"Is {near[0]} meant?" if near else "Name it in a query of the document."
                level = Level.WARNING if near else Level.NOTE
                what = f"The metric {name} is in no named query and in no rule."
                ledger.tell("PC305", level, command.line, what, hint)


def _known_queries(plan: Plan, rule_queries: tuple[str, ...]) -> Iterator[str]:
    yield from (query.promql for query in plan.queries)
    yield from rule_queries


def _metrics(promql: str) -> set[str]:
    without_strings = re.sub(
        r"\"[^\"]*\"|'[^']*'|\b(?:by|without|on|ignoring)\s*\([^)]*\)", "", promql
    )
    without_labels = re.sub(r"\{[^}]*\}", "", without_strings)
    return {re.sub(r"_(?:bucket|sum|count)$", "", name) for name in _METRIC.findall(without_labels)}


def _commands(plan: Plan) -> Iterator[Command]:
    for play in plan.plays:
        yield from play.commands()
    yield from plan.essentials


def _check_path(plan: Plan, ledger: Ledger) -> None:
    """Nobody may be woken with nobody behind them."""
    if len(plan.rungs) == 1:
        ledger.warn(
            "PC420",
            plan.rungs[0].line,
            f"The escalation path ends with its first rung: nobody follows"
            f" {' + '.join(plan.rungs[0].roles)}.",
            "Name who is next, and after how long.",
        )
    _check_conditions(plan, ledger)
    _check_people(plan, ledger)


def _check_conditions(plan: Plan, ledger: Ledger) -> None:
    """Told once: a rung that says only when is climbed although somebody has acknowledged. A path
    with conditions that nobody knows is told already."""
    plain = [rung for rung in plan.rungs[1:] if rung.condition is RungCondition.ALWAYS]
    if plain and not any(problem.code == "PC107" for problem in ledger.problems()):
        whom = ", ".join(" + ".join(rung.roles) for rung in plain)
        several = len(plain) > 1
        told = (
            "These rungs have no condition: they go on after an acknowledgement"
            if several
            else "This rung has no condition: it is climbed after an acknowledgement too"
        )
        ledger.note(
            "PC425",
            plain[0].line,
            f"{told}, until the incident is resolved ({whom}).",
            "Write 'no ACK' beside the time if an acknowledgement is to stop it.",
        )


def _check_people(plan: Plan, ledger: Ledger) -> None:
    """A role of the path that the document's own tables of people do not know."""
    known = [contact.role for contact in plan.contacts]
    known += [name for t in plan.teams for name in (t.value, t.primary, t.secondary, t.expert)]
    known = [name for name in known if name.strip(" -–—")]
    for rung in plan.rungs if plan.contacts else ():
        for role in rung.roles:
            if not any(phrases.says(name, role) or phrases.says(role, name) for name in known):
                ledger.note(
                    "PC421",
                    rung.line,
                    f"{role!r} is paged {_after(rung.after)}; no table of people has that role.",
                    "Add a row to the contacts; the settings bind it to a person in any case.",
                    word=role,
                )


def _after(span: timedelta) -> str:
    return f"after {span / timedelta(minutes=1):g} minutes" if span else "at once"
