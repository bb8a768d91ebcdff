"""Rules that no single step can see: what a document promises in one place and lacks in another."""

import re
from collections.abc import Callable
from datetime import timedelta

from playcall.core.compiler import phrases
from playcall.core.compiler.ledger import Ledger
from playcall.core.plan import Plan, Play, Purpose, Wake


def check_whole(plan: Plan, without_play: frozenset[str], ledger: Ledger) -> None:
    """`without_play` are the severities that say they have no play."""
    if not plan.plays:
        ledger.error(
            "PC101",
            1,
            "No play was found: no heading is an alert's name with steps below it.",
            "Give each alert a heading with its name in CamelCase, such as '### DiskAlmostFull'.",
        )
        return
    for play in plan.plays:
        for rule in _PLAY_RULES:
            rule(play, plan, ledger)
    _check_duplicates(plan, ledger)
    _check_policies(plan, ledger)
    _check_severities(plan, without_play, ledger)


def _check_severity(play: Play, plan: Plan, ledger: Ledger) -> None:
    if play.severity is None:
        tell = ledger.note if _is_page(plan) else ledger.warn
        tell(
            "PC404",
            play.line,
            f"{play.alert} has no severity, so nothing says how hard to knock.",
            "Add a line '**Severity:** CRITICAL' below its heading.",
            word=play.alert,
        )
    elif plan.severities and plan.severity(play.severity) is None:
        levels = ", ".join(severity.level for severity in plan.severities)
        ledger.error(
            "PC403",
            _line_of(play, "severity", ledger),
            f"{play.alert} has the severity {play.severity!r}, which the table does not know.",
            f"Use one of: {levels}.",
            word=play.severity,
        )


def _check_times(play: Play, plan: Plan, ledger: Ledger) -> None:
    severity = plan.severity(play.severity or "")
    if severity is None:
        return
    asked, allowed = play.respond_within, severity.respond_within
    line = _line_of(play, "response", ledger)
    if asked is not None and allowed is not None and asked != allowed:
        ledger.note(
            "PC408",
            line,
            f"{play.alert} allows {_minutes(asked)} to respond, its severity {_minutes(allowed)}.",
            "Keep it if it is meant: a play's own line wins over the table.",
        )
    second = plan.rungs[1] if len(plan.rungs) > 1 else None
    if asked is not None and second is not None and asked < second.after:
        ledger.note(
            "PC423",
            line,
            f"{play.alert} wants a response within {_minutes(asked)}; only after"
            f" {_minutes(second.after)} is {' + '.join(second.roles)} called.",
            "Call the next one sooner, or allow the time that the first one is given.",
        )


def _check_steps(play: Play, plan: Plan, ledger: Ledger) -> None:
    if not play.phases:
        ledger.warn(
            "PC410",
            play.line,
            f"{play.alert} holds no steps.",
            "Add numbered steps below a heading such as 'Immediate Actions'.",
            word=play.alert,
        )


def _check_criteria(play: Play, plan: Plan, ledger: Ledger) -> None:
    if not play.criteria:
        ledger.warn(
            "PC401",
            play.line,
            f"{play.alert} says nothing that can be measured.",
            "Add a sentence such as 'Verify error rate <1 errors/sec for 5 minutes'.",
            word=play.alert,
        )
    elif play.phases and not any(c.purpose is Purpose.RECOVERY for c in play.criteria):
        ledger.note(
            "PC411",
            play.line,
            f"{play.alert} does not say when it is over.",
            "Add a step 'Verify <measurement> for <time>'; until then a person decides.",
            word=play.alert,
        )


def _check_team(play: Play, plan: Plan, ledger: Ledger) -> None:
    whom = play.escalation.whom if play.escalation else None
    if whom is None or not (plan.teams or plan.rungs) or _known(whom, plan):
        return
    known = [team.value for team in plan.teams] + [r for rung in plan.rungs for r in rung.roles]
    ledger.warn(
        "PC406",
        play.escalation.line if play.escalation else play.line,
        f"{play.alert} escalates to {whom!r}, whom no table knows.",
        f"Name one of: {', '.join(dict.fromkeys(known))}.",
        word=whom,
    )


_PLAY_RULES: tuple[Callable[[Play, Plan, Ledger], None], ...] = (
    _check_severity,
    _check_times,
    _check_steps,
    _check_criteria,
    _check_team,
)


def _known(whom: str, plan: Plan) -> bool:
    asked = re.sub(r"\bteams?\b", "", whom, flags=re.IGNORECASE).strip()
    if not asked or asked.lower() in ("all", "everybody", "everyone"):
        return True
    names = [name for t in plan.teams for name in (t.value, t.primary, t.secondary, t.expert)]
    names += [role for rung in plan.rungs for role in rung.roles]
    names += [contact.role for contact in plan.contacts]
    return any(phrases.says(name, asked) or phrases.says(asked, name) for name in names if name)


def _minutes(span: timedelta) -> str:
    return f"{span / timedelta(minutes=1):g} minutes"


def _check_duplicates(plan: Plan, ledger: Ledger) -> None:
    first: dict[str, Play] = {}
    for play in plan.plays:
        known = first.setdefault(play.alert, play)
        if known is not play:
            ledger.error(
                "PC103",
                play.line,
                f"{play.alert} has a second play; the first is on line {known.line}.",
                "Keep one play for each alert; the first one is used.",
                word=play.alert,
            )


def _is_page(plan: Plan) -> bool:
    """One alert's page of a folder: how hard to knock, and at whose door, is said elsewhere."""
    return len(plan.plays) == 1 and not (plan.severities or plan.rungs or plan.teams)


def _check_policies(plan: Plan, ledger: Ledger) -> None:
    tell = ledger.note if _is_page(plan) else ledger.warn
    if not plan.severities:
        tell(
            "PC409",
            1,
            "The document has no severity table.",
            "Add one with the columns Level, Response Time, Escalation and Wake On-Call.",
        )
    if not plan.rungs:
        tell(
            "PC405",
            1,
            "The document has no escalation path, so nobody follows who does not answer.",
            "Draw it in a code block: roles, and between them '↓ (5 minutes, no ACK)'.",
        )
    for audience in plan.audiences:
        if audience.severity is None and plan.severities:
            ledger.warn(
                "PC412",
                audience.line,
                f"{audience.name!r} names no severity, so it is never told of an incident.",
                "Put a level of the severity table into its name.",
            )


def _check_severities(plan: Plan, without_play: frozenset[str], ledger: Ledger) -> None:
    used = {play.severity for play in plan.plays}
    for severity in plan.severities:
        idle = severity.level not in used and severity.level not in without_play
        if idle and severity.wake is not Wake.NO:
            ledger.warn(
                "PC402",
                severity.line,
                f"{severity.level} has a policy and no play, yet it may wake somebody.",
                "Write a play for it, or say 'no play' in its row.",
                word=severity.level,
            )


def _line_of(play: Play, word: str, ledger: Ledger) -> int:
    """The play's metadata line that begins with a word; its heading when there is none."""
    for line in range(play.line, min(play.last_line, play.line + 20) + 1):
        if ledger.lines[line - 1].lstrip("*->|_ ").lower().startswith(word):
            return line
    return play.line
