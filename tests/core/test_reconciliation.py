"""What Alertmanager says against what is on record: each difference gives its own repair."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from playcall.core import events as ev
from playcall.core.alert import Alert, own_alert
from playcall.core.incident import Incident, SilencePurpose, Status
from playcall.core.reconciliation import (
    FoundSilence,
    Look,
    Missed,
    Patience,
    Record,
    Repairs,
    WatchedAlert,
    compare,
    lost_pages,
)
from playcall.testing import NOON, a_plan, an_alert, minutes
from tests.core.responding import (
    acknowledged,
    after,
    moved,
    opened,
    pages,
    refused,
    resolved,
    woken,
)

PLAN = a_plan()
PLANS = {"plan": PLAN}
LATER = NOON + minutes(10)
UNTIL = NOON + minutes(60)
NOTHING: Missed = frozenset()


def watched(alert: Alert, *silenced_by: str, inhibited: bool = False) -> WatchedAlert:
    return WatchedAlert(
        alert=alert,
        suppressed=bool(silenced_by) or inhibited,
        silenced_by=silenced_by,
        inhibited=inhibited,
    )


def a_silence(key: str, by: str = "playcall", **changes: object) -> FoundSilence:
    made = FoundSilence(id=key, until=UNTIL, by=by, comment="a comment", active=True)
    return replace(made, **changes)  # type: ignore[arg-type]


def look(
    *alerts: WatchedAlert,
    at: datetime = LATER,
    silences: Sequence[FoundSilence] = (),
    up: timedelta = timedelta(days=1),
) -> Look:
    return Look(at=at, up_since=at - up, alerts=alerts, silences=silences)


def compared(
    seen: Look,
    *,
    live: Sequence[Incident] = (),
    over: Sequence[Incident] = (),
    before: Missed = NOTHING,
) -> Repairs:
    record = Record(live=live, over=over, plans=PLANS)
    return compare(seen, record, before, Patience(), "playcall")


def events(repairs: Repairs) -> list[ev.Event]:
    return [repair.event for repair in repairs.repairs]


def silenced(key: str, purpose: SilencePurpose, minute: float = 5, by: str = "ada") -> ev.Silenced:
    return ev.Silenced(at=NOON + minutes(minute), silence=key, until=UNTIL, purpose=purpose, by=by)


# --- Alerts whose message never came -------------------------------------------------------------


def test_an_alert_that_no_incident_holds_is_found_once_it_is_overdue() -> None:
    unheard = an_alert("Unheard")
    assert compared(look(watched(unheard))).found == (replace(unheard, found=True),)
    early = look(watched(unheard), at=NOON + minutes(2))
    assert compared(early) == Repairs()


@pytest.mark.parametrize(
    "seen",
    [
        watched(an_alert("Other"), "s-1"),
        watched(an_alert("Other"), inhibited=True),
        watched(an_alert("Watchdog")),
        watched(an_alert("InfoInhibitor")),
    ],
    ids=["silenced", "inhibited", "heartbeat", "inhibitor"],
)
def test_what_nobody_is_told_of_is_not_found(seen: WatchedAlert) -> None:
    assert compared(look(seen, silences=[a_silence("s-1", by="eve")])).found == ()


def test_an_alert_that_an_incident_holds_is_no_difference() -> None:
    assert compared(look(watched(an_alert())), live=[opened()]) == Repairs()


def test_an_alert_that_had_cleared_and_fires_is_found() -> None:
    gone = ev.AlertsCleared(at=NOON + minutes(1), alerts=(an_alert(firing=False),))
    again = an_alert(starts_at=NOON + minutes(3))
    incident = after(opened(), gone)
    assert compared(look(watched(again)), live=[incident]).found == (replace(again, found=True),)


def test_one_that_our_own_silence_hides_joins_its_incident() -> None:
    gone = ev.AlertsCleared(at=NOON + minutes(6), alerts=(an_alert(firing=False),))
    hidden = silenced("s-1", SilencePurpose.ACKNOWLEDGED)
    incident = after(opened(), acknowledged(), hidden, gone)
    again = watched(an_alert(starts_at=NOON + minutes(7)), "s-1")
    [joined] = events(compared(look(again, silences=[a_silence("s-1")]), live=[incident]))
    assert isinstance(joined, ev.AlertsJoined)
    assert joined.alerts[0].found
    assert after(incident, joined).firing


# --- Clearings that were lost --------------------------------------------------------------------


def test_a_firing_alert_that_two_looks_miss_has_cleared() -> None:
    incident = opened()
    first = compared(look(), live=[incident])
    assert (first.repairs, first.missed) == ((), frozenset({(1, "f1", NOON)}))
    second = compared(look(at=LATER + minutes(1)), live=[incident], before=first.missed)
    [cleared] = events(second)
    assert isinstance(cleared, ev.AlertsCleared)
    assert (cleared.alerts[0].firing, cleared.alerts[0].found) == (False, True)
    assert not after(incident, cleared).firing


def test_one_that_was_missed_once_and_is_seen_again_has_not_cleared() -> None:
    incident = opened()
    missed = compared(look(), live=[incident]).missed
    assert compared(look(watched(an_alert())), live=[incident], before=missed).missed == NOTHING
    again = an_alert(starts_at=LATER)
    other = after(incident, ev.AlertsJoined(at=LATER, alerts=(again,)))
    assert compared(look(), live=[other], before=missed).repairs == ()


def test_a_suppressed_alert_is_there() -> None:
    seen = look(watched(an_alert(), inhibited=True))
    assert compared(seen, live=[opened()], before=frozenset({(1, "f1", NOON)})) == Repairs()


def test_an_alertmanager_that_was_just_started_has_forgotten_and_clears_nothing() -> None:
    seen = look(up=minutes(5))
    before = frozenset({(1, "f1", NOON)})
    assert compared(seen, live=[opened()], before=before) == Repairs()


def test_an_alert_of_our_own_is_not_looked_for() -> None:
    own = own_alert("LatencyHigh", "NO-GO", NOON)
    assert compared(look(), live=[opened(alerts=[own])]).missed == NOTHING


# --- Relapses ------------------------------------------------------------------------------------


def test_a_relapse_under_the_silence_of_the_resolved_incident_opens_it_again() -> None:
    gone = ev.AlertsCleared(at=NOON + minutes(1), alerts=(an_alert(firing=False),))
    over = after(opened(), gone, resolved(2), silenced("s-1", SilencePurpose.RESOLVED, 2))
    assert over.status is Status.CLOSED
    again = watched(an_alert(starts_at=NOON + minutes(9.5)), "s-1")
    [reopened] = events(compared(look(again, silences=[a_silence("s-1")]), over=[over]))
    assert isinstance(reopened, ev.Reopened)
    state = after(over, reopened)
    assert (state.status, state.firing, state.reopened) == (Status.OPEN, True, 1)


@pytest.mark.parametrize(
    ("seen", "silences"),
    [
        (("s-1", "s-2"), [a_silence("s-1"), a_silence("s-2", by="eve")]),
        (("s-2",), [a_silence("s-1"), a_silence("s-2", by="eve")]),
        (("s-1",), [a_silence("s-1", by="eve")]),
    ],
    ids=["also somebody's", "only somebody's", "not really ours"],
)
def test_what_somebody_else_silenced_stays_silent(
    seen: tuple[str, ...], silences: list[FoundSilence]
) -> None:
    gone = ev.AlertsCleared(at=NOON + minutes(1), alerts=(an_alert(firing=False),))
    over = after(opened(), gone, resolved(2), silenced("s-1", SilencePurpose.RESOLVED, 2))
    again = watched(an_alert(starts_at=NOON + minutes(9)), *seen)
    assert compared(look(again, silences=silences), over=[over]) == Repairs()


def test_an_alert_that_was_on_when_it_was_resolved_opens_it_again_after_the_grace() -> None:
    over = after(opened(), resolved(5))
    seen = watched(an_alert())
    assert compared(look(seen, at=NOON + minutes(7)), over=[over]) == Repairs()
    repairs = compared(look(seen, at=NOON + minutes(8)), over=[over])
    [reopened] = events(repairs)
    assert isinstance(reopened, ev.Reopened)
    assert repairs.found == ()


def test_under_the_documents_silence_it_stays_closed() -> None:
    over = after(opened(), resolved(5), silenced("s-1", SilencePurpose.RESOLVED))
    seen = look(watched(an_alert(), "s-1"), silences=[a_silence("s-1")])
    assert compared(seen, over=[over]) == Repairs()


def test_after_the_window_it_is_a_new_incident() -> None:
    over = after(opened(), resolved(5))
    seen = watched(an_alert())
    late = compared(look(seen, at=NOON + minutes(36)), over=[over])
    assert (late.repairs, late.found) == ((), (replace(an_alert(), found=True),))


def test_the_group_of_a_live_incident_has_no_relapse() -> None:
    over = after(opened(), resolved(5))
    live = replace(opened(incident=2), alerts={})
    repairs = compared(look(watched(an_alert())), live=[live], over=[over])
    assert (repairs.repairs, len(repairs.found)) == ((), 1)


# --- Silences ------------------------------------------------------------------------------------


def test_a_silence_made_elsewhere_is_recorded_once() -> None:
    seen = look(watched(an_alert(), "s-9"), silences=[a_silence("s-9", by="eve")])
    [made] = events(compared(seen, live=[opened()]))
    assert made == ev.Silenced(
        at=LATER, silence="s-9", until=UNTIL, purpose=SilencePurpose.FOREIGN, by="eve"
    )
    assert compared(seen, live=[after(opened(), made)]) == Repairs()


def test_a_silence_of_ours_that_is_being_made_is_not_somebody_elses() -> None:
    comment = "Playcall incident 1: LatencyHigh, acknowledged by ada"
    ours = look(watched(an_alert(), "s"), silences=[a_silence("s", comment=comment)])
    assert compared(ours, live=[opened()]) == Repairs()
    other = look(
        watched(an_alert(), "s"), silences=[a_silence("s", comment="Playcall incident 11: x")]
    )
    assert len(events(compared(other, live=[opened()]))) == 1


def test_a_changed_end_is_recorded_and_keeps_the_purpose() -> None:
    incident = after(opened(), silenced("s-1", SilencePurpose.BY_HAND))
    longer = a_silence("s-1", until=UNTIL + minutes(5))
    [changed] = events(
        compared(look(watched(an_alert(), "s-1"), silences=[longer]), live=[incident])
    )
    assert isinstance(changed, ev.Silenced)
    assert (changed.purpose, changed.until, changed.by) == (
        SilencePurpose.BY_HAND,
        UNTIL + minutes(5),
        "ada",
    )
    rounded = a_silence("s-1", until=UNTIL - timedelta(milliseconds=1))
    seen = look(watched(an_alert(), "s-1"), silences=[rounded])
    assert compared(seen, live=[incident]) == Repairs()


@pytest.mark.parametrize("over", [False, True])
def test_a_silence_that_is_gone_has_ended(over: bool) -> None:
    incident = after(opened(), silenced("s-1", SilencePurpose.BY_HAND))
    if over:
        seen = compared(look(), over=[after(incident, resolved(6))])
    else:
        seen = compared(look(watched(an_alert())), live=[incident])
    assert events(seen) == [ev.SilenceEnded(at=LATER, silence="s-1")]


def test_thousands_of_silences_are_not_all_recorded() -> None:
    keys = [f"s-{n}" for n in range(1000)]
    silences = [a_silence(key, by="eve") for key in keys]
    seen = look(watched(an_alert(), *keys), silences=silences)
    assert len(events(compared(seen, live=[opened()]))) == 20


# --- Pages that reached nobody -------------------------------------------------------------------


def lost(*unpaged: Incident, minute: float = 3) -> list[ev.Event]:
    found = lost_pages(unpaged, PLANS, NOON + minutes(minute), Patience())
    return [repair.event for repair in found]


def test_where_no_page_was_delivered_the_first_rung_is_paged_again_once_a_round() -> None:
    incident = opened()
    assert lost(incident, minute=2) == []
    [again] = lost(incident)
    assert isinstance(again, ev.PageLost)
    state = after(incident, again)
    assert lost(state, minute=4) == []
    assert refused(state, replace(again, at=NOON + minutes(4))).endswith("sent again already")
    second = after(state, woken(5), woken(10), woken(15), woken(20), woken(35))
    assert second.round == 2
    assert len(lost(second, minute=38)) == 1


def test_it_pages_the_first_rung() -> None:
    [again] = lost(opened())
    assert pages(moved(opened(), again).effects) == ["On-Call Primary"]


def test_nobody_is_woken_where_nobody_should_be() -> None:
    snoozed = ev.Snoozed(at=NOON, by="ada", until=NOON + minutes(60))
    assert lost(after(opened(), acknowledged())) == []
    assert lost(after(opened(), resolved(1))) == []
    assert lost(after(opened(), snoozed)) == []
    assert lost(opened(severity="WARNING", play=None), minute=40) == []
    assert lost(replace(opened(), climbed=())) == []
    assert refused(after(opened(), snoozed), ev.PageLost(at=NOON, round=1)) == (
        "nobody is to be woken now"
    )


# --- Size ----------------------------------------------------------------------------------------


def test_ten_thousand_alerts_are_compared_in_no_time() -> None:
    alerts = [an_alert(fingerprint=f"f{n}", path=str(n)) for n in range(10_000)]
    incidents = [
        replace(opened(incident=n, alerts=alerts[n * 10 : n * 10 + 10]), group=str(n))
        for n in range(500)
    ]
    over = [
        replace(after(opened(incident=1000 + n, alerts=alerts[9000 + n : 9001 + n]), resolved(1)))
        for n in range(500)
    ]
    seen = look(*[watched(alert) for alert in alerts])
    began = time.process_time()
    repairs = compared(seen, live=incidents, over=[replace(o, group=f"o{o.id}") for o in over])
    assert time.process_time() - began < 1
    assert (len(repairs.found), len(repairs.repairs)) == (4500, 500)
