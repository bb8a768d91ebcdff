"""The tables of the settings file about what a document leaves open: how incidents are answered,
who may let commands run, what the checklist measures."""

import re
from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from playcall.core.access import Access
from playcall.core.response import ApprovalPolicy, ResponsePolicy

_DURATION = re.compile(
    r"(?:(\d{1,4})d)?(?:(\d{1,4})h)?(?:(\d{1,4})m)?(?:(\d{1,6}(?:\.\d{1,3})?)s)?"
)


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the file; an unknown key is a mistake, not a wish."""


class ResponseTable(_Table, frozen=True):
    """What a document leaves open; durations such as "15m" or "1h30m"."""

    repeat_after: str = "15m"  # from the last rung of the path to the next round
    snooze_at_most: str = "4h"
    reopen_within: str = "30m"  # a relapse within it is the same incident
    silence_acknowledged: str = ""  # for how long at a time; empty: not silenced
    resolves_itself: tuple[str, ...] = ()  # alerts whose incidents need no person to end
    zone: str = "UTC"  # the team's time zone, beside UTC in post-mortems
    war_room: str = ""  # a link; "{incident}" is the incident's number


class MeasureTable(_Table, frozen=True):
    """That an item of the rollback's checklist is ticked by measuring."""

    item: str  # its text, or enough of it to mean no other
    query: str  # PromQL
    at_most: float = 0.0


class ApprovalsTable(_Table, frozen=True):
    """Who may let a command run, beyond what the document demands."""

    own: bool = True  # whoever asks may approve as well
    stand_for: str = "15m"  # how long an approval is worth a start
    heavy: Access = Access.RESPONDER
    change: Access = Access.RESPONDER
    alerts: Mapping[str, Access] = {}  # for the changes of a play
    two_people: tuple[str, ...] = ()  # "ALERT" or "ALERT 3.1"


def response_mistakes(response: ResponseTable, approvals: ApprovalsTable) -> list[str]:
    found = []
    if read_duration(approvals.stand_for) is None:
        found.append(f'approvals.stand_for: "{approvals.stand_for}" is not a duration: "15m".')
    for name in ("repeat_after", "snooze_at_most", "reopen_within", "silence_acknowledged"):
        text = getattr(response, name)
        if read_duration(text) is None and not (name == "silence_acknowledged" and text == ""):
            found.append(f'response.{name}: "{text}" is not a duration. Write "15m" or "1h30m".')
    if not _is_zone(response.zone):
        found.append(f'response.zone: "{response.zone}" is no time zone. Write "Europe/Berlin".')
    room = response.war_room
    if room and not re.match(r"https?://[^\s/]+", room):
        found.append(f'response.war_room: "{room}" is not a link. Begin with https://.')
    left = re.search(r"[{}]", room.replace("{incident}", ""))
    if left:
        found.append('response.war_room: "{incident}" is all that can be filled in.')
    return found


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return False
    return True


def read_duration(text: str) -> timedelta | None:
    """'90s', '15m', '1h30m', '2d'; None for anything else, and for nothing at all."""
    found = _DURATION.fullmatch(text.replace(" ", ""))
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) or None


def complete_response(table: ResponseTable, approvals: ApprovalsTable) -> ResponsePolicy:
    usual = ResponsePolicy()
    return ResponsePolicy(
        repeat_after=read_duration(table.repeat_after) or usual.repeat_after,
        snooze_at_most=read_duration(table.snooze_at_most) or usual.snooze_at_most,
        reopen_within=read_duration(table.reopen_within) or usual.reopen_within,
        silence_acknowledged=read_duration(table.silence_acknowledged),
        resolves_itself=table.resolves_itself,
        zone=table.zone,
        war_room=table.war_room,
        approvals=ApprovalPolicy(
            own=approvals.own,
            stand_for=read_duration(approvals.stand_for) or usual.approvals.stand_for,
            heavy=approvals.heavy,
            change=approvals.change,
            alerts=approvals.alerts,
            two_people=approvals.two_people,
        ),
    )
