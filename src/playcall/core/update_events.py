"""What the public and the stakeholders are told of an incident: a part of the Events."""

from dataclasses import dataclass
from datetime import datetime

from playcall.core.status_update import StatusUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePublished:
    """An update of the status page, in the words in which it went out."""

    at: datetime
    by: str  # a person, or Playcall where the settings let it publish by itself
    update: StatusUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateReminded:
    """The communications lead was told that an update is due soon."""

    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMissed:
    """An update was due, and none was published."""

    at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeholdersTold:
    """An audience was sent a summary."""

    at: datetime
    audience: str
    number: int  # of this audience, from 1
    recipients: tuple[str, ...]  # roles


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeholdersMissed:
    """A summary was due, and did not reach a recipient in time."""

    at: datetime
    audience: str
    role: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSent:
    """A template of the document, filled, was sent to a role."""

    at: datetime
    by: str
    template: str  # its name
    role: str
    subject: str
    body: str


TellingEvent = (
    UpdatePublished
    | UpdateReminded
    | UpdateMissed
    | StakeholdersTold
    | StakeholdersMissed
    | TextSent
)
