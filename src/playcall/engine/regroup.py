"""Merges incidents, and splits one, as people say: the events of both, and where their alerts
belong from now on, in one transaction. Incidents are locked in the order of their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from playcall.core.alert import Alert, group_key
from playcall.core.effects import Moved, Refused
from playcall.core.events import Event
from playcall.core.incident import Incident
from playcall.core.regroup_events import Absorbed, AlertsSplit, MergedInto, SplitOff
from playcall.core.regrouping import still_told, why_not_merge, why_not_split
from playcall.core.updates import title_of
from playcall.engine.arrivals import Intake, opening
from playcall.engine.commit import Committer
from playcall.engine.homes import of_alert, of_group
from playcall.engine.ports import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Regrouper:
    committer: Committer
    intake: Intake

    def merge(
        self, tx: Transaction, ending: int, onto: int, by: str, reason: str, at: datetime
    ) -> Refused | None:
        """None: it is done."""
        found = _locked(tx, ending, onto)
        if isinstance(found, Refused):
            return found
        gone, kept = found[ending], found[onto]
        if why := why_not_merge(gone, kept, tx.plan(gone.plan)):
            return Refused(reason=why)
        merged = MergedInto(
            at=at,
            by=by,
            incident=kept.id,
            title=kept.title,
            reason=reason,
            told_as=title_of(kept, tx.plan(kept.plan)) if still_told(kept) else "",
        )
        absorbed = Absorbed(
            at=at,
            by=by,
            incident=gone.id,
            title=gone.title,
            severity=gone.severity,
            members=tuple(gone.alerts.values()),
            silences=gone.silences,
            reason=reason,
            told=still_told(gone),
        )
        self._apply(tx, merged, gone.id)
        self._apply(tx, absorbed, kept.id)
        tx.hand_over(gone.id, kept.id)
        tx.settle([of_group(gone.group), *map(of_alert, gone.alerts)], kept.id)
        return None

    def split(
        self,
        tx: Transaction,
        incident: int,
        fingerprints: Sequence[str],
        by: str,
        reason: str,
        at: datetime,
    ) -> int | Refused:
        """Returns the number of the new incident."""
        found = _locked(tx, incident)
        if isinstance(found, Refused):
            return found
        state = found[incident]
        chosen = tuple(dict.fromkeys(fingerprints))
        if why := why_not_split(state, chosen):
            return Refused(reason=why)
        members = [state.alerts[one] for one in chosen]
        alerts = tuple(replace(one.alert, firing=one.firing) for one in members)
        number = tx.next_incident()
        opened = replace(
            opening(tx.plan(self.intake.plan), alerts, self.intake, at, number),
            group=self._group(tx, state, alerts, number),
            alongside=(incident,),
            split=SplitOff(incident=incident, by=by, reason=reason),
        )
        parted = AlertsSplit(
            at=at,
            by=by,
            incident=number,
            title=opened.title,
            fingerprints=chosen,
            names=tuple(sorted({alert.name for alert in alerts})),
            reason=reason,
        )
        self._apply(tx, parted, incident)
        self._apply(tx, opened, None)
        tx.forget_homes([of_group(opened.group)])
        tx.settle([of_alert(one) for one in chosen], number)
        return number

    def _group(self, tx: Transaction, state: Incident, alerts: Sequence[Alert], number: int) -> str:
        """The group's own key when the whole of it leaves, such as what was merged before. A
        part of a group cannot have it: new alerts of it belong where the rest is."""
        keys = {group_key(one, self.intake.group_by) for one in alerts}
        gone = {one.fingerprint for one in alerts}
        staying = {
            group_key(one.alert, self.intake.group_by)
            for key, one in state.alerts.items()
            if key not in gone
        }
        key, *others = sorted(keys)
        taken = key == state.group or key in staying or tx.live_in_group(key) is not None
        return f"{key} (split off: {number})" if others or taken else key

    def _apply(self, tx: Transaction, event: Event, incident: int | None) -> None:
        outcome = self.committer.apply(tx, event, incident)
        if not isinstance(outcome, Moved):  # it was looked at before: half of it must not stand
            raise RuntimeError(f"{type(event).__name__} was refused: {outcome.reason}")


def _locked(tx: Transaction, *numbers: int) -> dict[int, Incident] | Refused:
    found: dict[int, Incident] = {}
    for number in sorted({*numbers}):
        state = tx.incident(number)
        if state is None:
            return Refused(reason=f"there is no incident {number}")
        found[number] = state
    return found
