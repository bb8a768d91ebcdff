"""The words people receive, as a value: rendered once, stored as sent."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a message, by the channels that can take one."""

    name: str  # "post-mortem-1.md"
    kind: str  # "text/markdown"
    data: bytes


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
    whole: bool = False  # its text is the point: it is put together with no other
    paper: int = 0  # the version of the post-mortem that goes with it; 0: none
    attachments: tuple[Attachment, ...] = ()  # made of it as it is sent, and kept nowhere
    acknowledge: str = ""  # a link for one person, good once; empty: nothing to acknowledge
