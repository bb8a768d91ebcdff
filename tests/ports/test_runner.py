"""Commands as real bash processes, those included that do not want to end."""

import asyncio
import os
import signal
import sys
import tracemalloc
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from playcall.core.incident import RunStatus
from playcall.core.plan import EffectClass
from playcall.engine.ports import Exit, Output, Unavailable
from playcall.runner.bounds import Bounds, why_not_read_only
from playcall.runner.guard import Guard
from playcall.runner.local import MINIMAL, Local
from playcall.runner.printed import Kept
from playcall.runner.redaction import Redactor
from playcall.runner.strays import VARIABLE, Marks
from tests.servers import wait_until

LONG = timedelta(seconds=30)
SHORT = timedelta(milliseconds=300)


@dataclass
class Ran:
    pieces: list[bytes] = field(default_factory=list)
    exits: list[Exit] = field(default_factory=list)

    @property
    def output(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def text(self) -> str:
        return self.output.decode()

    @property
    def end(self) -> Exit:
        (end,) = self.exits
        return end


async def run(command: str, runner: Local | None = None, time_limit: timedelta = LONG) -> Ran:
    ran = Ran()
    async for piece in (runner or Local({})).run(command, time_limit=time_limit):
        assert not ran.exits, "Exit is the last thing a run yields"
        if isinstance(piece, Exit):
            ran.exits.append(piece)
        else:
            ran.pieces.append(piece.data)
    return ran


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def gone(pid: int) -> None:
    async def look() -> bool:
        return not lives(pid)

    await wait_until(look, f"end of process {pid}", seconds=10)


# --- What a command sees -------------------------------------------------------------------------


async def test_output_and_errors_come_in_the_order_they_were_written() -> None:
    ran = await run("echo 1; echo 2 >&2; echo 3; echo 4 >&2")
    assert ran.text == "1\n2\n3\n4\n"
    assert ran.end == Exit(status=RunStatus.SUCCEEDED, exit_code=0, summary="4")


async def test_output_comes_while_the_command_runs() -> None:
    async with aclosing(Local({}).run("echo first; sleep 60", time_limit=LONG)) as pieces:
        assert await anext(pieces) == Output(data=b"first\n")


async def test_nothing_of_our_environment_reaches_a_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OF_PLAYCALL", "secret")
    ran = await run("env", Local({"KUBECONFIG": "/etc/kube", "LANG": "C"}))
    names = dict(line.split("=", 1) for line in ran.text.splitlines())
    assert names.keys() == {
        *("PATH", "HOME", "TMPDIR", "LANG", "KUBECONFIG", "PLAYCALL_RUN", "PWD", "SHLVL", "_")
    }
    assert (names["KUBECONFIG"], names["LANG"]) == ("/etc/kube", "C")


async def test_no_descriptor_of_ours_reaches_a_command() -> None:
    ours = os.open("/etc/passwd", os.O_RDONLY)
    os.set_inheritable(ours, True)
    ran = await run("for fd in /proc/$$/fd/*; do readlink $fd; done; cat")
    os.close(ours)
    names = ran.text.split()
    assert names[0] == "/dev/null"
    assert "/etc/passwd" not in names


async def test_a_command_has_a_directory_of_its_own_that_is_gone_afterwards(
    tmp_path: Path,
) -> None:
    runner = Local({}, directory=tmp_path)
    ran = await run("pwd; echo $HOME; mkdir -p a/b; touch a/b/c; ls", runner)
    here, home, entry = ran.text.split()
    assert Path(here).parent == tmp_path
    assert (home, entry) == (here, "a")
    assert os.listdir(tmp_path) == []


async def test_files_beside_the_document_are_there_and_survive(tmp_path: Path) -> None:
    files = tmp_path / "files"
    (files / "configs").mkdir(parents=True)
    (files / "configs" / "good.yaml").write_text("kind: ConfigMap\n")
    (files / "run.sh").write_text("#!/bin/sh\necho ran\n")
    (files / "run.sh").chmod(0o755)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    runner = Local({}, directory=scratch, files=files)
    assert (await run("cat configs/good.yaml && ./run.sh", runner)).text == "kind: ConfigMap\nran\n"
    assert list(scratch.iterdir()) == []
    assert sorted(path.name for path in files.iterdir()) == ["configs", "run.sh"]


async def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"runner\.files"):
        await run("true", Local({}, directory=tmp_path, files=tmp_path / "missing"))


async def test_whoever_stops_at_the_exit_leaves_nothing_behind(tmp_path: Path) -> None:
    async with aclosing(Local({}, directory=tmp_path).run("touch a", time_limit=LONG)) as pieces:
        assert isinstance(await anext(pieces), Exit)
        assert os.listdir(tmp_path) == []


async def test_a_pipeline_runs_with_the_defaults_of_bash() -> None:
    assert (await run("false | echo x")).end.status is RunStatus.SUCCEEDED
    assert (await run("false; echo x")).end.status is RunStatus.SUCCEEDED
    assert (await run("[[ -n $BASH ]] && echo <(true) >/dev/null")).end.exit_code == 0


# --- How it ended --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "status", "code", "summary"),
    [
        ("true", RunStatus.SUCCEEDED, 0, "exit code 0"),
        ("exit 7", RunStatus.FAILED, 7, "exit code 7"),
        ("kill -9 $$", RunStatus.FAILED, 137, "exit code 137 (SIGKILL)"),
        ("echo why; echo; exit 1", RunStatus.FAILED, 1, "exit code 1: why"),
        ("echo why; kill -9 $$", RunStatus.FAILED, 137, "exit code 137 (SIGKILL): why"),
        ("kill -40 $$", RunStatus.FAILED, 168, "exit code 168 (signal 40)"),
        ("exit 300", RunStatus.FAILED, 44, "exit code 44"),
        (
            "echo why; echo command terminated with exit code 7; exit 7",
            RunStatus.FAILED,
            7,
            "exit code 7: why",
        ),
        (
            "nonsense",
            RunStatus.FAILED,
            127,
            "exit code 127: bash: line 1: nonsense: command not found",
        ),
        ("-x", RunStatus.FAILED, 127, "exit code 127: bash: line 1: -x: command not found"),
        (r"printf '\033[31mred\033[0m \a end\r\n\n'", RunStatus.SUCCEEDED, 0, "red end"),
        (r"printf 'half\rwhole'", RunStatus.SUCCEEDED, 0, "whole"),
        ("printf 'x%.0s' {1..500}", RunStatus.SUCCEEDED, 0, "x" * 199 + "…"),
        ("exec >&- 2>&-; sleep 0.1; exit 3", RunStatus.FAILED, 3, "exit code 3"),
    ],
)
async def test_the_end_is_one_line(
    command: str, status: RunStatus, code: int, summary: str
) -> None:
    assert (await run(command)).end == Exit(status=status, exit_code=code, summary=summary)


@pytest.mark.parametrize("command", ["--version", "# only a comment", "", " \n "])
async def test_the_text_is_never_an_option_of_bash(command: str) -> None:
    assert "GNU bash" not in (await run(command)).text


async def test_bytes_that_are_no_text_pass_as_they_are() -> None:
    ran = await run(r"printf '\xff\xfe\x00\x80ok'")
    assert ran.output == b"\xff\xfe\x00\x80ok"
    assert ran.end.status is RunStatus.SUCCEEDED


async def test_bash_missing_is_told_and_how_to_mend_it(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"Install bash.*\[runner.env\]") as refused:
        await run("true", Local({"PATH": str(tmp_path)}))
    assert refused.value.permanent


@pytest.mark.parametrize("command", ["echo \0", "echo " + "x" * 3_000_000])
async def test_what_cannot_be_handed_to_bash_is_unavailable(command: str) -> None:
    with pytest.raises(Unavailable, match="cannot be run"):
        await run(command)


async def test_a_scratch_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="scratch directory"):
        await run("true", Local({}, directory=tmp_path / "missing"))


# --- Bounds --------------------------------------------------------------------------------------


async def test_of_a_long_output_the_beginning_and_the_end_are_kept() -> None:
    ran = await run("seq 100000", Local({}, output_limit=1000))
    whole = b"".join(b"%d\n" % n for n in range(1, 100_001))
    left_out = len(whole) - 1000
    note = b"\n[%d bytes left out here]\n" % left_out
    assert ran.output == whole[:500] + note + whole[-500:]
    assert ran.end.summary == "100000"


@pytest.mark.parametrize("limit", [0, 1, 7, 8])
async def test_a_small_limit_is_kept_too(limit: int) -> None:
    ran = await run("printf 12345678", Local({}, output_limit=limit))
    note = f"\n[{8 - limit} bytes left out here]\n" if limit < 8 else ""
    assert len(ran.text) == limit + len(note)
    assert note in ran.text


@pytest.mark.parametrize("source", ["yes", "cat /dev/zero"])
async def test_a_hundred_megabytes_pass_in_bounded_memory(source: str) -> None:
    runner = Local({}, output_limit=100_000)
    tracemalloc.start()
    try:
        ran = await run(f"{source} | head -c 100000000", runner)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(ran.output) < 100_100
    assert b"[99900000 bytes left out here]" in ran.output
    assert peak < 10_000_000


async def test_a_reader_that_takes_its_time_loses_nothing() -> None:
    shown = b""
    command = "head -c 190000 /dev/zero | tr '\\0' y"
    async with aclosing(Local({}).run(command, time_limit=LONG)) as pieces:
        async for piece in pieces:
            await asyncio.sleep(0.5)
            if isinstance(piece, Output):
                assert len(piece.data) <= 65_536
                shown += piece.data
    assert shown == b"y" * 190_000


async def test_others_go_on_while_a_command_prints_without_a_pause() -> None:
    turns: list[int] = []

    async def count() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0.001)

    counting = asyncio.create_task(count())
    await run("head -c 30000000 /dev/zero | tr '\\0' '\\n'", Local({}, output_limit=1000))
    counting.cancel()
    assert len(turns) > 30


async def test_secrets_never_leave_the_runner() -> None:
    runner = Local({"KEY": "hunter2-hunter2"}, redactor=Redactor(["hunter2-hunter2"]))
    ran = await run("printf 'a hunter2-'; sleep 0.1; printf 'hunter2 b'; env; exit 1", runner)
    assert b"hunter2" not in ran.output
    assert ran.text.startswith("a [redacted] b")
    assert "hunter2" not in (await run("echo $KEY", runner)).end.summary


# --- Those that do not want to end ---------------------------------------------------------------


async def test_a_command_over_its_time_is_ended_gently() -> None:
    ran = await run("trap 'echo bye; exit 0' TERM; sleep 60 & wait", time_limit=SHORT)
    assert ran.end == Exit(
        status=RunStatus.TIMED_OUT, exit_code=None, summary="stopped after 0.3 s: bye"
    )


async def test_a_command_that_ignores_the_gentle_way_is_killed() -> None:
    ran = await run("trap '' TERM; echo $$; while :; do sleep 60; done", time_limit=SHORT)
    assert ran.end.status is RunStatus.TIMED_OUT
    await gone(int(ran.text))


async def test_all_of_a_pipeline_ends_with_its_time() -> None:
    ran = await run("(echo $BASHPID >&2; exec sleep 60) | sleep 60", time_limit=SHORT)
    assert ran.end.status is RunStatus.TIMED_OUT
    await gone(int(ran.text))


async def test_time_runs_out_even_while_nobody_reads() -> None:
    async with aclosing(Local({}).run("echo $$; sleep 60", time_limit=SHORT)) as pieces:
        first = await anext(pieces)
        assert isinstance(first, Output)
        await gone(int(first.data))
        assert (await anext(pieces)).status is RunStatus.TIMED_OUT  # type: ignore[union-attr]


async def test_what_is_left_in_the_background_does_not_hold_a_run_up_and_is_ended() -> None:
    ran = await run("trap '' TERM; sleep 60 & echo $!")
    assert ran.end.status is RunStatus.SUCCEEDED
    await gone(int(ran.text))


async def test_a_daemon_that_keeps_the_output_open_does_not_hold_a_run_up() -> None:
    ran = await run("setsid bash -c 'echo $$; exec sleep 60' & sleep 0.2; exit 4")
    assert ran.end.exit_code == 4
    await gone(int(ran.text))


async def test_a_daemon_that_never_stops_writing_does_not_hold_a_run_up() -> None:
    ran = await run("setsid timeout 20 yes & sleep 0.1", Local({}, output_limit=1000))
    assert ran.end.status is RunStatus.SUCCEEDED


async def test_closing_early_ends_the_whole_group(tmp_path: Path) -> None:
    runner = Local({}, directory=tmp_path)
    async with aclosing(runner.run("sleep 60 & echo $!; wait", time_limit=LONG)) as pieces:
        first = await anext(pieces)
        assert isinstance(first, Output)
        assert lives(int(first.data))
    await gone(int(first.data))
    assert os.listdir(tmp_path) == []


async def test_cancelling_ends_the_whole_group(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    task = asyncio.create_task(run(f"echo $$ > {note}; sleep 60 | sleep 60"))

    async def begun() -> bool:
        return note.exists() and note.read_text().endswith("\n")

    await wait_until(begun, "beginning")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(int(note.read_text()))


async def test_many_commands_run_side_by_side_and_leave_nothing_open() -> None:
    runner = Local({})
    await run("true", runner)
    before = len(os.listdir("/proc/self/fd"))
    runs = await asyncio.gather(*(run(f"echo {n}; exit {n}", runner) for n in range(40)))
    assert [ran.end.exit_code for ran in runs] == list(range(40))
    assert [ran.text for ran in runs] == [f"{n}\n" for n in range(40)]
    assert len(os.listdir("/proc/self/fd")) == before


async def test_no_command_outlives_a_playcall_that_was_killed(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    command = f"sleep 60 | (echo $$ $BASHPID >> {note}.new; mv {note}.new {note}; sleep 60; true)"
    program = f"""
import asyncio, datetime, pathlib
from playcall.runner.local import Local

async def main():
    limit = datetime.timedelta(seconds=60)
    local = Local({{}}, directory=pathlib.Path({str(tmp_path)!r}))
    async for _ in local.run({command!r}, time_limit=limit):
        pass

asyncio.run(main())
"""
    playcall = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    try:

        async def begun() -> bool:
            return note.exists()

        await wait_until(begun, "beginning")
        pids = [int(pid) for pid in note.read_text().split()]
        assert all(lives(pid) for pid in pids)
    finally:
        playcall.kill()
        await playcall.wait()
    for pid in pids:
        await gone(pid)


async def test_a_guard_that_died_is_replaced_by_one_that_knows_what_runs() -> None:
    guard = Guard()
    asleep = [await asyncio.create_subprocess_exec("sleep", "60", process_group=0) for _ in "ab"]
    guard.add(asleep[0].pid)
    first = guard.process
    assert first is not None
    first.kill()
    first.wait()
    guard.add(asleep[1].pid)
    assert guard.process is not first
    del guard
    assert [await one.wait() for one in asleep] == [-signal.SIGKILL] * 2


# --- What it may write ---------------------------------------------------------------------------


async def test_what_only_looks_writes_nothing_outside_its_directory(tmp_path: Path) -> None:
    if why := why_not_read_only(MINIMAL["PATH"]):
        pytest.skip(why)
    runner = Local({}, directory=tmp_path, read_only=True)
    here = Path(f"/var/tmp/playcall-test-{os.getpid()}")
    command = f"touch mine && cat <(echo read) /dev/null && touch {here}"
    try:
        ran = await run(command, runner)
        assert ran.text.startswith("read\ntouch: cannot touch")
        assert ran.end.summary.endswith("Read-only file system")
        assert not here.is_file()  # noqa: ASYNC240
        pieces = runner.run(command, time_limit=LONG, effect=EffectClass.CHANGE)
        assert [p.status for p in [p async for p in pieces] if isinstance(p, Exit)] == ["succeeded"]
        assert here.is_file()  # noqa: ASYNC240
    finally:
        here.unlink(missing_ok=True)  # noqa: ASYNC240


def test_without_bubblewrap_it_says_so(tmp_path: Path) -> None:
    assert why_not_read_only(str(tmp_path)) == "bubblewrap is not installed"
    (tmp_path / "bwrap").write_text("#!/bin/sh\necho no namespaces >&2; exit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    assert why_not_read_only(f"{tmp_path}:/usr/bin:/bin") == "no namespaces"


async def test_a_command_that_fills_the_disk_is_ended() -> None:
    runner = Local({}, bounds=Bounds(disk=1_000_000))
    ran = await run(
        "mkdir a; for n in {1..99}; do head -c 99000 /dev/zero >a/$n; done; sleep 60", runner
    )
    assert ran.end.status is RunStatus.FAILED
    assert ran.end.summary == "stopped: its files took more than 1000000 bytes"


async def test_a_daemon_ends_with_a_playcall_that_was_killed() -> None:
    marks = Marks()
    guard = Guard(f"{VARIABLE}={marks.prefix}")
    leader = await asyncio.create_subprocess_exec("sleep", "60", process_group=0)
    daemon = await asyncio.create_subprocess_exec(
        "sleep", "60", start_new_session=True, env={VARIABLE: marks.next()}
    )
    other = await asyncio.create_subprocess_exec("sleep", "60", env={VARIABLE: "another"})
    guard.add(leader.pid)
    del guard
    assert await daemon.wait() == -signal.SIGKILL
    await leader.wait()
    assert lives(other.pid)
    other.kill()
    await other.wait()


def test_what_is_no_text_is_told_by_its_size() -> None:
    kept = Kept(100)
    kept.take(bytes(range(256)) * 4)
    assert kept.last_line() == "binary, 1024 bytes"
    noise = Kept(100)
    noise.take(b"\xfe\xe1\xff\x81abc" * 9)
    assert noise.last_line() == "binary, 63 bytes"
    older = Kept(100)
    older.take("Größe: 5 °C, geprüft\n".encode("latin-1"))
    assert older.last_line() == "Gr\ufffd\ufffde: 5 \ufffdC, gepr\ufffdft"
