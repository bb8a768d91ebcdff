"""Single action items: their clock, what people change in them, and their tickets."""

from dataclasses import replace
from datetime import date, timedelta

from playcall.core import events as ev
from playcall.core.action_events import (
    ActionChanged,
    ActionDropped,
    DutyGiven,
    TicketAsked,
    TicketFailed,
    TicketOpened,
)
from playcall.core.action_facts import action_facts
from playcall.core.action_items import open_items
from playcall.core.effects import CloseTicket, OpenTicket, Tell
from playcall.core.incident import Incident
from playcall.core.owed import TicketState
from playcall.testing import a_plan
from tests.core.responding import after, moved, refused, told
from tests.core.test_duties import OVER, ROLE, resolved, run
from tests.core.test_duties import PLAN as WHOLE

PLAN = replace(a_plan(), duties=(), response=replace(a_plan().response, zone="Europe/Berlin"))
DAY = date(2026, 3, 9)
HOUR = timedelta(hours=1)
ADDED = ev.ActionAdded(at=OVER, by="ada", text="rotate logs", owner="bob", due=DAY)
OPENED = TicketOpened(at=OVER, action=1, key="#7", url="https://github.example/o/r/issues/7")
DONE = ev.ActionDone(at=OVER, by="bob", action=1)


def with_action(added: ev.ActionAdded = ADDED) -> Incident:
    return after(resolved(PLAN), added, plan=PLAN)


def spoken(incident: Incident) -> list[tuple[str, str, str]]:
    """Every message of its timers: when, to whom and why."""
    said = []
    while incident.wake_at is not None:
        at = incident.wake_at
        outcome = moved(incident, ev.Woken(at=at), PLAN)
        said += [(f"{at:%d %H:%M}", role, why) for role, why in told(outcome.effects)]
        incident = outcome.incident
    return said


def test_the_owner_is_reminded_at_noon_of_the_day_before_and_at_its_end_the_next_role_told() -> (
    None
):
    """The day ends in the team's zone, an hour before that of UTC."""
    late = "owed: action item 1 (rotate logs), overdue since 2026-03-09 23:00 UTC"
    assert spoken(with_action()) == [
        ("08 11:00", "bob", "owed: action item 1 (rotate logs), due 2026-03-09 23:00 UTC"),
        ("09 23:00", "bob", late),
        ("09 23:00", ROLE, f"{late} (bob has it)"),
    ]
    soon = replace(ADDED, due=date(2026, 3, 2))  # less than a day and a half is left
    assert spoken(with_action(soon))[0][0] == "02 14:17"


def test_one_without_a_day_is_due_with_the_duty_that_speaks_of_action_items() -> None:
    plan = replace(PLAN, duties=WHOLE.duties)
    incident = after(resolved(plan), replace(ADDED, due=None), plan=plan)
    (one,) = open_items(incident, plan)
    assert one.due_at == OVER + timedelta(days=7)
    assert list(open_items(with_action(replace(ADDED, due=None)), PLAN)) == []


def test_who_is_told_instead_is_named_for_when_the_owner_is_gone() -> None:
    outcome = moved(with_action(), ev.Woken(at=OVER + timedelta(days=30)), PLAN)
    (own, _) = [effect for effect in outcome.effects if isinstance(effect, Tell)]
    assert (own.role, own.instead) == ("bob", (ROLE,))
    assert (outcome.incident.owed.actions_overdue, outcome.incident.owed.late) == (1, 1)
    assert after(outcome.incident, DONE, plan=PLAN).owed.late == 0


def test_a_changed_one_has_a_clock_of_its_own_again() -> None:
    late = moved(with_action(), ev.Woken(at=OVER + timedelta(days=30)), PLAN).incident
    changed = ActionChanged(
        at=OVER + timedelta(days=30),
        by="ada",
        action=1,
        text="rotate",
        owner="cleo",
        due=date(2026, 4, 9),
    )
    incident = after(late, changed, plan=PLAN)
    assert incident.owed.late == 0
    assert [who for _, who, _ in spoken(incident)] == ["cleo", "cleo", ROLE]
    assert refused(incident, changed, PLAN) == "nothing of it would be changed"
    assert refused(incident, replace(changed, text=" "), PLAN) == "say what is to be done"


def test_a_dropped_one_has_a_reason_and_is_spoken_of_no_more() -> None:
    dropped = ActionDropped(at=OVER, by="ada", action=1, reason="the host is gone")
    assert (
        refused(with_action(), replace(dropped, reason=""), PLAN) == "say why it will not be done"
    )
    incident = after(with_action(), dropped, plan=PLAN)
    assert spoken(incident) == []
    assert refused(incident, DONE, PLAN) == "action item 1 is dropped already"


def test_a_ticket_is_opened_once_and_closed_with_its_item() -> None:
    wanted = moved(resolved(PLAN), replace(ADDED, ticket=True), PLAN)
    assert OpenTicket(action=1) in wanted.effects
    ask = TicketAsked(at=OVER, by="ada", action=1)
    assert "is about to have one" in refused(wanted.incident, ask, PLAN)
    opened = after(wanted.incident, OPENED, plan=PLAN)
    assert opened.owed.tickets == 1
    here = moved(opened, DONE, PLAN)
    assert here.effects == (CloseTicket(action=1),)
    assert here.incident.owed.tickets == 0
    assert moved(opened, replace(DONE, there=True), PLAN).effects == ()
    early = moved(after(wanted.incident, DONE, plan=PLAN), OPENED, PLAN)
    assert early.effects == (CloseTicket(action=1),), "done while it was being opened"


def test_a_refused_ticket_is_asked_for_again_by_a_person() -> None:
    failed = TicketFailed(at=OVER, action=1, reason="no such project")
    incident = after(with_action(replace(ADDED, ticket=True)), failed, plan=PLAN)
    ticket = incident.owed.actions[0].ticket
    assert ticket
    assert (ticket.state, ticket.note) == (TicketState.FAILED, "no such project")
    again = moved(incident, TicketAsked(at=OVER, by="ada", action=1), PLAN)
    assert again.effects == (OpenTicket(action=1),)
    ticket = again.incident.owed.actions[0].ticket
    assert ticket
    assert ticket.again, "an earlier try may have made it"


def test_the_post_mortem_has_it_as_it_is_now_with_its_ticket() -> None:
    changed = ActionChanged(at=OVER, by="ada", action=1, text="rotate", owner="cleo")
    (item,) = action_facts([ADDED, changed, OPENED, DONE])
    assert item.done
    line = item.line(str)
    assert line == "rotate (cleo), ticket [#7](<https://github.example/o/r/issues/7>)"


def test_a_duty_that_was_given_to_somebody_is_theirs() -> None:
    given = DutyGiven(at=OVER, by="ada", duty="1", owner="bob")
    incident = after(resolved(WHOLE), given, plan=WHOLE)
    roles = [said.split(":")[0] for _, said in run(incident, HOUR, WHOLE)]
    assert roles == ["bob", "ada", "bob", ROLE, "ada", ROLE]
    assert "there is no duty 99" in refused(incident, replace(given, duty="99"), WHOLE)
