"""A drill in words: Markdown for people, with the findings first. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from playcall.core.drill import Evidence, Finding, Fired, Look, Measured, Outcome, effects, findings
from playcall.core.wording import say_duration

KINDS = {
    "harmed": "Harm",
    "no data": "Nothing to measure",
    "no help": "No help",
    "surprise": "Surprise",
    "failed": "Failed as written",
    "late": "Late",
    "good": "Helped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One drill that was run, and how it ended."""

    name: str
    document: str
    digest: str  # of the document's bytes
    fault: str
    about: str  # what the fault breaks
    outcome: Outcome
    why: str  # it ended so; empty when it passed
    incident: int | None
    evidence: Evidence


def write_drill_report(drill: Drill) -> str:
    evidence = drill.evidence
    parts = [
        _head(drill),
        _section("What this drill found", _findings(findings(evidence), drill.document)),
        _section("When", _times(evidence)),
        _section("Alerts", _alerts(evidence)),
        _section("Changes, and what they did", _changes(evidence)),
        _section("What was looked at", _looks(evidence.looks)),
    ]
    return "\n\n".join(parts) + "\n"


def _head(drill: Drill) -> str:
    evidence = drill.evidence
    ended = f"**{drill.outcome.upper()}**" + (f": {drill.why}" if drill.why else "")
    return "\n".join(
        [
            f"# Drill: {evidence.alert} ({drill.name})",
            "",
            ended,
            "",
            f"- Fault: `{drill.fault}`: {drill.about}",
            f"- Document: {drill.document}, version {drill.digest[:12]}",
            f"- Begun: {evidence.broken_at:%Y-%m-%d %H:%M:%S} UTC, "
            f"on a clock {evidence.factor:g} times as fast",
        ]
    )


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}"


def _findings(found: Iterable[Finding], document: str) -> str:
    lines = []
    for finding in found:
        where = f" ({document}:{finding.line})" if finding.line else ""
        lines.append(f"- {KINDS[finding.kind]}: {finding.words}{where}")
    return "\n".join(lines) or "- Nothing that is worth a line."


def _times(evidence: Evidence) -> str:
    rows = ["| since the fault | what |", "|---|---|"]
    for words, at in sorted(evidence.milestones, key=lambda found: found[1]):
        rows.append(f"| {say_duration(at - evidence.broken_at)} | {words} |")
    return "\n".join(rows)


def _alerts(evidence: Evidence) -> str:
    rows = ["| alert | fired | ended | |", "|---|---|---|---|"]
    rows += [_alert(fired, evidence) for fired in evidence.fired]
    return "\n".join(rows)


def _alert(fired: Fired, evidence: Evidence) -> str:
    ended = "still firing" if fired.ended_at is None else _since(fired.ended_at, evidence)
    if fired.alert == evidence.alert:
        role = "the one this drill is for"
    elif fired.alert in evidence.neighbours:
        role = "neighbour, expected"
    else:
        role = "not expected"
    return f"| {fired.alert} | {_since(fired.began_at, evidence)} | {ended} | {role} |"


def _since(at: datetime, evidence: Evidence) -> str:
    if at < evidence.broken_at:
        return "before the fault"
    return f"+{say_duration(at - evidence.broken_at)}"


def _changes(evidence: Evidence) -> str:
    if not evidence.changes:
        return "Nothing was changed."
    parts = []
    for change in evidence.changes:
        took = say_duration(change.ended_at - change.began_at)
        at = _since(change.began_at, evidence)
        parts.append(
            f"### {change.title}\n\n```\n{change.text}\n```\n\n{at}, {change.status} in {took}."
        )
        parts.append(_effects(effects(evidence, change)))
    return "\n\n".join(parts)


def _effects(measured: Iterable[Measured]) -> str:
    rows = ["| measured | effect |", "|---|---|"]
    rows += [f"| {each.words} | {each.effect} |" for each in measured]
    return "\n".join(rows)


def _looks(looks: Iterable[Look]) -> str:
    rows = ["| command | outcome | took | said |", "|---|---|---|---|"]
    for look in looks:
        said = " ".join(look.summary.split())[:120].replace("|", "\\|")
        rows.append(f"| {look.id} {look.title} | {look.status} | {look.seconds:.1f} s | {said} |")
    return "\n".join(rows)
