"""One behaviour, every runner: on this machine, over SSH, in a pod. What only the local one does is
in `test_runner`."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from playcall.core.incident import RunStatus
from playcall.core.plan import EffectClass
from playcall.engine.ports import Exit, Output, Unavailable
from playcall.engine.running import Lost, Runner
from playcall.runner.bounds import Bounds
from playcall.runner.far import Far
from playcall.runner.kubernetes import Kubernetes, Pod
from playcall.runner.local import Local
from playcall.runner.redaction import Redactor
from playcall.runner.ssh import SSH, Login
from tests.ports.hosts import serving
from tests.ports.test_runner import LONG, SHORT, Ran, gone, lives
from tests.servers import wait_until

BOUNDS = Bounds(memory=100_000_000, disk=2_000_000, processes=4096)
PATH = f"{Path(sys.executable).parent}:/usr/bin:/bin"


def far(connect: "SSH | Kubernetes") -> Far:
    return Far(
        connect=connect.connect,
        name="far",
        env={"WHO": "reader's", "KEY": "hunter2-hunter2"},
        change_env={"WHO": "writer's"},
        bounds=BOUNDS,
        output_limit=1000,
        redactor=Redactor(["hunter2-hunter2"]),
    )


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SSH]:
    directory = tmp_path_factory.mktemp("ssh")
    with serving("ssh", directory) as told:
        yield SSH(
            host="127.0.0.1",
            port=told["port"],
            known_hosts=directory / "known_hosts",
            observe=Login(user="reader", key=directory / "ada"),
            change=Login(user="writer", key=directory / "ada"),
        )


@pytest.fixture(scope="module")
def kubernetes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubernetes]:
    directory = tmp_path_factory.mktemp("kubernetes")
    with serving("kubernetes", directory) as told:
        env = {"PATH": PATH, "HOME": str(directory), "KUBECONFIG": told["kubeconfig"]}
        yield Kubernetes(
            namespace="default",
            container="tools",
            observe=Pod(name="tools-observe", env=env),
            change=Pod(name="pod/tools-change", env=env),
        )


@pytest.fixture(params=["local", "ssh", "kubernetes"])
def runner(request: pytest.FixtureRequest) -> Runner:
    if request.param != "local":
        return far(request.getfixturevalue(request.param))
    return Local(
        {"WHO": "reader's", "KEY": "hunter2-hunter2"},
        output_limit=1000,
        redactor=Redactor(["hunter2-hunter2"]),
        change_env={"WHO": "writer's"},
        bounds=BOUNDS,
    )


async def run(
    runner: Runner,
    command: str,
    time_limit: timedelta = LONG,
    effect: EffectClass = EffectClass.OBSERVE,
) -> Ran:
    ran = Ran()
    async for piece in runner.run(command, time_limit=time_limit, effect=effect):
        assert not ran.exits, "Exit is the last thing a run yields"
        if isinstance(piece, Exit):
            ran.exits.append(piece)
        else:
            ran.pieces.append(piece.data)
    return ran


async def test_a_command_runs_as_written_and_its_end_is_told(runner: Runner) -> None:
    ran = await run(runner, "echo 1; echo '2 \" $HOME' >&2; false | printf 3; (exit 7)")
    assert ran.text == '1\n2 " $HOME\n3'
    assert ran.end == Exit(status=RunStatus.FAILED, exit_code=7, summary="exit code 7: 3")
    assert (await run(runner, "-x")).end.exit_code == 127


async def test_the_class_chooses_the_credentials(runner: Runner) -> None:
    for effect, whose in (("observe", "reader"), ("heavy", "reader"), ("change", "writer")):
        ran = await run(runner, 'echo "$WHO ${USER-}"', effect=EffectClass(effect))
        assert ran.text.startswith(f"{whose}'s ")
        if isinstance(runner, Far):
            expected = {"reader": ("reader", "tools-observe"), "writer": ("writer", "tools-change")}
            assert ran.text.split()[1] in expected[whose]


async def test_output_comes_while_the_command_runs_and_any_byte_may_be_in_it(
    runner: Runner,
) -> None:
    command = r"printf '\xff\0\x80\0\n'; sleep 60"
    async with aclosing(runner.run(command, time_limit=LONG)) as pieces:
        shown = b""
        while len(shown) < 5:
            piece = await anext(pieces)
            assert isinstance(piece, Output)
            shown += piece.data
    assert shown == b"\xff\0\x80\0\n"


async def test_of_much_output_the_ends_are_kept_and_no_secret(runner: Runner) -> None:
    ran = await run(runner, "echo $KEY; seq 1000000; echo $KEY")
    assert ran.text.startswith("[redacted]\n1\n2\n")
    assert ran.text.endswith("\n1000000\n[redacted]\n")
    assert len(ran.output) < 1100


async def test_it_has_a_directory_of_its_own_that_is_gone_afterwards(runner: Runner) -> None:
    ran = await run(runner, "pwd; touch a; ls; readlink /proc/$$/fd/0")
    here, entries, stdin = ran.text.split()
    assert (entries, stdin) == ("a", "/dev/null")
    with pytest.raises(FileNotFoundError):
        os.stat(here)


async def test_what_hangs_and_does_not_listen_is_killed_with_all_it_began(runner: Runner) -> None:
    command = "trap '' TERM; echo $$; while :; do sleep 60; done | sleep 60"
    ran = await run(runner, command, time_limit=SHORT)
    assert ran.end.status is RunStatus.TIMED_OUT
    assert ran.end.summary.startswith("stopped after 0.3 s")
    await gone(int(ran.text))


async def test_a_daemon_is_found_and_ended(runner: Runner) -> None:
    daemon = "setsid bash -c 'setsid sleep 60 & echo $$ $!; exec sleep 60'"
    ran = await run(runner, f"({daemon} &) | head -n 1 & wait; exec >&- 2>&-; exit 4")
    assert ran.end.exit_code == 4
    for pid in ran.text.split():
        await gone(int(pid))


async def test_closing_early_ends_the_command(runner: Runner) -> None:
    async with aclosing(runner.run("sleep 60 & echo $!; wait", time_limit=LONG)) as pieces:
        first = await anext(pieces)
        assert isinstance(first, Output)
        assert lives(int(first.data))
    await gone(int(first.data))


async def test_memory_and_files_are_bounded_and_a_change_may_write_more(runner: Runner) -> None:
    write = "head -c 4000000 /dev/zero >big; ls -s big"
    assert "File size limit exceeded" in (await run(runner, write)).text
    assert (await run(runner, write, effect=EffectClass.CHANGE)).end.exit_code == 0
    assert (await run(runner, "ulimit -c -d -u")).text.split("\n")[0].endswith(" 0")
    assert (
        "memory"
        in (await run(runner, "head -c 200000000 /dev/zero | tail -c 190000000 | wc -c")).text
    )


@pytest.mark.parametrize("command", ["echo \0", "echo \0 \n"])
async def test_what_cannot_be_handed_over_is_unavailable(runner: Runner, command: str) -> None:
    with pytest.raises(Unavailable, match="cannot be run"):
        await run(runner, command)


async def test_a_long_command_arrives_whole(runner: Runner) -> None:
    ran = await run(runner, f": {'x' * 100_000}; echo done")
    assert ran.text == "done\n"


# --- Hosts that vanish ---------------------------------------------------------------------------


async def cut(runner: Runner, find: str) -> int:
    """Run a command, and kill what leads to it once it has begun; its number."""
    async with aclosing(runner.run("echo $$; exec sleep 60", time_limit=LONG)) as pieces:
        piece = await anext(pieces)
        assert isinstance(piece, Output)
        for line in children(find):
            os.kill(line, signal.SIGKILL)
        with pytest.raises(Lost, match="vanished"):
            await anext(pieces)
    return int(piece.data)


def children(find: str) -> list[int]:
    """Those of ours whose command line holds a word."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(c) for c in found if find in Path(f"/proc/{c}/cmdline").read_text()]


async def test_a_pod_that_is_out_of_reach_mid_run_leaves_the_outcome_unknown(
    kubernetes: Kubernetes,
) -> None:
    pid = await cut(far(kubernetes), "kubectl\0exec")
    await gone(pid)  # its input ended


async def test_a_host_that_is_gone_mid_run_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    with serving("ssh", tmp_path) as told:
        login = Login(user="reader", key=tmp_path / "ada")
        known = tmp_path / "known_hosts"
        host = SSH(
            host="127.0.0.1", port=told["port"], known_hosts=known, observe=login, change=login
        )
        pid = await cut(far(host), f"tests.ports.hosts\0ssh\0{tmp_path}")
    await gone(pid)


async def test_a_host_that_says_nothing_any_more_has_vanished(ssh: SSH) -> None:
    runner = far(replace(ssh, alive_every=0.2))
    async with aclosing(runner.run("echo $$; exec sleep 60", time_limit=LONG)) as pieces:
        await anext(pieces)
        (server,) = children(f"tests.ports.hosts\0ssh\0{ssh.known_hosts.parent}")
        os.kill(server, signal.SIGSTOP)
        try:
            with pytest.raises(Lost, match="far vanished"):
                await anext(pieces)
        finally:
            os.kill(server, signal.SIGCONT)


# --- Hosts that are not reached ------------------------------------------------------------------


async def test_only_the_known_host_is_talked_to(ssh: SSH, tmp_path: Path) -> None:
    other = (ssh.known_hosts.parent / "eve.pub").read_text()
    for text in ("", f"[127.0.0.1]:{ssh.port} {other}"):
        (tmp_path / "known_hosts").write_text(text)
        with pytest.raises(Unavailable, match="is not the host that") as refused:
            await run(far(replace(ssh, known_hosts=tmp_path / "known_hosts")), "true")
        assert refused.value.permanent
    with pytest.raises(Unavailable, match="No such file"):
        await run(far(replace(ssh, known_hosts=tmp_path / "missing")), "true")


async def test_a_key_that_is_refused_and_a_port_that_is_closed_are_told(ssh: SSH) -> None:
    eve = Login(user="reader", key=ssh.known_hosts.parent / "eve")
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 as reader: .*denied") as refused:
        await run(far(replace(ssh, observe=eve)), "true")
    assert not isinstance(refused.value, Lost)
    with pytest.raises(Unavailable, match="Connect call failed"):
        await run(far(replace(ssh, port=9)), "true")


async def test_a_pod_that_is_not_there_and_a_kubectl_that_is_not_are_told(
    kubernetes: Kubernetes,
) -> None:
    for pod, said in (
        (replace(kubernetes.observe, name="nobody"), 'pods "nobody" not found'),
        (replace(kubernetes.observe, env={"PATH": "/nowhere"}), "kubectl cannot be run"),
    ):
        with pytest.raises(Unavailable, match=said) as refused:
            await run(far(replace(kubernetes, observe=pod)), "true")
        assert not isinstance(refused.value, Lost)


async def test_many_commands_run_side_by_side(ssh: SSH) -> None:
    runner = far(ssh)
    runs = await asyncio.gather(*(run(runner, f"echo {n}; exit {n}") for n in range(8)))
    assert [ran.end.exit_code for ran in runs] == list(range(8))


async def test_nothing_goes_on_when_the_run_is_cancelled(ssh: SSH, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    task = asyncio.create_task(run(far(ssh), f"echo $$ > {note}; exec sleep 60"))

    async def begun() -> bool:
        return note.exists() and note.read_text().endswith("\n")

    await wait_until(begun, "beginning")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await gone(int(note.read_text()))
