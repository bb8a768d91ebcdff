"""Inside pods, by the real kubectl: commands, logs, use of the machine, and what is forbidden."""

import asyncio
import json
import os
import ssl
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from drillrange.cluster.server import PocketCluster
from tests.drillrange.conftest import Kubectl, a_deployment

TALKER = (
    "import signal, sys\n"
    "for n in range(20): print('line', n)\n"
    "print('ERROR to stderr', file=sys.stderr)\n"
    "sys.stdout.flush()\n"
    "signal.pause()"
)


async def start(kubectl: Kubectl, program: str = "import signal; signal.pause()") -> None:
    manifest = a_deployment(command=(sys.executable, "-uc", program), env={"COLOUR": "red"})
    await kubectl.ok("apply", "-f", "-", stdin=json.dumps(manifest))
    await kubectl.ok("rollout", "status", "deployment/web", "--timeout=20s")


async def test_exec_gives_output_and_exit_code_of_the_command(kubectl: Kubectl) -> None:
    await start(kubectl)
    said = await kubectl(
        "exec", "deployment/web", "--", "sh", "-c", "echo in; echo out >&2; exit 3"
    )
    assert said.code == 3
    assert said.out == "in\n"
    assert said.err.splitlines() == ["out", "command terminated with exit code 3"]


async def test_exec_it_without_a_terminal_works_and_reads_its_input(kubectl: Kubectl) -> None:
    await start(kubectl)
    said = await kubectl("exec", "-it", "deployment/web", "--", "wc", "-c", stdin="x" * 100_000)
    assert said.code == 0
    assert said.out.strip() == "100000"
    assert "Unable to use a TTY" in said.err


async def test_exec_passes_on_every_byte_of_much_output(kubectl: Kubectl) -> None:
    await start(kubectl)
    said = await kubectl("exec", "deployment/web", "--", "head", "-c", "3000000", "/dev/zero")
    assert said.code == 0
    assert len(said.out) == 3_000_000


async def test_exec_of_a_program_that_is_not_there_is_told(kubectl: Kubectl) -> None:
    await start(kubectl)
    said = await kubectl("exec", "deployment/web", "--", "no-such-program")
    assert said.code != 0
    assert "no-such-program" in said.err


async def test_exec_in_a_pod_that_is_not_there_is_not_found(kubectl: Kubectl) -> None:
    said = await kubectl("exec", "dwcp-v3-pod", "--", "cat", "/proc/meminfo")
    assert said.code == 1
    assert said.err == 'Error from server (NotFound): pods "dwcp-v3-pod" not found\n'


async def test_a_command_is_ended_when_its_caller_leaves(kubectl: Kubectl, tmp_path: Path) -> None:
    await start(kubectl)
    mark = tmp_path / "pid"
    leave = f"echo $$ > {mark}.new && mv {mark}.new {mark}; exec sleep 600"
    calling = await kubectl.open("exec", "deployment/web", "--", "sh", "-c", leave)
    await kubectl.until(lambda _: mark.exists(), "pods")
    number = read(mark).strip()
    assert runs(number)
    calling.kill()
    await calling.communicate()
    await kubectl.until(lambda _: not runs(number), "pods")


def read(path: Path) -> str:
    return path.read_text("utf-8")


def runs(number: str) -> bool:
    return Path("/proc", number).exists()


async def test_a_pod_sees_its_template_and_not_the_environment_of_the_range(
    kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_TOKEN_OF_THE_RANGE", "secret")
    await start(kubectl)
    seen = await kubectl.ok("exec", "deployment/web", "--", "env")
    assert "COLOUR=red\n" in seen
    assert "A_TOKEN_OF_THE_RANGE" not in seen


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to be kept from")
async def test_a_pod_may_not_change_the_network_of_this_machine(kubectl: Kubectl) -> None:
    await start(kubectl)
    setting = Path("/proc/sys/net/ipv4/tcp_rmem")
    before = read(setting)
    write = f"echo 4096 4096 8192 > {setting}"
    said = await kubectl("exec", "deployment/web", "--", "sh", "-c", write)
    assert said.code != 0
    assert read(setting) == before
    held = await kubectl.ok("exec", "deployment/web", "--", "grep", "CapEff", "/proc/self/status")
    assert not int(held.split()[1], 16) & 1 << 12  # CAP_NET_ADMIN


async def test_logs_are_chosen_by_label_tail_and_age_and_may_be_stamped(kubectl: Kubectl) -> None:
    await start(kubectl, TALKER)
    await kubectl.until(lambda _: True, "pods")
    while "ERROR" not in await kubectl.ok("logs", "-l", "app=web", "--tail=-1"):
        pass
    every = await kubectl.ok("logs", "deployment/web")
    assert every.splitlines() == [*(f"line {n}" for n in range(20)), "ERROR to stderr"]
    last = await kubectl.ok("logs", "-l", "app=web", "--tail=2")
    assert last.splitlines() == ["line 19", "ERROR to stderr"]
    stamped = await kubectl.ok("logs", "-l", "app=web", "--tail=1", "--timestamps", "--since=5m")
    assert stamped.split()[0][:2] == "20"
    assert stamped.split()[0].endswith("Z")
    assert await kubectl.ok("logs", "-l", "app=nothing") == ""


async def test_logs_that_are_followed_end_with_the_pod(kubectl: Kubectl) -> None:
    await start(kubectl, TALKER)
    following = await kubectl.open("logs", "deployment/web", "-f")
    assert following.stdout is not None
    assert await following.stdout.readline() == b"line 0\n"
    await kubectl.ok("delete", "deployment", "web")
    out, _ = await asyncio.wait_for(following.communicate(), 20)
    assert b"line 19\n" in out


async def test_logs_of_an_unknown_container_are_refused(kubectl: Kubectl) -> None:
    await start(kubectl)
    said = await kubectl("logs", "deployment/web", "-c", "other")
    assert said.code == 1
    assert "other" in said.err


async def test_top_pods_tells_memory_and_cpu_of_the_processes(kubectl: Kubectl) -> None:
    await start(kubectl, "x = bytearray(80_000_000)\nwhile True: pass")
    head, row = (await kubectl.ok("top", "pods", "-l", "app=web")).splitlines()
    assert head.split() == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    name, cpu, memory = row.split()
    assert name.startswith("web-")
    assert cpu.endswith("m")
    assert int(cpu[:-1]) > 0
    assert int(memory.removesuffix("Mi")) > 76


async def test_a_websocket_without_the_token_is_refused(
    cluster: PocketCluster, kubectl: Kubectl
) -> None:
    await start(kubectl)
    (pod,) = (await kubectl.get("pods"))["items"]
    path = f"/api/v1/namespaces/default/pods/{pod['metadata']['name']}/exec?command=id"
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    with pytest.raises(InvalidStatus) as refused:
        async with connect(cluster.url.replace("https", "wss") + path, ssl=trust, proxy=None):
            pass
    assert refused.value.response.status_code == 401
