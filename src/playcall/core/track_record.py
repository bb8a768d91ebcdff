"""How a playbook did: which of its commands worked and when, by runs and by drills; what became of
each play; which alerts fired that it has no play for. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from playcall.core.drill import Outcome
from playcall.core.drilled import Kept, last_proven
from playcall.core.incident import RunStatus, Status
from playcall.core.plan import Command, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """An incident, as far as a playbook's pages speak of it."""

    id: int
    plan: str  # the digest of the plan that it opened with
    play: str | None
    alert: str  # the name of its first
    title: str
    severity: str
    status: Status
    opened_at: datetime
    resolved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A command's run that has ended, in an incident."""

    written: str  # the command, as the document had it
    run: str
    incident: int
    status: RunStatus
    exit_code: int | None
    at: datetime  # when it ended


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecord:
    """`ran`: its latest run; `worked`: the latest that succeeded; `drill`: the latest in which it
    worked."""

    ran: Ran | None = None
    worked: Ran | None = None
    drill: Kept | None = None

    @property
    def worked_at(self) -> datetime | None:
        return max((one.at for one in (self.worked, self.drill) if one), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayRecord:
    alert: str
    severity: str | None
    line: int
    commands: int
    worked: int  # commands that ever did
    incidents: int
    last: Brief | None  # the latest incident
    solved: Brief | None  # the latest that is over
    drill: Kept | None  # the latest that was not skipped
    proven: Kept | None  # the latest that passed

    @property
    def held(self) -> bool:
        """Whether the latest drill passed."""
        return self.drill is not None and self.drill.outcome is Outcome.PASSED

    @property
    def worked_at(self) -> datetime | None:
        """When an incident that it was for ended, or a drill of it passed."""
        solved = self.solved.resolved_at if self.solved else None
        proven = self.proven.at if self.proven else None
        return max((at for at in (solved, proven) if at), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackRecord:
    """Of one plan."""

    commands: Mapping[str, CommandRecord]  # by the command as written
    plays: tuple[PlayRecord, ...]
    without_play: tuple[Brief, ...]  # incidents that no play was for, the latest of each alert

    def of(self, command: Command) -> CommandRecord:
        return self.commands.get(command.text, CommandRecord())


def every_command(plan: Plan) -> tuple[Command, ...]:
    """All commands of a plan in the order of their kinds: plays, rollback, essentials."""
    rollback = plan.rollback.commands if plan.rollback else ()
    played = tuple(command for play in plan.plays for command in play.commands())
    return (*played, *rollback, *plan.essentials)


def track(
    plan: Plan, incidents: Sequence[Brief], ran: Sequence[Ran], drills: Sequence[Kept]
) -> TrackRecord:
    """The newest first, in each of the three."""
    commands = _commands(every_command(plan), ran, drills)
    return TrackRecord(
        commands=commands,
        plays=tuple(_plays(plan, incidents, commands, drills)),
        without_play=_without_play(plan, incidents),
    )


def _commands(
    commands: Iterable[Command], ran: Sequence[Ran], drills: Sequence[Kept]
) -> dict[str, CommandRecord]:
    latest: dict[str, Ran] = {}
    worked: dict[str, Ran] = {}
    for run in ran:
        latest.setdefault(run.written, run)
        if run.status is RunStatus.SUCCEEDED:
            worked.setdefault(run.written, run)
    drilled: dict[str, Kept] = {}
    for report in drills:
        for text in report.worked:
            drilled.setdefault(text, report)
    return {
        text: CommandRecord(ran=latest.get(text), worked=worked.get(text), drill=drilled.get(text))
        for text in {command.text for command in commands}
    }


def _plays(
    plan: Plan,
    incidents: Sequence[Brief],
    commands: Mapping[str, CommandRecord],
    drills: Sequence[Kept],
) -> Iterable[PlayRecord]:
    for play in plan.plays:
        of_it = [one for one in incidents if one.play == play.alert]
        tried = [d for d in drills if d.alert == play.alert and d.outcome is not Outcome.SKIPPED]
        own = play.commands()
        yield PlayRecord(
            alert=play.alert,
            severity=play.severity,
            line=play.line,
            commands=len(own),
            worked=sum(commands[command.text].worked_at is not None for command in own),
            incidents=len(of_it),
            last=next(iter(of_it), None),
            solved=next((one for one in of_it if one.resolved_at), None),
            drill=next(iter(tried), None),
            proven=last_proven(drills, play.alert),
        )


def _without_play(plan: Plan, incidents: Sequence[Brief]) -> tuple[Brief, ...]:
    found: dict[str, Brief] = {}
    for one in incidents:
        if one.play is None and plan.play(one.alert) is None:
            found.setdefault(one.alert, one)
    return tuple(found.values())
