"""What a document leaves open about the response, and an installation decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from playcall.core.access import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPolicy:
    """Who may let a command run, beyond what the document demands; the strictest counts."""

    own: bool = True  # whoever asks may approve as well
    stand_for: timedelta = timedelta(minutes=15)  # how long an approval is worth a start
    heavy: Access = Access.RESPONDER
    change: Access = Access.RESPONDER
    alerts: Mapping[str, Access] = field(default_factory=dict)  # for the changes of a play
    two_people: tuple[str, ...] = ()  # "ALERT": the changes of its play; "ALERT 3.1": one command


@dataclass(frozen=True, slots=True, kw_only=True)
class FactQuery:
    """A number that texts may need: 'migrations affected'."""

    name: str
    promql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdatePolicy:
    """How the public and the stakeholders are told, beyond what the document says."""

    by_itself: bool = False  # Playcall publishes its draft when an update is due
    severities: tuple[str, ...] = ()  # that belong on the status page; none: those that may wake
    first_within: timedelta = timedelta(minutes=5)  # of the first update, and of the last
    remind_before: timedelta = timedelta(minutes=3)
    title: str = ""  # for the public; empty: the document's own words
    titles: Mapping[str, str] = field(default_factory=dict)  # by alert
    components: tuple[str, ...] = ()
    facts: tuple[FactQuery, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureQuery:
    """A number for the post-mortem: 'share of migrations that failed'. `$window` in its query is
    how long the incident lasted."""

    name: str
    promql: str
    unit: str = ""  # as it stands after the number: "%"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewPolicy:
    """What the metrics review of an incident shows, beyond what the document says."""

    before: timedelta = timedelta(hours=1)  # the alert
    after: timedelta = timedelta(minutes=5)  # the resolution
    figures: tuple[FigureQuery, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponsePolicy:
    """Kept in the plan, so that a decision depends on nothing else."""

    repeat_after: timedelta = timedelta(minutes=15)  # from the last rung to the next round
    snooze_at_most: timedelta = timedelta(hours=4)
    reopen_within: timedelta = timedelta(minutes=30)  # a relapse within it is the same incident
    silence_acknowledged: timedelta | None = None  # for how long at a time; None: not silenced
    resolves_itself: tuple[str, ...] = ()  # alerts whose incidents need no person to end
    approvals: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    zone: str = "UTC"  # the team's; for post-mortems and meetings
    updates: UpdatePolicy = field(default_factory=UpdatePolicy)
    review: ReviewPolicy = field(default_factory=ReviewPolicy)
    war_room: str = ""  # where people meet; "{incident}" is the incident's number

    def meeting_of(self, incident: int) -> str:
        """Where people meet about an incident; empty: nowhere in particular."""
        return self.war_room.replace("{incident}", str(incident))
