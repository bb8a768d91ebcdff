"""A whole range: real service, real Prometheus, real Alertmanager; it comes up and goes down."""

import asyncio
import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from drillrange.processes import NotReady
from drillrange.range import SHARED_MEMORY, Range, Webhook, bring_up, is_left

TOKEN = "a-token-of-a-test"
PARTS = {"dwcp-v3", "dwcp-v3-amst", "dwcp-v1", "dwcp-v3-source", "etcd-0", "prometheus-0"}


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return path


async def run(place: Range, *argv: str) -> str:
    """A command as a playbook has it, in the range's environment."""
    process = await asyncio.create_subprocess_exec(
        *argv, env=place.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 40)
    assert process.returncode == 0, (argv, out, err)
    return out.decode()


async def test_all_parts_of_a_range_are_up_and_read(token_file: Path, tmp_path: Path) -> None:
    told: list[str] = []
    webhook = Webhook(url="http://127.0.0.1:1/hook", token_file=token_file)
    async with bring_up(tmp_path / "range", 20, webhook, told.append) as place:
        assert told
        assert place.status() == dict.fromkeys(place.status(), "up")
        assert place.status().keys() >= PARTS
        health = json.loads(await run(place, "curl", "-sS", "http://dwcp-v3:8080/health"))
        assert health["status"] == "healthy"
        for port in (9091, 9092):
            metrics = await run(place, "curl", "-sS", f"http://localhost:{port}/metrics")
            assert "dwcp_v3_" in metrics


def processes_in(directory: Path) -> list[str]:
    """Command lines that name a directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            words = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except OSError:
            continue
        if str(directory).encode() in words:
            found.append(words.replace(b"\0", b" ").decode("utf-8", "replace")[:200])
    return found


def start_range(directory: Path, token_file: Path) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "drillrange", "up", "--directory", str(directory)]
    argv += ["--webhook-url", "http://127.0.0.1:1/hook", "--webhook-token-file", str(token_file)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_until_gone(directory: Path) -> None:
    deadline = time.monotonic() + 10
    while left := processes_in(directory):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def test_a_range_that_is_told_to_end_leaves_no_process(tmp_path: Path, token_file: Path) -> None:
    directory = tmp_path / "range"
    with start_range(directory, token_file) as place:
        assert place.stdout is not None
        answer = place.stdout.readline()
        try:
            found = json.loads(answer)
            assert processes_in(directory)
            with urllib.request.urlopen(f"{found['alertmanager']}/-/ready") as ready:
                assert ready.status == 200
        finally:
            place.terminate()
            place.communicate()
    assert place.returncode == 0
    wait_until_gone(directory)


async def test_a_range_that_is_killed_leaves_no_process_and_its_memory_is_given_back(
    tmp_path: Path, token_file: Path
) -> None:
    directory = tmp_path / "killed"
    with start_range(directory, token_file) as place:
        assert place.stdout is not None
        assert place.stdout.readline()
        assert processes_in(directory)
        mine = {path for path in SHARED_MEMORY.glob("drillrange-*") if not is_left(path)}
        place.kill()
        place.communicate()
    assert place.returncode == -signal.SIGKILL
    wait_until_gone(directory)
    left = {path for path in mine if is_left(path)}
    assert left
    webhook = Webhook(url="http://127.0.0.1:1/hook", token_file=token_file)
    async with bring_up(tmp_path / "range", 20, webhook, lambda _: None):
        assert [path for path in left if path.exists()] == []


async def test_a_program_that_is_not_installed_is_named(
    tmp_path: Path, token_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "openssl").symlink_to("/usr/bin/openssl")
    monkeypatch.setenv("PATH", str(tools))
    webhook = Webhook(url="http://127.0.0.1:1/hook", token_file=token_file)
    directory = tmp_path / "range"
    with pytest.raises(NotReady, match="etcd is not installed"):
        async with bring_up(directory, 20, webhook, lambda _: None):
            pass
    assert processes_in(directory) == []
