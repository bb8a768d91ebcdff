"""Who lets a command run: one set of approvals, by different people, is worth one run of what they
saw, while it is good."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playcall.core import approvals, timeline
from playcall.core import effects as ef
from playcall.core import events as ev
from playcall.core.access import Access
from playcall.core.decide import decide
from playcall.core.effects import Moved, Refused, Tell
from playcall.core.incident import Incident, RunStatus
from playcall.core.pace import quicken
from playcall.core.plan import EffectClass, Plan, Rollback
from playcall.core.response import ApprovalPolicy
from playcall.testing import NOON, a_command, a_plan, a_play, minutes
from tests.core.responding import after, moved, opened, refused

CHANGE = EffectClass.CHANGE
RESTART = a_command("2.1", effect=CHANGE, text="systemctl restart web")
WIPE = replace(a_command("2.2", effect=CHANGE, text="rm -r /srv/cache"), people=2)
FILLED = a_command("2.3", effect=CHANGE, text="kubectl delete pod POD", placeholders=("POD",))
LOOK = a_command("2.4", effect=EffectClass.HEAVY, text="perf record")
COMMANDS = (RESTART, WIPE, FILLED, LOOK)


def a_plan_of(*commands: object, **policy: object) -> Plan:
    plan = a_plan(a_play(commands=commands or COMMANDS))  # type: ignore[arg-type]
    rules = ApprovalPolicy(**policy)  # type: ignore[arg-type]
    return replace(plan, response=replace(plan.response, approvals=rules))


PLAN = a_plan_of()
ALONE = a_plan_of(own=False)


def yes(by: str = "ada", command: str = "2.2", at: float = 0, **more: object) -> ev.RunApproved:
    event = ev.RunApproved(at=NOON + minutes(at), by=by, command=command)
    return replace(event, **more)  # type: ignore[arg-type]


def asked(by: str = "ada", command: str = "2.1", at: float = 0) -> ev.RunRequested:
    return ev.RunRequested(at=NOON + minutes(at), by=by, command=command)


def edited(
    incident: Incident, text: str, by: str = "ada", command: str = "2.1", plan: Plan = PLAN
) -> ev.RunEdited:
    event = approvals.propose(incident, plan, command, text, by, NOON, again=False)
    assert isinstance(event, ev.RunEdited)
    return event


def runs(moved: Moved) -> list[ef.RunCommand]:
    return [effect for effect in moved.effects if isinstance(effect, ef.RunCommand)]


# --- two people ----------------------------------------------------------------------------------


def test_a_command_for_two_waits_for_the_second_and_tells_of_it() -> None:
    first = moved(opened(PLAN), yes("ada"), PLAN)
    assert runs(first) == []
    assert (
        Tell(
            role="On-Call Primary",
            reason='approval wanted by ada: 2.2 "Command 2.2"',
            command="2.2",
        )
        in first.effects
    )
    assert "ada has approved it already" in refused(first.incident, yes("ada", at=1), PLAN)
    second = moved(first.incident, yes("bob", at=2), PLAN)
    assert runs(second) == [ef.RunCommand(command="2.2", run="1/2.2/1", approved_by="ada and bob")]
    assert second.incident.requests == {}


def test_what_the_document_or_the_settings_mark_and_a_rollback_needs_two() -> None:
    back = a_command("7.2", effect=CHANGE, guard="Option B: Rollback")
    back = replace(back, guard=replace(back.guard, kind="option"))  # type: ignore[type-var]
    written = a_command("rollback.1", effect=CHANGE)
    plan = replace(
        a_plan_of(RESTART, WIPE, LOOK, back, two_people=("LatencyHigh 2.1",)),
        rollback=Rollback(commands=(written,), checklist=(), line=1),
    )
    incident = opened(plan)
    needed = {
        command.id: approvals.needed_people(command, incident.play, plan)
        for command in (RESTART, WIPE, LOOK, back, written)
    }
    assert needed == {"2.1": 2, "2.2": 2, "2.4": 1, "7.2": 2, "rollback.1": 2}
    whole = a_plan_of(RESTART, two_people=("LatencyHigh",))
    assert approvals.needed_people(RESTART, incident.play, whole) == 2


def test_marks_that_protect_nothing_are_found() -> None:
    plan = a_plan_of(RESTART, two_people=("LatencyHigh 9.9", "LatencyHigh"), alerts={"Latency": 1})
    assert approvals.unknown_marks(plan) == ("Latency", "LatencyHigh 9.9")


def test_whoever_made_the_link_is_not_the_second_person() -> None:
    incident = after(opened(PLAN), yes("cleo"), plan=PLAN)
    linked = yes("bob", link="l1", link_by="cleo")
    assert "one of them made the link" in refused(incident, linked, PLAN)
    assert runs(moved(incident, replace(linked, link_by="dan"), PLAN))
    both = after(opened(PLAN), yes("ada", link="l1", link_by="cleo"), plan=PLAN)
    assert "made the link" in refused(both, yes("bob", link="l2", link_by="cleo"), PLAN)


def test_a_link_works_once() -> None:
    incident = after(opened(PLAN), yes("ada", link="l1", link_by="cleo"), plan=PLAN)
    again = yes("ada", "2.1", link="l1", link_by="cleo")
    assert refused(incident, again, PLAN) == "this link was used already"
    no = ev.RunDeclined(at=NOON, by="ada", command="2.2", reason="", link="l1", link_by="cleo")
    assert refused(incident, no, PLAN) == "this link was used already"


def test_an_emergency_needs_one_person_and_a_reason() -> None:
    alone = yes("ada", emergency=True)
    assert "needs its reason" in refused(opened(ALONE), alone, ALONE)
    began = moved(opened(ALONE), replace(alone, reason="it burns"), ALONE)
    assert [run.approved_by for run in runs(began)] == ["ada"]
    request = began.incident.runs["2.2"].request
    assert request is not None
    assert request.emergency == "it burns"


# --- whose approval ------------------------------------------------------------------------------


def test_where_so_configured_nobody_approves_their_own_request() -> None:
    incident = opened(ALONE)
    assert "ask for it" in refused(incident, yes("ada", "2.1"), ALONE)
    incident = after(incident, asked("ada"), plan=ALONE)
    assert "ada asked for it" in refused(incident, yes("ada", "2.1"), ALONE)
    assert runs(moved(incident, yes("bob", "2.1"), ALONE))
    assert runs(moved(opened(ALONE), yes("ada", "2.4"), ALONE))  # a look is one press


def test_an_editor_has_asked_for_what_they_wrote() -> None:
    incident = opened(ALONE)
    incident = after(incident, edited(incident, "systemctl reload web", plan=ALONE), plan=ALONE)
    digest = incident.requests["2.1"].digest
    assert "ada asked for it" in refused(incident, yes("ada", "2.1", digest=digest), ALONE)
    assert runs(moved(incident, yes("bob", "2.1", digest=digest), ALONE))


@pytest.mark.parametrize(
    ("policy", "command"),
    [
        ({"change": Access.COMMANDER}, "2.1"),
        ({"alerts": {"LatencyHigh": Access.COMMANDER}}, "2.1"),
        ({"heavy": Access.COMMANDER}, "2.4"),
    ],
)
def test_the_strictest_demand_counts(policy: dict[str, object], command: str) -> None:
    plan = a_plan_of(**policy)
    assert "needs the approval of a commander" in refused(opened(plan), yes("a", command), plan)
    assert runs(moved(opened(plan), yes("a", command, access=Access.COMMANDER), plan))


def test_settings_do_not_loosen_what_the_document_demands() -> None:
    strict = replace(RESTART, approver=Access.ADMINISTRATOR)
    plan = a_plan_of(strict, change=Access.COMMANDER)
    assert approvals.needed_access(strict, opened(plan).play, plan) is Access.ADMINISTRATOR


# --- what was seen -------------------------------------------------------------------------------


def test_an_approval_of_what_is_no_longer_what_would_run_is_refused() -> None:
    incident = replace(opened(PLAN), values={"POD": "web-1"})
    seen = yes("ada", "2.3", digest=approvals.digest_of_run(FILLED, incident))
    changed = replace(incident, values={"POD": "web-2"})
    assert refused(changed, seen, PLAN) == approvals.CHANGED
    assert runs(moved(incident, seen, PLAN))
    rewritten = a_plan_of(replace(FILLED, text="kubectl delete ns POD"))
    assert refused(incident, seen, rewritten) == approvals.CHANGED


def test_a_value_that_changed_makes_the_first_approval_worthless() -> None:
    plan = a_plan_of(replace(FILLED, people=2))
    first = after(replace(opened(plan), values={"POD": "a"}), yes("ada", "2.3"), plan=plan)
    changed = replace(first, values={"POD": "b"})
    assert refused(changed, yes("bob", "2.3"), plan) == approvals.CHANGED
    digest = approvals.digest_of_run(FILLED, changed)
    second = moved(changed, yes("bob", "2.3", digest=digest), plan)
    assert runs(second) == []
    assert second.incident.requests["2.3"].approved_by == "bob"


def test_an_edit_is_read_again_and_needs_its_own_digest() -> None:
    incident = opened(PLAN)
    event = edited(incident, "rm -rf /srv/web")
    assert (event.original, event.effect) == ("systemctl restart web", "change")
    assert event.diff.splitlines()[2:] == [
        "@@ -1 +1 @@",
        "-systemctl restart web",
        "+rm -rf /srv/web",
    ]
    before = approvals.digest_of_run(RESTART, incident)
    incident = after(incident, event, plan=PLAN)
    for seen in ("", before):
        assert refused(incident, yes("bob", "2.1", digest=seen), PLAN) == approvals.CHANGED
    began = moved(incident, yes("bob", "2.1", digest=incident.requests["2.1"].digest), PLAN)
    request = began.incident.runs["2.1"].request
    assert request is not None
    assert request.edit is not None
    assert request.edit.command.text == "rm -rf /srv/web"
    assert approvals.waiting(began.incident, "2.1", NOON) is None  # one edit, one run


@pytest.mark.parametrize(
    ("command", "text", "effect"),
    [
        ("2.4", "rm -rf /srv", "change"),  # more dangerous than the document's
        ("2.4", "uptime", "heavy"),  # never less
        ("2.1", "echo 'open", "change"),  # what does not parse
        ("2.1", "uptime", "change"),
    ],
)
def test_an_edit_is_never_less_than_the_document_says(command: str, text: str, effect: str) -> None:
    incident = opened(PLAN)
    event = edited(incident, text, command=command)
    assert event.effect == effect
    lied = replace(event, effect="observe")  # what it may do is not taken from the event
    request = after(incident, lied, plan=PLAN).requests[command]
    assert request.edit is not None
    assert request.edit.command.effect == effect


def test_an_edit_is_translated_as_the_document_is() -> None:
    incident = opened(PLAN)
    request = after(incident, edited(incident, "kubectl exec -it web -- rm x"), plan=PLAN)
    edit = request.requests["2.1"].edit
    assert edit is not None
    assert edit.command.runs_as is not None
    assert edit.command.runs_as.text == "kubectl exec web -- rm x"


def test_how_soon_somebody_presses_does_not_change_with_our_clock() -> None:
    assert quicken(PLAN, 60).response.approvals.stand_for == minutes(15)


def test_an_edit_drops_earlier_approvals_and_keeps_the_demands() -> None:
    incident = after(opened(PLAN), yes("ada"), plan=PLAN)
    incident = after(incident, edited(incident, "rm -r /srv", "bob", "2.2"), plan=PLAN)
    request = incident.requests["2.2"]
    assert (request.by, request.people, request.approvals) == ("bob", 2, ())


def test_an_edit_that_needs_a_terminal_a_value_or_nothing_new_is_refused() -> None:
    incident = opened(PLAN)
    assert "needs a person" in refused(incident, edited(incident, "vim /etc/hosts"), PLAN)
    assert "as the document has it" in refused(incident, edited(incident, RESTART.text), PLAN)
    stale = replace(edited(incident, "x"), original="something else")
    assert refused(incident, stale, PLAN) == approvals.CHANGED
    open_ = after(incident, edited(incident, "kubectl delete pod <pod>"), plan=PLAN)
    digest = open_.requests["2.1"].digest
    assert "no value for" in refused(open_, yes("bob", "2.1", digest=digest), PLAN)


# --- no, and too late ----------------------------------------------------------------------------


def test_a_refusal_ends_the_request() -> None:
    no = ev.RunDeclined(at=NOON, by="bob", command="2.2", reason="not now")
    incident = after(opened(PLAN), yes("ada"), no, plan=PLAN)
    assert incident.requests == {}
    assert incident.runs["2.2"].status is RunStatus.DECLINED
    assert runs(moved(incident, yes("bob", at=1), PLAN)) == []  # ada's yes is gone


def test_a_request_expires_at_its_time_and_says_so() -> None:
    incident = after(opened(PLAN), yes("ada"), plan=PLAN)
    assert approvals.next_expiry(incident) == NOON + minutes(15)
    woken = moved(incident, ev.Woken(at=NOON + minutes(15)), PLAN)
    expired = ev.RequestExpired(at=NOON + minutes(15), command="2.2", asked_by="ada")
    assert expired in woken.follows
    assert woken.incident.requests == {}
    late = moved(incident, yes("bob", at=15), PLAN)  # even when nobody woke it
    assert runs(late) == []
    assert late.incident.requests["2.2"].approved_by == "bob"
    assert expired in late.follows  # or ada's yes would have vanished without a word
    said = timeline.entry(expired, PLAN, PLAN.plays[0])
    assert said is not None
    assert said.text.startswith("ada's request for 2.2")


def test_what_a_play_calls_a_rollback_needs_two_people_as_the_document_s_does() -> None:
    play = a_play(commands=COMMANDS)
    (phase,) = play.phases
    plan = replace(PLAN, plays=(replace(play, phases=(replace(phase, title="Roll back"),)),))
    assert approvals.needed_people(RESTART, play.alert, PLAN) == 1
    assert approvals.needed_people(RESTART, play.alert, plan) == 2
    assert approvals.needed_people(LOOK, play.alert, plan) == 1


def test_an_approved_run_that_did_not_begin_in_time_lapses() -> None:
    began = moved(opened(PLAN), yes("ada", "2.1"), PLAN).incident
    run = began.runs["2.1"]
    assert approvals.lapsed(run, NOON + minutes(14.9), None) == ""
    why = approvals.lapsed(run, NOON + minutes(15), None)
    assert why == "the approval by ada was good for 15 min"
    gone = ev.ApprovalLapsed(at=NOON + minutes(15), command="2.1", run=run.id, reason=why)
    lapsed = after(began, gone, plan=PLAN)
    assert lapsed.runs["2.1"].status is RunStatus.LAPSED
    assert [one.run for one in runs(moved(lapsed, yes("ada", "2.1", 16), PLAN))] == ["1/2.1/2"]
    begun = after(began, ev.CommandBegun(at=NOON, command="2.1", run=run.id), plan=PLAN)
    assert approvals.lapsed(begun.runs["2.1"], NOON + minutes(99), None) == ""
    assert "does not wait" in refused(begun, gone, PLAN)


def test_an_approval_is_worth_what_its_giver_may_do_when_it_begins() -> None:
    plan = a_plan_of(change=Access.COMMANDER)
    approval = yes("ada", "2.1", access=Access.COMMANDER)
    run = moved(opened(plan), approval, plan).incident.runs["2.1"]
    assert approvals.lapsed(run, NOON, {"ada": Access.COMMANDER}) == ""
    assert "is a viewer now" in approvals.lapsed(run, NOON, {"ada": Access.VIEWER})
    assert "not known here" in approvals.lapsed(run, NOON, {})


def test_requests_end_with_the_incident() -> None:
    over = ev.Resolved(at=NOON, by="ada", cause="", unverified=True)
    incident = after(opened(PLAN), yes("ada"), over, plan=PLAN)
    assert incident.requests == {}
    assert refused(incident, yes("bob"), PLAN) == "incident 1 is resolved"


# --- any order -----------------------------------------------------------------------------------

WHO = ("ada", "bob", "cleo")
STORY = st.tuples(
    st.sampled_from(["yes"] * 6 + ["no", "ask", "edit", "value", "wake"]),
    st.sampled_from(WHO),
    st.sampled_from(["2.1", "2.2", "2.2", "2.3", "2.3"]),
    st.booleans(),  # says what was seen
    st.sampled_from([""] * 7 + ["reason"]),  # an emergency
    st.sampled_from(["", "", *WHO]),  # who made the link
    st.sampled_from([0, 0, 0, 1, 20]),  # minutes later
)
NEEDED = {"2.1": 1, "2.2": 2, "2.3": 2}


@settings(max_examples=400)
@given(st.lists(STORY, min_size=8, max_size=25), st.booleans())
def test_nothing_starts_without_its_people_nor_twice_for_one_set(
    story: list[tuple[str, str, str, bool, str, str, int]], own: bool
) -> None:
    """Checked against the accepted approvals alone, which know nothing of requests."""
    plan = a_plan_of(RESTART, WIPE, replace(FILLED, people=2), own=own)
    incident = replace(opened(plan), values={"POD": "web-0"})
    good: dict[str, list[tuple[ev.RunApproved, str]]] = {}  # since the last start, no, edit, value
    asker: dict[str, str] = {}
    started: list[str] = []
    at = NOON
    for n, (what, who, key, seen, emergency, link_by, later) in enumerate(story):
        at += minutes(later)
        event = _event(incident, plan, at, (what, who, key, seen, emergency, link_by, n))
        if event is None:
            incident = replace(incident, values={"POD": f"web-{n}"})
            continue
        digest = _digest(incident, plan, key, at)
        outcome = decide(incident, event, plan)
        if isinstance(outcome, Refused):
            continue
        for follow in outcome.follows:
            if isinstance(follow, ev.RequestExpired):
                good.pop(follow.command, None)
        if isinstance(event, ev.RunApproved):
            good.setdefault(key, []).append((event, digest))
        elif isinstance(event, ev.RunDeclined | ev.RunEdited):
            good.pop(key, None)
        if isinstance(event, ev.RunRequested | ev.RunEdited):
            asker[key] = event.by
        for run in runs(outcome):
            assert isinstance(event, ev.RunApproved)
            counted = [one for one, saw in good.pop(key) if saw == digest]
            fresh = [one for one in counted if at - one.at < minutes(15)]
            hands = [{one.by, one.link_by} - {""} for one in fresh]
            if not event.emergency:
                assert len({one.by for one in fresh}) >= NEEDED[key]
                last = hands[-NEEDED[key] :]
                assert sum(map(len, last)) == len(set().union(*last))
                if not own:
                    assert asker[key] not in {event.by, event.link_by}
            started.append(run.run)
        incident = outcome.incident
    assert len(started) == len(set(started))


def _digest(incident: Incident, plan: Plan, key: str, at: datetime) -> str:
    command = plan.command(incident.play, key)
    assert command is not None
    request = approvals.waiting(incident, key, at)
    return approvals.digest_of_run(approvals.as_asked(command, request), incident)


def _event(
    incident: Incident, plan: Plan, at: datetime, step: tuple[str, str, str, bool, str, str, int]
) -> ev.Event | None:
    what, who, key, seen, emergency, link_by, n = step
    run = incident.runs.get(key)
    match what:
        case "yes" if run and run.status.active:
            return ev.CommandFinished(
                at=at, command=key, run=run.id, status=RunStatus.FAILED, exit_code=1, summary=""
            )
        case "yes":
            return ev.RunApproved(
                at=at,
                by=who,
                command=key,
                again=True,
                digest=_digest(incident, plan, key, at) if seen else "",
                emergency=bool(emergency),
                reason=emergency,
                link=f"l{n}" if link_by else "",
                link_by=link_by,
            )
        case "no":
            return ev.RunDeclined(at=at, by=who, command=key, reason="")
        case "ask":
            return ev.RunRequested(at=at, by=who, command=key, again=True)
        case "edit":
            text = f"echo {n}"
            event = approvals.propose(incident, plan, key, text, who, at, again=True)
            assert isinstance(event, ev.RunEdited)
            return event
        case "value":
            return None
        case _:
            return ev.Woken(at=at)
