"""Commands that failed as written: because no shell runs them so, or because they did."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from playcall.core.compiler.shell.reader import why_unreadable
from playcall.core.incident import RunStatus
from playcall.core.insights import Record
from playcall.core.place import Level, Problem
from playcall.core.plan import Command, Plan, Play
from playcall.core.proposals.runs import (
    Ended,
    History,
    as_evidence,
    history,
    is_of_the_command,
    is_of_the_world,
)
from playcall.core.proposals.values import (
    SEVERAL,
    Document,
    Edit,
    Expected,
    Kind,
    Proposal,
    Records,
    count,
)

_REFUSED = ("PC203", "PC204")  # what no shell, or no program, takes as it is written
_CURL = re.compile(
    r"\bcurl(?P<options>(?:\s+-[a-zA-Z]+)*)\s+(?P<quote>[\"']?)(?P<url>https?://[^\s\"'?]+)"
    r"\?query=(?P<query>[^\"'&%+#]+?)(?P=quote)(?=\s|$|['\"|;)])"
)
_PROMTOOL = re.compile(r"\bpromtool query instant(?=\s)")
_HIDDEN = "[redacted"


def failed_commands(document: Document, records: Records) -> Iterator[Proposal]:
    for play in document.plan.plays:
        some = records.get(play.alert, ())
        for command in play.commands() if some else ():
            found = history(some, command)
            proposal = _refused(document, play, command, found) or _failed(
                document, play, command, found, some
            )
            if proposal is not None:
                yield proposal


# --- what cannot run as it is written, and was translated -----------------------------------------


def _refused(document: Document, play: Play, command: Command, found: History) -> Proposal | None:
    """The compiler knows that it fails; the runs prove that what ran in its place answers."""
    fault = _fault(document, command)
    asked = command.runs_as
    answered = [
        one for one in found.plain if one.status is RunStatus.SUCCEEDED and one.summary != "no data"
    ]
    if fault is None or asked is None or asked.kind != "promql" or not answered:
        return None
    edit = _mended(document, command, fault.code)
    place = document.place_of(play, command)
    incidents = len({one.incident for one in answered})
    return Proposal(
        kind=Kind.COMMAND,
        play=play.alert,
        line=command.line,
        reason=f"Command {command.id} cannot run as written: {fault.what} Playcall asked"
        f" Prometheus for its query itself, and that was answered {count(len(answered), 'time')}"
        f" in {count(incidents, 'incident')}.",
        otherwise=fault.mend,
        evidence=as_evidence(answered),
        edit=edit,
        expected=Expected(
            changes=tuple(f"{place}.{name}" for name in ("text", "reasons")),
            mends=((fault.code, fault.what),),
            values=((f"{place}.runs_as.text", asked.text), (f"{place}.effect", command.effect)),
        )
        if edit
        else None,
    )


def _fault(document: Document, command: Command) -> Problem | None:
    """Why no shell, or no program, takes it as it is written."""
    return next(
        (
            one
            for one in document.problems
            if one.code in _REFUSED
            and one.level is Level.ERROR
            and command.line <= one.place.line <= command.last_line
        ),
        None,
    )


def _mended(document: Document, command: Command, code: str) -> Edit | None:
    old = document.lines[command.line - 1 : command.last_line]
    if code == "PC203":
        new = tuple(_CURL.sub(_with_data, line) for line in old)
    else:
        server = _server(document.plan)
        if not server:
            return None
        new = tuple(_PROMTOOL.sub(f"promtool query instant {server}", line) for line in old)
    return _narrowed(command.line, tuple(old), new)


def _with_data(found: re.Match[str]) -> str:
    """The query as data, which curl encodes: brackets and braces are no pattern there."""
    quote = found["quote"] or "'"
    said = f"{quote}query={found['query']}{quote}"
    return f"curl{found['options']} -G {found['url']} --data-urlencode {said}"


def _server(plan: Plan) -> str:
    """The only Prometheus that the document's own commands ask; "": there are several, or none."""
    texts = [one.text for play in plan.plays for one in play.commands()]
    texts += [one.text for one in plan.essentials]
    found = {
        f"{url.scheme}://{url.netloc}"
        for text in texts
        for each in re.findall(r"https?://[^\s\"'?]+(?=/api/v1/query)", text)
        if (url := urlsplit(each)).netloc and "@" not in url.netloc
    }
    return found.pop() if len(found) == 1 else ""


def _narrowed(line: int, old: Sequence[str], new: Sequence[str]) -> Edit | None:
    """Only the lines that change; None: none does."""
    changed = [at for at, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    if not changed:
        return None
    part = slice(changed[0], changed[-1] + 1)
    return Edit(
        line=line + part.start,
        old=tuple(old[part]),
        new=tuple(new[part]),
        what="Asks the same query in a form that runs.",
    )


# --- what ran, and failed -------------------------------------------------------------------------


def _failed(
    document: Document, play: Play, command: Command, found: History, records: Sequence[Record]
) -> Proposal | None:
    """It never succeeded with the text that the document has."""
    failed = found.failed
    if not failed or not found.never_succeeded:
        return None
    fault = _fault(document, command)
    own = [one for one in failed if is_of_the_command(one, command)]
    if fault and not own:  # it may have printed nothing
        own = [one for one in failed if f"({one.summary})".replace(" code", "") in fault.what]
    told = own or [one for one in failed if one.error]
    if not own and len(told) < SEVERAL:
        return None
    edit, worked = _as_edited(document, command, found, records)
    said = told[-1].error or (fault.what.rstrip(".") if fault else "")
    if own:
        why = f"Command {command.id} failed as written: {said}."
    else:
        whose = "by the world around it, it may be" if is_of_the_world(told[-1]) else "every time"
        why = (
            f"Command {command.id} never succeeded, and failed {len(told)} times ({whose}): {said}."
        )
    if edit and worked:
        why += f" A person had it run with another text, and that succeeded {_where(worked)}."
    place = document.place_of(play, command)
    return Proposal(
        kind=Kind.COMMAND,
        play=play.alert,
        line=command.line,
        reason=why,
        otherwise="Write it so that it runs where commands run, or leave it out.",
        evidence=(*as_evidence(told), *as_evidence(worked if edit else ())),
        edit=edit,
        expected=Expected(
            changes=tuple(f"{place}.{n}" for n in ("text", "reasons", "runs_as", "placeholders")),
            values=((f"{place}.effect", command.effect),),
        )
        if edit
        else None,
    )


def _where(worked: Sequence[Ended]) -> str:
    return "in incident " + ", ".join(dict.fromkeys(str(one.incident) for one in worked))


def _as_edited(
    document: Document, command: Command, found: History, records: Sequence[Record]
) -> tuple[Edit | None, tuple[Ended, ...]]:
    """The text with which a person had it run, if it always succeeded and holds nothing that is
    the incident's own, or secret."""
    tried = [one for one in found.runs if one.edited]
    texts = list(dict.fromkeys(one.edited for one in tried if one.status is RunStatus.SUCCEEDED))
    bad = {one.edited for one in tried if one.status is not RunStatus.SUCCEEDED}
    old = document.lines[command.line - 1]
    if len(texts) != 1 or texts[0] in bad or command.last_line != command.line:
        return None, ()
    text = texts[0]
    if old.count(command.text) != 1 or not _may_be_written(text, command, records):
        return None, ()
    new = old.replace(command.text, text)
    worked = tuple(one for one in tried if one.edited == text)
    what = "Puts in the text that succeeded."
    return Edit(line=command.line, old=(old,), new=(new,), what=what), worked


def _may_be_written(text: str, command: Command, records: Sequence[Record]) -> bool:
    if "\n" in text or why_unreadable(text) or _HIDDEN in text or "```" in text or "<!--" in text:
        return False
    return not any(
        value in text and value not in command.text
        for record in records
        for value in _values(record)
    )


def _values(record: Record) -> Iterator[str]:
    """What is the incident's own: labels, annotations, and what placeholders stood for."""
    incident = record.incident
    yield from (value for value in incident.values.values() if value)
    for member in incident.alerts.values():
        told = (*member.alert.labels.values(), *member.alert.annotations.values())
        yield from (value for value in told if value)
