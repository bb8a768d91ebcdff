"""What the screen shows, as text without markup. Nothing that was written elsewhere steers it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from rich.text import Text

from playcall.cli.console import harmless, harmless_lines
from playcall.cli.entries import say_entry
from playcall.cli.instants import clock
from playcall.core.wording import say_value

Known = dict[str, Any]  # as the API tells it

LATEST = 200  # lines of the timeline
_SEVERITIES = {
    "CRITICAL": "bold white on red",
    "HIGH": "bold yellow",
    "WARNING": "yellow",
    "INFO": "blue",
}
_RUNS = {
    "succeeded": "green",
    "running": "cyan",
    "pending": "cyan",
    "failed": "red",
    "timed out": "red",
    "unknown": "bold red",
}
_UNITS = ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s"))


def row(one: Known, detail: Known | None, update: str | None, now: datetime, width: int) -> Text:
    """An incident on the board, in two lines and a third for what is due."""
    severity = harmless(one["severity"])
    first = Text(f"{one['id']} ").append(severity, _SEVERITIES.get(severity, "bold"))
    first.append(f" {span(now - _at(one['fired_at']))}")
    first.append(f" {_holder(one)}", "dim" if one["acknowledged_by"] else "")
    lines = [first, Text(harmless(one["title"]))]
    due = _dues(detail, update, now)[:1] if detail else []
    lines += [Text("→ ").append_text(line) for line in due]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n").join(lines)


def incident(found: Known, update: str | None, now: datetime) -> Text:
    parts = [
        _headline(found, now),
        _titled("Due next", _dues(found, update, now)),
        _titled("Asked", _questions(found)),
        _titled("Waits for approval", [approval(one) for one in waiting(found)]),
        _titled("Diagnostics", _runs(found)),
        _titled("Measured", map(_criterion, found["criteria"])),
        _titled("Timeline, latest first", map(_entry, found["timeline"][: -LATEST - 1 : -1])),
    ]
    return Text("\n\n").join(part for part in parts if part)


def waiting(found: Known) -> list[Known]:
    """The commands that somebody may let run."""
    if over(found):
        return []
    return [
        one
        for one in found["commands"]
        if one["effect"] in ("change", "heavy") and (one["run"] is None or one["ask"]["asked_by"])
    ]


def question(found: Known) -> Known | None:
    """What the document asks now; one whose time has come goes before others."""
    asking = sorted((t for t in found["trees"] if t["asked"]), key=lambda tree: not tree["due"])
    return asking[0]["asked"] if asking else None


def approval(one: Known) -> Text:
    """A command as it was written, and as it would run."""
    guard = f" [{harmless(one['guard'])}]" if one["guard"] else ""
    text = Text().append(f"{one['id']} ", "bold").append(harmless(one["title"]) + guard)
    text.append(f"  {one['effect']}", "red" if one["effect"] == "change" else "yellow")
    for line in harmless_lines(one["as_written"]):
        text.append(f"\n    {line}")
    asked = one["ask"]
    if asked["text"] != one["as_written"]:
        for line in harmless_lines(asked["text"]):
            text.append(f"\n -> {line}", "cyan")
    if one["missing"]:
        text.append(f"\n    needs {harmless(', '.join(one['missing']))}", "yellow")
    if asked["asked_by"]:
        who = " and ".join(asked["approved_by"])
        said = f"{who} approved it" if who else f"{asked['asked_by']} asks for it"
        text.append(f"\n    {harmless(said)}", "yellow")
    return text


def what_runs(one: Known, incident: int) -> Text:
    """Everything a person decides on before they approve."""
    asked = one["ask"]
    text = Text()
    text.append(f"Incident {incident}, {one['id']}: {harmless(one['title'])}", "bold")
    for line in harmless_lines(asked["text"]):
        text.append(f"\n  {line}", "cyan")
    about = [
        ("where", asked["where"]),
        (asked["effect"], "; ".join(asked["reasons"])),
        ("names", ", ".join(asked["names"])),
        ("proven by", "; ".join(asked["verified_by"])),
        ("edited by", asked["edited_by"] or ""),
        ("approved by", ", ".join(asked["approved_by"])),
    ]
    for name, said in about:
        if said:
            text.append(f"\n{name}: ", "bold").append(harmless(said))
    for line in harmless_lines(asked["diff"]):
        text.append(f"\n  {line}")
    if asked["people"] > 1:
        text.append(f"\nIt needs {asked['people']} people.", "yellow")
    return text


def span(lasting: timedelta) -> str:
    """'45s', '4m05s', '2h10m', '3d04h'."""
    seconds = max(0, round(lasting.total_seconds()))
    for size, unit, part, smaller in _UNITS:
        if seconds >= size:
            return f"{seconds // size}{unit}{seconds % size // part:02}{smaller}"
    return f"{seconds}s"


def _headline(found: Known, now: datetime) -> Text:
    severity = harmless(found["severity"])
    text = Text().append(f"Incident {found['id']}: {harmless(found['title'])}\n", "bold")
    text.append(severity, _SEVERITIES.get(severity, "bold"))
    who = "" if over(found) else f"{_holder(found)}, "
    text.append(f" {found['status']}, {who}fired {span(now - _at(found['fired_at']))} ago")
    for part, people in found["parts"].items():
        text.append(f"\n{part.capitalize()}: {harmless(', '.join(people))}")
    if found["unreached"]:
        text.append(f"\n{harmless(found['unreached'])}", "red")
    for note in found["notes"]:
        text.append(f"\n{harmless(note)}.", "yellow")
    return text


def _dues(found: Known, update: str | None, now: datetime) -> list[Text]:
    """What happens next, or should; the earliest first."""
    if over(found):
        return []
    following = found["next"]
    dues = [(found["respond_by"], "acknowledge"), (update, "status update")]
    if following:
        dues.append((following["at"], f"call {' and '.join(following['roles'])}"))
    dues += [(box["ends"], f"{box['phase']} ends") for box in found["boxes"] if not box["ended"]]
    if found["quiet"]:
        dues.append((found["quiet"]["until"], "pages go on"))
    for one in waiting(found):
        if one["ask"]["asked_by"]:
            dues.append((one["ask"]["expires_at"], f"approval of {one['id']} lapses"))
    dues.sort(key=lambda due: due[0] or "")
    return [_due(_at(at), what, now) for at, what in dues if at]


def _due(at: datetime, what: str, now: datetime) -> Text:
    if at < now:
        return Text().append(f"late by {span(now - at)}", "bold red").append(f": {harmless(what)}")
    return Text(f"in {span(at - now)}: {harmless(what)}")


def _questions(found: Known) -> Iterator[Text]:
    asked = question(found)
    if asked and not over(found):
        labels = " / ".join(harmless(label) for label in asked["answers"])
        yield Text().append(harmless(asked["text"]), "yellow").append(f"  {labels}")


def _runs(found: Known) -> Iterator[Text]:
    for one in found["commands"]:
        run = one["run"]
        if run is None:
            continue
        text = Text(f"{one['id']} ").append(f"{run['status']:<10}", _RUNS.get(run["status"], "dim"))
        text.append(f" {harmless(one['title'])}")
        if run["summary"]:
            text.append(f"\n    {harmless(run['summary'])}", "dim")
        yield text


def _criterion(one: Known) -> Text:
    if one["query"] is None:
        said = "look at it yourself"
    elif one["value"] is None:
        said = "no data" if one["read_at"] else "not measured yet"
    else:
        said = say_value(one["value"], one["unit"])
    text = Text().append(f"{one['verdict']:<8}", "yellow" if one["verdict"] == "unknown" else "")
    return text.append(f" {harmless(one['text'])}: {said}")


def _entry(entry: Known) -> Text:
    return Text().append(f"{clock(entry['at'])}  ", "dim").append(say_entry(entry))


def _holder(one: Known) -> str:
    if over(one):
        return str(one["status"])
    return harmless(one["acknowledged_by"] or "nobody has it")


def over(one: Known) -> bool:
    return one["status"] in ("resolved", "closed")


def _titled(title: str, lines: "Iterator[Text] | list[Text] | map[Text]") -> Text:
    found = list(lines)
    return Text("\n").join([Text(title, "bold underline"), *found]) if found else Text()


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)
