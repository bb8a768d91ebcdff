"""Patches, applied by real git and real patch to bytes as they were handed over; and commands that
really fail as written."""

import re
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from urllib.parse import parse_qs, urlsplit

import pytest

from playcall.core import events as ev
from playcall.core.compiler import Compiled, compile_document
from playcall.core.compiler.text import read_text
from playcall.core.incident import Status
from playcall.core.insights import Record
from playcall.core.plan import EffectClass, Plan, Purpose
from playcall.core.proposals import Kind, Proposed, propose
from playcall.core.proposals.patch import CannotPatch, patched, unified
from playcall.core.proposals.values import Edit
from playcall.engine.ports import Exit
from playcall.runner.local import Local
from playcall.testing import NOON, an_opening
from tests.core.proposing import DOCUMENT, NAME, a_record, changed, ran, the_plan
from tests.core.responding import after, opened
from tests.servers import answering
from tests.test_inventory import FIRST, OURS, needs_first


def applied(folder: Path, name: str, data: bytes, patch: bytes) -> bytes:
    """What both programs make of it, which is the same."""
    made = []
    for argv in (["git", "apply", "the.diff"], ["patch", "-s", "-p0", "-i", "the.diff"]):
        place = folder / argv[0]
        place.mkdir()
        (place / name).write_bytes(data)
        (place / "the.diff").write_bytes(patch)
        done = subprocess.run(argv, cwd=place, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr + done.stdout
        assert {path.name for path in place.iterdir()} == {name, "the.diff"}
        made.append((place / name).read_bytes())
    assert made[0] == made[1]
    return made[0]


def records_of(plan: Plan) -> list[Record]:
    """One incident of each play: every query was answered, and a change succeeded."""
    found = []
    for number, play in enumerate(plan.plays, 1):
        events: list[ev.Event] = [an_opening(incident=number, play=play.alert)]
        for one in play.commands():
            if one.runs_as and one.runs_as.kind == "promql":
                events.append(ran(one.id))
        changes = [one.id for one in play.commands() if one.effect is EffectClass.CHANGE]
        events += changed(changes[0]) if changes else ()
        state = replace(
            after(opened(plan, play=play.alert), plan=plan), id=number, status=Status.RESOLVED
        )
        found.append(Record(incident=state, plan=plan, events=events))
    return found


def proposed(data: bytes, name: str, records: Sequence[Record]) -> Proposed:
    found = propose(data, name, (), records)
    assert found is not None
    return found


def told(compiled: Compiled) -> set[tuple[str, str]]:
    """Problems, without the numbers of lines."""
    return {(one.code, re.sub(r"\d+", "", one.what)) for one in compiled.problems}


@needs_first
def test_the_first_documents_faults_are_gone_once_the_patch_is_applied(tmp_path: Path) -> None:
    path = FIRST
    data, before = path.read_bytes(), compile_document(path.read_bytes(), path.name)
    assert before.plan is not None
    found = proposed(data, path.name, records_of(before.plan))
    edits = [one.edit for one in found.proposals if one.edit]
    mended = applied(tmp_path, path.name, data, found.patch)
    after = compile_document(mended, path.name)
    assert after.plan is not None
    assert not told(after) - told(before)
    kept = mended.splitlines()
    assert [line for line in data.splitlines() if line not in kept] == [
        line.encode() for edit in edits for line in edit.old
    ]
    asked = [one.runs_as for play in after.plan.plays for one in play.commands()]
    assert asked == [one.runs_as for play in before.plan.plays for one in play.commands()]
    assert proposed(mended, path.name, records_of(after.plan)).patch == b""
    assert found.unpatched == ""


def test_for_a_document_without_such_faults_no_edit_is_proposed() -> None:
    plan = compile_document(OURS.read_bytes(), OURS.name).plan
    assert plan is not None
    assert proposed(OURS.read_bytes(), OURS.name, records_of(plan)).patch == b""


@needs_first
def test_what_is_proposed_for_the_first_document() -> None:
    data = FIRST.read_bytes()
    plan = compile_document(data, FIRST.name).plan
    assert plan is not None
    found = proposed(data, FIRST.name, records_of(plan))
    edits = [(one.kind, one.line) for one in found.proposals if one.edit]
    assert edits == [
        (Kind.COMMAND, 119), (Kind.COMMAND, 123), (Kind.VERIFICATION, 159), (Kind.COMMAND, 202),
        (Kind.COMMAND, 205), (Kind.COMMAND, 268), (Kind.VERIFICATION, 346), (Kind.COMMAND, 365),
        (Kind.VERIFICATION, 431),
    ]  # fmt: skip
    after = compile_document(
        patched(data, read_text(data, "").lines, [one.edit for one in found.proposals if one.edit]),
        FIRST.name,
    )
    assert after.plan is not None
    errors = {one.code for one in after.problems if one.level == "error"}
    assert errors == {"PC202"}  # "${i}" is never set: nobody knows what was meant
    over = [
        one.text
        for play in after.plan.plays
        for one in play.criteria
        if one.purpose is Purpose.RECOVERY
    ]
    assert over == [
        "Verify overall compliance >=50% for 5 minutes",
        "Verify P99 latency <500ms for 5 consecutive minutes",
        "Verify throughput >=2.0 GB/s for 5 minutes",
        "Verify error rate <=10 errors/sec for 5 minutes",
    ]


DAMAGED = "Latency → high ⚠️ and › more".encode().decode("mac_roman")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.removesuffix("\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("# Playbook", f"# {DAMAGED}"),
        lambda text: text.replace("#### Immediate", f"#### {DAMAGED} Immediate"),
    ],
)
def test_untouched_bytes_stay_as_they_were(change: "object", tmp_path: Path) -> None:
    assert callable(change)
    data: bytes = change(DOCUMENT).encode()
    plan = compile_document(data, NAME).plan
    assert plan is not None
    records = [a_record(n, ran("1.1"), ran("1.2"), *changed(), plan=plan) for n in (1, 2, 3)]
    found = proposed(data, NAME, records)
    assert len([one for one in found.proposals if one.edit]) == 3
    mended = applied(tmp_path, NAME, data, found.patch)
    end = b"\r\n" if b"\r" in data else b"\n"
    assert mended.count(end) == data.count(end) + 3
    assert mended.count(b"\n") == mended.count(end)
    assert mended.endswith(b"\n") == data.endswith(b"\n")
    old = [line for line in data.split(end) if line not in mended.split(end)]
    assert len(old) == 2


def test_a_damaged_line_is_edited_in_place_or_not_at_all() -> None:
    line = f"- {DAMAGED} 500ms"
    data = f"{line}\n".encode()
    lines = read_text(data, "x.md").lines
    assert lines[0] != line
    edit = Edit(line=1, old=lines, new=(lines[0].replace("500ms", "800ms"),), what="")
    assert patched(data, lines, [edit]) == data.replace(b"500ms", b"800ms")
    with pytest.raises(CannotPatch, match="damaged"):
        patched(data, lines, [replace(edit, new=(lines[0].replace("→", "->"),))])
    with pytest.raises(CannotPatch, match="not what it was"):
        patched(data, lines, [replace(edit, old=("else",))])


def test_edits_at_both_ends_of_a_document_without_a_last_newline(tmp_path: Path) -> None:
    lines = tuple(str(number) for number in range(30))
    data = "\n".join(lines).encode()
    edits = [
        Edit(line=1, old=(), new=("first",), what=""),
        Edit(line=15, old=("14", "15"), new=("x",), what=""),
        Edit(line=30, old=("29",), new=("last", "y"), what=""),
    ]
    patch = unified(data, lines, edits, "two words.md")
    made = applied(tmp_path, "two words.md", data, patch)
    assert made == patched(data, lines, edits)
    assert made.startswith(b"first\n0\n")
    assert made.endswith(b"28\nlast\ny")


async def test_a_curl_that_fails_as_written_and_answers_as_proposed() -> None:
    """Really run, both of them, against a server that knows what it was asked."""
    asked: list[str] = []

    class Prometheus(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.extend(parse_qs(urlsplit(self.path).query)["query"])
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with answering(Prometheus, Event()) as url:
        text = DOCUMENT.replace("http://prometheus:9090", url)
        plan = the_plan(text)
        written = plan.plays[0].commands()[0]
        runner = Local({"PATH": "/usr/bin:/bin"})

        async def end_of(command: str) -> Exit:
            limit = timedelta(seconds=20)
            *_, end = [one async for one in runner.run(command, time_limit=limit)]
            assert isinstance(end, Exit)
            return end

        assert (await end_of(written.text)).exit_code == 3
        found = proposed(text.encode(), NAME, [a_record(1, ran("1.1"), plan=plan)])
        (one,) = found.proposals
        assert one.edit is not None
        assert (await end_of(one.edit.new[0])).exit_code == 0
        assert asked == ["rate(queue_total[5m])"]
        third = await end_of(plan.plays[0].commands()[2].text)
        failed = ev.CommandFinished(
            at=NOON, command="1.3", run="1/1.3/1", status=third.status, exit_code=third.exit_code,
            summary=third.summary,
        )  # fmt: skip
        (told,) = proposed(text.encode(), NAME, [a_record(1, failed, plan=plan)]).proposals
        assert (told.line, told.edit) == (21, None)
