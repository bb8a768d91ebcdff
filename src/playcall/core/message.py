"""The words people receive, as a value: rendered once, stored as sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message in plain text; channels escape it for their medium and never rewrite it."""

    subject: str  # one line
    body: str
    link: str  # to the incident
    thread: str  # the same for all messages of an incident
    urgent: bool  # a page, not a notice
    incident: int | None = None  # None: it is about no incident
    conference: bool = False  # a call that answers it joins the incident's conference
    acknowledge: str = ""  # a link for one person, good once; empty: nothing to acknowledge
