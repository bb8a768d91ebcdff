"""What became of a command in many incidents, where its text was the one the document has now."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from playcall.core import events as ev
from playcall.core.incident import RunStatus
from playcall.core.insights import Record
from playcall.core.plan import Command
from playcall.core.proposals.values import Evidence, numbered

LONGEST = 200  # characters of an error that are quoted
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
# The world's: who may do what, what answers, what is installed where commands run.
_WORLD = re.compile(
    r"timed? ?out|time limit|deadline|refused|unreachable|unable to connect|no route|resolve"
    r"|reset by peer|broken pipe|\btls\b|ssl|certificate|temporar|unavailable|too many requests"
    r"|forbidden|unauthori[sz]ed|denied|not permitted|credentials?|command not found"
    r"|\b(?:401|403|407|408|429|5\d\d)\b|curl: \((?:5|6|7|16|18|22|28|35|47|52|55|56|60|92)\)",
    re.IGNORECASE,
)
# The command's own: it would fail the same anywhere.
_WRITTEN = re.compile(
    r"unknown (?:shorthand )?flag|un(?:known|recogni[sz]ed) (?:option|argument|command|subcommand)"
    r"|invalid (?:option|argument|flag)|illegal option|unexpected argument|unknown resource"
    r"|have a resource type|syntax error|parse error|unexpected (?:end of file|token)|unmatched"
    r"|curl: \(3\)|bad range|malformed|unbalanced"
    r"|required (?:flag|argument)|missing (?:operand|argument)"
    r"|(?:accepts|requires) (?:at least|at most|exactly) ",
    re.IGNORECASE,
)
# The command's own unless a value of the incident stands in it.
_NOT_THERE = re.compile(
    r"no such file or directory|does not exist|cannot (?:open|access|stat)|\bnotfound\b|not found",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """One run that ended."""

    incident: int
    event: int
    status: RunStatus
    summary: str
    error: str  # what it printed last, on one line; "": nothing
    edited: str  # the text that a person had it run with; "": the document's


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    runs: tuple[Ended, ...]

    @property
    def plain(self) -> tuple[Ended, ...]:
        """Those of the document's own text."""
        return tuple(one for one in self.runs if not one.edited)

    @property
    def failed(self) -> tuple[Ended, ...]:
        return tuple(one for one in self.plain if one.status is RunStatus.FAILED)

    @property
    def never_succeeded(self) -> bool:
        return not any(one.status is RunStatus.SUCCEEDED for one in self.plain)


def history(records: Sequence[Record], command: Command) -> History:
    return History(runs=tuple(ended for one in records for ended in _ended(one, command)))


def _ended(record: Record, now: Command) -> Iterator[Ended]:
    key = _id_then(record, now)
    if not key:
        return
    asked, runs_with = "", dict[str, str]()
    for number, event in numbered(record):
        match event:
            case ev.RunEdited(command=which) if which == key:
                asked = event.text
            case ev.RunDeclined(command=which) | ev.RequestExpired(command=which) if which == key:
                asked = ""
            case ev.CommandBegun(command=which) if which == key:
                runs_with[event.run], asked = asked, ""
            case ev.CommandFinished(command=which) if which == key:
                yield Ended(
                    incident=record.incident.id,
                    event=number,
                    status=event.status,
                    summary=plain(event.summary),
                    error=_error(event),
                    edited=runs_with.get(event.run, asked),
                )
            case _:
                pass


def _id_then(record: Record, now: Command) -> str:
    """What the command was called in that incident's document; "": it had no such command."""
    play = record.plan.play(record.incident.play or "")
    same = [one.id for one in play.commands() if one.text == now.text] if play else []
    return now.id if now.id in same else same[0] if len(same) == 1 else ""


def _error(event: ev.CommandFinished) -> str:
    head, mark, said = plain(event.summary).partition(": ")
    return (said if mark else "") if head.startswith("exit code") else plain(event.summary)


def plain(text: str) -> str:
    """On one line, without what moves a terminal, and not too long."""
    said = " ".join(_CONTROL.sub(" ", _ANSI.sub("", text)).split())
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 1]}…"


def is_of_the_world(one: Ended) -> bool:
    return _WORLD.search(one.error) is not None


def is_of_the_command(one: Ended, command: Command) -> bool:
    """Whether it failed for what it says, and would again."""
    if is_of_the_world(one):
        return False
    if _WRITTEN.search(one.error):
        return True
    return not command.placeholders and _NOT_THERE.search(one.error) is not None


def as_evidence(runs: Sequence[Ended]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(incident=one.incident, event=one.event, what=f"{one.status}: {one.summary}")
        for one in runs
    )
