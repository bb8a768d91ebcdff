"""What people do in an incident, and what follows from it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from playcall.core import effects as ef
from playcall.core import events as ev
from playcall.core.effects import Page
from playcall.core.incident import Part, SilencePurpose, Status
from playcall.core.response import ResponsePolicy
from playcall.testing import NOON, a_plan, an_alert, minutes
from tests.core.responding import (
    PLAN,
    acknowledged,
    after,
    climb,
    fired,
    moved,
    opened,
    pages,
    reasons,
    refused,
    resolved,
    told,
    woken,
)


def escalated(whom: ev.Whom, to: str = "", minute: float = 3) -> ev.Escalated:
    return ev.Escalated(at=NOON + minutes(minute), by="ada", whom=whom, to=to, reason="need help")


def test_escalating_by_hand_climbs_the_next_rung_now_and_not_again_later() -> None:
    called = moved(opened(), escalated(ev.Whom.NEXT))
    assert pages(called.effects) == ["On-Call Secondary"]
    assert reasons(called.effects) == ["called by ada: need help"]
    assert climb(called.incident, 5, 10) == [[], ["Team Lead"]]


def test_beyond_the_last_rung_a_name_is_asked_for() -> None:
    incident = after(opened(), *(escalated(ev.Whom.NEXT) for _ in range(4)))
    assert "no further rung" in refused(incident, escalated(ev.Whom.NEXT))


@pytest.mark.parametrize(
    ("whom", "to", "paged"),
    [
        (ev.Whom.PERSON, "bob", "bob"),
        (ev.Whom.ROLE, "Team Lead", "Team Lead"),
        (ev.Whom.TEAM, "performance", "Performance Eng"),
        (ev.Whom.TEAM, "Performance team", "Performance Eng"),
        (ev.Whom.EXPERT, "", "Jo"),
    ],
)
def test_anybody_can_be_called_by_hand(whom: ev.Whom, to: str, paged: str) -> None:
    assert pages(moved(opened(), escalated(whom, to)).effects) == [paged]


def test_a_team_that_no_table_knows_is_refused_with_those_it_knows() -> None:
    assert refused(opened(), escalated(ev.Whom.TEAM, "storage")) == (
        'there is no team "storage"; the document has performance'
    )


def test_the_expert_is_that_of_the_team_whose_label_the_alert_has() -> None:
    other = replace(PLAN.teams[0], value="network", primary="Network Eng", expert="Kim")
    plan = replace(PLAN, teams=(*PLAN.teams, other))
    incident = opened(plan, alerts=(an_alert(team="network"),))
    assert pages(moved(incident, escalated(ev.Whom.EXPERT), plan).effects) == ["Kim"]


def test_assigning_pages_the_new_owner_who_must_acknowledge() -> None:
    incident = after(opened(), acknowledged())
    given = moved(incident, ev.Assigned(at=NOON + minutes(3), by="ada", to="bob"))
    assert given.effects == (Page(role="bob", rung=None, reason="assigned to you by ada"),)
    assert given.incident.status is Status.OPEN
    assert climb(given.incident, 8, 10) == [["On-Call Secondary"], ["Team Lead"]]


def test_assigning_does_not_put_off_the_rungs_that_wait_for_a_resolution() -> None:
    incident = after(opened(), acknowledged(), woken(10))
    given = after(incident, ev.Assigned(at=NOON + minutes(12), by="ada", to="bob"))
    assert climb(given, 15, 17, 20) == [
        ["Engineering Manager"],
        ["On-Call Secondary"],
        ["VP Engineering", "CTO"],
    ]


def test_who_takes_an_acknowledgement_back_leaves_nobody_unwoken() -> None:
    incident = after(opened(), acknowledged())
    back = moved(incident, ev.Unacknowledged(at=NOON + minutes(7), by="ada"))
    assert pages(back.effects) == ["On-Call Primary"]
    assert climb(back.incident, 10, 12) == [["Team Lead"], ["On-Call Secondary"]]
    assert refused(back.incident, ev.Unacknowledged(at=NOON + minutes(8), by="ada")) == (
        "nobody has acknowledged it"
    )


def part(person: str, by: str = "ada", what: Part = Part.COMMANDER) -> ev.PartTaken:
    return ev.PartTaken(at=NOON + minutes(2), by=by, part=what, person=person)


def test_command_is_taken_handed_over_and_given_up() -> None:
    incident = after(opened(), part("ada"))
    assert incident.roles[Part.COMMANDER] == ("ada",)
    handed = moved(incident, part("bob"))
    assert handed.incident.roles[Part.COMMANDER] == ("bob",)
    assert reasons(handed.effects) == ["ada made you incident commander"]
    seized = moved(handed.incident, part("eve", by="eve"))
    assert told(seized.effects) == [("bob", "eve is incident commander now")]
    left = after(
        seized.incident,
        ev.PartLeft(at=NOON + minutes(4), by="eve", part=Part.COMMANDER, person="eve"),
    )
    assert Part.COMMANDER not in left.roles


def test_several_people_respond() -> None:
    incident = after(opened(), acknowledged(), part("bob", what=Part.RESPONDER))
    assert incident.roles[Part.RESPONDER] == ("ada", "bob")


def test_a_severity_is_changed_by_hand_and_the_path_follows() -> None:
    incident = opened(severity="WARNING")
    raised = moved(
        incident,
        ev.SeverityChanged(at=NOON + minutes(3), by="ada", severity="critical", reason="worse"),
    )
    assert raised.incident.severity == "CRITICAL"
    assert pages(raised.effects) == ["On-Call Primary"]
    unknown = ev.SeverityChanged(at=NOON, by="ada", severity="URGENT", reason="")
    assert refused(incident, unknown).endswith("there are CRITICAL, HIGH, WARNING")


def test_a_severity_that_is_raised_late_begins_the_path_and_does_not_climb_it_at_once() -> None:
    incident = after(opened(severity="WARNING"), woken(5))
    raised = moved(
        incident,
        ev.SeverityChanged(at=NOON + minutes(22), by="ada", severity="CRITICAL", reason=""),
    )
    assert pages(raised.effects) == ["On-Call Primary"]
    assert climb(raised.incident, 27, 32) == [["On-Call Secondary"], ["Team Lead"]]


def test_who_acknowledges_during_a_snooze_ends_it_and_keeps_the_incident() -> None:
    snoozed = ev.Snoozed(at=NOON + minutes(2), by="ada", until=NOON + minutes(30))
    incident = after(opened(), snoozed, acknowledged(12, by="bob"))
    assert (incident.quiet, incident.acknowledged_by) == (None, "bob")
    assert climb(incident, 22) == [["Team Lead"]]


def test_a_rung_called_by_hand_is_on_record() -> None:
    called = moved(opened(), escalated(ev.Whom.NEXT))
    assert [type(event) for event in called.follows] == [ev.RungClimbed]


# --- deadlines -----------------------------------------------------------------------------------


def test_a_missed_response_target_is_an_event_once() -> None:
    missed = moved(opened(), woken(5))
    assert ev.TargetMissed(at=NOON + minutes(5), target=minutes(5)) in missed.follows
    assert not any(
        isinstance(event, ev.TargetMissed) for event in moved(missed.incident, woken(10)).follows
    )


def test_a_plays_own_response_time_overrides_its_severitys() -> None:
    plan = a_plan(replace(PLAN.plays[0], respond_within=minutes(2)))
    missed = moved(opened(plan), woken(2), plan)
    assert missed.follows == (ev.TargetMissed(at=NOON + minutes(2), target=minutes(2)),)


def test_a_target_that_was_met_is_not_missed() -> None:
    outcome = moved(opened(), acknowledged(4.9))
    assert outcome.incident.respond_by is None
    assert moved(outcome.incident, woken(10)).follows[:1] != (
        ev.TargetMissed(at=NOON + minutes(10), target=minutes(5)),
    )


def test_a_time_box_that_runs_out_is_said_aloud_to_who_commands() -> None:
    play = PLAN.plays[0]
    phase = replace(play.phases[0], title="Decision Points", ends=minutes(7))
    plan = a_plan(replace(play, phases=(phase,)))
    incident = after(opened(plan), part("bob", by="bob"), woken(5), plan=plan)
    assert incident.wake_at == NOON + minutes(7)
    over = moved(incident, woken(7), plan)
    assert told(over.effects) == [("bob", 'the time for "Decision Points" is over')]
    assert over.follows == (ev.TimeBoxEnded(at=NOON + minutes(7), phase="Decision Points"),)
    assert moved(over.incident, woken(10), plan).follows[0].__class__ is ev.RungClimbed


# --- silences ------------------------------------------------------------------------------------

QUIETLY = replace(PLAN, response=ResponsePolicy(silence_acknowledged=minutes(20)))


def silenced(
    minute: float, until: float, purpose: SilencePurpose = SilencePurpose.ACKNOWLEDGED
) -> ev.Silenced:
    return ev.Silenced(
        at=NOON + minutes(minute), silence="s1", until=NOON + minutes(until), purpose=purpose
    )


def test_an_acknowledgement_silences_only_where_that_is_wished() -> None:
    asked = moved(opened(QUIETLY), acknowledged(), QUIETLY)
    assert [type(effect) for effect in asked.effects] == [ef.Silence]
    assert moved(opened(), acknowledged()).effects == ()


def test_a_silence_made_on_acknowledgement_is_renewed_while_it_is_open_and_ends_with_it() -> None:
    incident = after(opened(QUIETLY), acknowledged(), silenced(1, 21), plan=QUIETLY)
    incident = after(incident, woken(10), woken(15), plan=QUIETLY)
    assert incident.wake_at == NOON + minutes(16)
    renewed = moved(incident, woken(16), QUIETLY)
    assert renewed.effects == (ef.ExtendSilence(silence="s1", lasting=minutes(20)),)
    assert moved(renewed.incident, woken(20), QUIETLY).effects[:1] != renewed.effects
    longer = after(renewed.incident, silenced(16, 36), plan=QUIETLY)
    ended = moved(longer, resolved(18), QUIETLY)
    assert ef.EndSilence(silence="s1") in ended.effects


def test_a_silence_that_came_too_late_is_ended_at_once() -> None:
    incident = after(opened(QUIETLY), acknowledged(), resolved(2), plan=QUIETLY)
    late = moved(incident, silenced(3, 23), QUIETLY)
    assert late.effects == (ef.EndSilence(silence="s1"),)


def test_a_silence_made_elsewhere_shows_and_moves_nothing() -> None:
    outcome = moved(opened(), silenced(2, 62, SilencePurpose.FOREIGN))
    assert outcome.effects == ()
    assert outcome.incident.silences["s1"].purpose is SilencePurpose.FOREIGN
    gone = after(outcome.incident, ev.SilenceEnded(at=NOON + minutes(9), silence="s1"))
    assert gone.silences == {}


def test_a_relapse_is_heard_although_the_document_silenced_the_alert() -> None:
    incident = after(opened(), resolved(10))
    incident = after(incident, silenced(10, 70, SilencePurpose.RESOLVED))
    assert incident.status is Status.CLOSED
    again = an_alert(starts_at=NOON + minutes(15))
    relapsed = moved(incident, ev.Reopened(at=NOON + minutes(16), alerts=(again,)))
    assert ef.EndSilence(silence="s1") in relapsed.effects


def test_a_storm_is_silenced_by_what_its_alerts_share() -> None:
    alerts = tuple(an_alert(fingerprint=f"f{n}", pod=f"pod-{n}", cluster="eu") for n in range(500))
    incident = opened(alerts=alerts)
    asked = moved(incident, ev.SilenceAsked(at=NOON, by="ada", lasting=minutes(5)))
    silence = asked.effects[0]
    assert isinstance(silence, ef.Silence)
    assert silence.label_sets == (
        {"alertname": "LatencyHigh", "severity": "critical", "cluster": "eu"},
    )


def test_a_relapse_counts_its_own_response_target() -> None:
    incident = after(opened(), acknowledged(), resolved(10))
    again = an_alert(starts_at=NOON + minutes(15))
    relapsed = after(incident, ev.Reopened(at=NOON + minutes(16), alerts=(again,)))
    assert relapsed.respond_by == NOON + minutes(21)
    assert after(relapsed, fired(17)).respond_by == NOON + minutes(21)


def test_the_next_rung_is_called_once_by_two_who_saw_the_same() -> None:
    first = replace(escalated(ev.Whom.NEXT), expected=1)
    called = after(opened(), first)
    second = replace(first, by="bob", at=first.at + timedelta(seconds=3))
    assert refused(called, second) == (
        "ada escalated to On-Call Secondary 3 s ago; next is Team Lead"
    )
    assert pages(moved(called, replace(second, expected=2)).effects) == ["Team Lead"]
    assert pages(moved(called, replace(second, expected=None)).effects) == ["Team Lead"]
    climbed = after(opened(), woken(5))
    assert refused(climbed, replace(second, at=NOON + minutes(6))).startswith(
        "the path escalated to On-Call Secondary 60 s ago"
    )
    again = after(opened(), woken(5), woken(10), woken(15), woken(20), woken(35))
    late = replace(second, at=NOON + minutes(36), expected=5)
    assert refused(again, late).endswith("next is On-Call Secondary")


def gives_back(minute: float) -> ev.Unacknowledged:
    return ev.Unacknowledged(at=NOON + minutes(minute), by="ada")


def test_who_gives_it_back_again_and_again_pages_once_in_two_minutes_and_loses_nothing() -> None:
    first = moved(after(opened(), acknowledged(1)), gives_back(1.2))
    assert pages(first.effects) == ["On-Call Primary"]
    second = moved(after(first.incident, acknowledged(1.4)), gives_back(1.6))
    assert pages(second.effects) == []
    assert second.incident.wake_at == NOON + minutes(3.2)
    due = moved(second.incident, woken(3.2))
    assert (pages(due.effects), reasons(due.effects)) == (
        ["On-Call Primary"],
        ["un-acknowledged by ada"],
    )
    assert climb(due.incident, 6.6) == [["On-Call Secondary"]]  # counts from the giving back
    heard = after(second.incident, acknowledged(2))
    assert heard.put_off is None
    assert climb(heard, 6.6, 10) == [[], ["Team Lead"]]


def test_who_gives_back_what_has_news_pages_at_once() -> None:
    first = after(opened(), acknowledged(1), gives_back(1.2), acknowledged(1.4))
    assert pages(moved(after(first, fired(1.5)), gives_back(1.6)).effects) == ["On-Call Primary"]
    later = moved(first, gives_back(3.3))
    assert pages(later.effects) == ["On-Call Primary"]


def test_a_page_put_off_is_not_sent_for_what_is_given_to_somebody() -> None:
    twice = after(opened(), acknowledged(1), gives_back(1.2), acknowledged(1.4), gives_back(1.6))
    given = after(twice, ev.Assigned(at=NOON + minutes(2), by="ada", to="bob"))
    assert (given.put_off, given.wake_at) == (None, NOON + minutes(7))
