"""What stands beside a document's lines: each command's class, what became of it, and problems."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from playcall.core.place import Problem
from playcall.core.plan import Command, Plan, Play
from playcall.core.track_record import CommandRecord, TrackRecord, every_command
from playcall.web.document_html import Drawn, draw, visible
from playcall.web.templates import environment

environment.filters["visible"] = visible


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """A command with its record."""

    command: Command
    record: CommandRecord


def drawn(
    name: str, lines: Sequence[str], plan: Plan, record: TrackRecord, problems: Sequence[Problem]
) -> Drawn:
    ends: dict[int, int] = {}
    for command in every_command(plan):
        ends[command.line] = max(command.last_line, ends.get(command.line, 0))
    return draw(lines, ends, _notes(name, plan, record, problems))


def _notes(
    name: str, plan: Plan, record: TrackRecord, problems: Sequence[Problem]
) -> Callable[[int, int], Markup]:
    commands: dict[int, list[Noted]] = {}
    for command in every_command(plan):
        noted = Noted(command=command, record=record.of(command))
        commands.setdefault(command.line, []).append(noted)
    wrong: dict[int, list[Problem]] = {}
    for problem in problems:
        if problem.place.file == plan.source:
            wrong.setdefault(problem.place.line, []).append(problem)
    plays: dict[int, list[Play]] = {}
    for play in plan.plays:
        plays.setdefault(play.line, []).append(play)
    template = environment.get_template("playbook_notes.html")

    def note(first: int, last: int) -> Markup:
        lines = range(first, last + 1)
        found = {
            "commands": [one for line in lines for one in commands.get(line, ())],
            "problems": [one for line in lines for one in wrong.get(line, ())],
            "plays": [one for line in lines for one in plays.get(line, ())],
        }
        if not any(found.values()):
            return Markup()
        return Markup(template.render(name=name, **found))

    return note
