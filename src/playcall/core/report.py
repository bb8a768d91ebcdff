"""The post-mortem, written from the events and nothing else: in the document's own template, where
it has one. What nobody recorded is asked for, and marked as such; it is never invented."""

from collections.abc import Sequence
from dataclasses import dataclass

from playcall.core import events as ev
from playcall.core.milestones import Milestones
from playcall.core.plan import Plan, Template
from playcall.core.report_facts import Facts, Merged, gather, plain
from playcall.core.report_form import TO_WRITE, fill, impact, metrics, timeline
from playcall.core.review import Review
from playcall.core.wording import say_duration, say_instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    title: str
    markdown: str


def write_report(
    events: Sequence[ev.Event],
    plan: Plan,
    url: str | None = "",
    review: Review | None = None,
    merged: Sequence[Merged] = (),
) -> Report:
    """Markdown from the events of one incident, oldest first, beginning with Opened, from what was
    measured of it, and from what was `merged` into it. `url` is where people reach the server;
    None: there is none to link to."""
    facts = gather(events, plan, url, review, merged)
    title = f"Incident {facts.opened.incident}: {facts.opened.title}"
    template = template_of(plan)
    return Report(title=title, markdown=fill(template, facts) if template else _usual(title, facts))


def template_of(plan: Plan) -> Template | None:
    """The form of a post-mortem that the document's duties give."""
    found = (duty.template for duty in plan.duties if duty.template)
    return next((one for one in found if any(_heads(line) for line in one.body.split("\n"))), None)


def _heads(line: str) -> bool:
    return line.startswith("#")


def _usual(title: str, facts: Facts) -> str:
    """For a document without a template."""
    cause, fixes = facts.cause(), facts.resolution()
    nothing = f"Nothing was changed by Playcall. {TO_WRITE}"
    sections = [
        f"# {plain(title)}",
        _head(facts),
        "## Impact\n\n" + "\n".join([*impact(facts), f"- Who was affected: {TO_WRITE}"]),
        *(["\n".join(measured)] if (measured := metrics(facts, "##")) else []),
        "## Timeline\n\n" + "\n".join(timeline(facts, {})),
        "## Root Cause\n\n" + (cause or TO_WRITE),
        "## Resolution\n\n" + ("\n".join(fixes) or nothing),
        "## How long it took\n\n" + _durations(facts.times),
        "## Action Items\n\n" + ("\n".join(facts.actions()) or f"- [ ] {TO_WRITE}"),
    ]
    return "\n\n".join(sections) + "\n"


def _head(facts: Facts) -> str:
    playbook = f"{facts.plan.source}, {facts.opened.play or 'no play for this alert'}"
    return "\n".join(
        [
            f"**Date:** {facts.date}  ",
            f"**Duration:** {facts.duration}  ",
            f"**Severity:** {facts.severity}  ",
            f"**Playbook:** {plain(playbook)}",
        ]
    )


def _durations(times: Milestones) -> str:
    rows = [
        ("First page delivered", times.paged),
        ("First diagnostic finished", times.diagnosed),
        ("Acknowledged", times.acknowledged),
        ("First approval", times.approved),
        ("Mitigated", times.mitigated),
        ("Recovered, proven by the criteria", times.recovered),
        ("Resolved", times.resolved),
    ]
    lines = ["| Since the alert fired | after | at |", "|---|---|---|"]
    for name, at in rows:
        if at:
            lines.append(f"| {name} | {say_duration(at - times.fired)} | {say_instant(at)} |")
    return "\n".join(lines)
