"""What Playcall itself can prove of a duty, by the words of its title and its items."""

import re
from datetime import datetime, timedelta

from playcall.core import verification
from playcall.core.incident import Incident, SilencePurpose
from playcall.core.judge import Verdict
from playcall.core.plan import Duty, Plan

LOOK_FOR = timedelta(hours=1)  # at the criteria, after an incident is over

_STABLE = re.compile(
    r"\b(?:metrics?|graphs?|numbers?|service|system)\b.*\b(?:stable|steady|hold|healthy|normal)"
    r"|\b(?:verif\w+|check)\b.*\b(?:stable|stability|recover)",
    re.IGNORECASE,
)
_SILENCED = re.compile(r"\bsilenc", re.IGNORECASE)
_RECORDED = re.compile(
    r"\btimeline\b|\bactions? (?:taken|performed)\b|\bwhat was done\b", re.IGNORECASE
)
_SUMMARY = re.compile(
    r"^\W*(?:(?:write|send|prepare|post|share|initial|first|short|brief|incident|an?|the)\s+)*"
    r"(?:summary|summari[sz]e)\b|\bsum (?:it |this |that )?up\b",
    re.IGNORECASE,
)
_QUESTIONS = re.compile(
    r"\b(?:outstanding|open|unanswered|remaining)\b.*\b(?:question|issue|point)s?\b"
    r"|\bquestions?\b.*\b(?:open|left|remain)|\bnobody could answer\b",
    re.IGNORECASE,
)
_SHARED = re.compile(
    r"\b(?:share|send|distribut|circulat|publish|communicat)\w*\b"
    r".*\b(?:stakeholders?|executives?|leadership|management|customers)\b",
    re.IGNORECASE,
)
_MEASURED = re.compile(  # a dashboard is made of what was measured
    r"\b(?:extract|export|collect|gather|pull|save|keep|record)\w*\b.*\b(?:metrics?|numbers)\b"
    r"|\b(?:generat|build|creat|mak|export|prepar|draw)\w*\b.*\bdashboards?\b",
    re.IGNORECASE,
)


def asks_summary(duty: Duty) -> bool:
    """Whether the initial summary is what it asks for; a document of its own is none."""
    return duty.template is None and _SUMMARY.search(duty.title) is not None


def asks_sharing(text: str) -> bool:
    return _SHARED.search(text) is not None and _SUMMARY.search(text) is None


def asks_silence(text: str) -> bool:
    return _SILENCED.search(text) is not None


def asks_stability(text: str) -> bool:
    return not asks_silence(text) and _STABLE.search(text) is not None


def is_done(incident: Incident, duty: Duty) -> bool:
    """As a whole."""
    if duty.template is not None and incident.owed.written:
        return True
    return asks_summary(duty) and incident.owed.summary is not None


def is_proven(incident: Incident, text: str, at: datetime) -> bool:
    """An item of a duty."""
    owed = incident.owed
    if asks_silence(text):
        return any(
            standing.until > at and standing.purpose is not SilencePurpose.ACKNOWLEDGED
            for standing in incident.silences.values()
        )
    if asks_stability(text):
        return owed.stable
    if asks_sharing(text):
        return owed.shared is not None
    if _MEASURED.search(text):
        return owed.reviewed
    if owed.summary and (_SUMMARY.search(text) or _QUESTIONS.search(text)):
        return True
    known = owed.reported or owed.summary is not None
    return known and _RECORDED.search(text) is not None


def looked_at_until(incident: Incident, plan: Plan) -> datetime | None:
    """Until when its criteria are looked at after it is over; None: nothing asks for that."""
    asking = [
        duty.within
        for duty in plan.duties
        if any(asks_stability(text) for text in (duty.title, *(i.text for i in duty.items)))
    ]
    if incident.resolved_at is None or not incident.owed.opened or not asking:
        return None
    return incident.resolved_at + min(max(asking), LOOK_FOR)


def broken(incident: Incident, plan: Plan) -> str:
    """Which criteria of recovery are broken now, as a sentence; empty: none is."""
    found = [
        f'"{one.text}"'
        for one in verification.recovery_criteria(incident, plan)
        if (reading := incident.readings.get(one.id)) and reading.verdict is Verdict.BROKEN
    ]
    return f"{' and '.join(found)} {'are' if len(found) > 1 else 'is'} broken" if found else ""
