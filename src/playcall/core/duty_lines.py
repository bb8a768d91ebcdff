"""How the events about duties are said in a timeline."""

from typing import assert_never

from playcall.core.action_events import ActionEvent, DutyGiven
from playcall.core.action_lines import say_action_event
from playcall.core.duty_events import (
    DutyDone,
    DutyEvent,
    DutyOverdue,
    DutyReminded,
    DutyUnproven,
    DutyWaived,
    PostMortemSaved,
)
from playcall.core.plan import Plan
from playcall.core.sending import unfinished


def duty_title(plan: Plan, key: str) -> str:
    """'Close Alert: Silence alert in AlertManager'; the key itself when the plan has none such."""
    number, _, item = key.partition(".")
    if not (number.isdigit() and 1 <= int(number) <= len(plan.duties)):
        return key
    duty = plan.duties[int(number) - 1]
    if not (item.isdigit() and 1 <= int(item) <= len(duty.items)):
        return duty.title
    return f"{duty.title}: {duty.items[int(item) - 1].text}"


def say_duty_event(event: DutyEvent | ActionEvent, plan: Plan) -> str:
    if isinstance(event, ActionEvent):
        title = duty_title(plan, event.duty) if isinstance(event, DutyGiven) else ""
        return say_action_event(event, title)
    match event:
        case PostMortemSaved():
            left = unfinished(event.asks, event.conflicts)
            said = f"{event.by} saved version {event.version} of the post-mortem"
            return f"{said}; {left}" if left else said
        case DutyDone():
            note = f" ({event.note})" if event.note else ""
            who = "proven by Playcall" if event.measured else event.by
            return f"Duty done, {who}: {duty_title(plan, event.duty)}{note}"
        case DutyUnproven():
            return f"OWED AGAIN: {duty_title(plan, event.duty)}: {event.reason}"
        case DutyWaived():
            return f"{event.by} waived the duty {duty_title(plan, event.duty)}: {event.reason}"
        case DutyReminded():
            due = f"{event.due_at:%Y-%m-%d %H:%M} UTC"
            return f"{event.owner} was reminded: {duty_title(plan, event.duty)}, due {due}"
        case DutyOverdue():
            due = f"{event.due_at:%Y-%m-%d %H:%M} UTC"
            return f"DUTY OVERDUE, {event.owner}: {duty_title(plan, event.duty)} was due {due}"
    assert_never(event)
