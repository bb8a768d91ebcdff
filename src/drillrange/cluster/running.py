"""What kubectl asks of running pods: their logs, their use of the machine, a command within."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.datastructures import QueryParams
from starlette.websockets import WebSocket, WebSocketDisconnect

from drillrange.cluster.pods import Pod
from drillrange.processes import die_with_parent

SUBPROTOCOL = "v5.channel.k8s.io"
STDOUT, STDERR, STATUS = b"\x01", b"\x02", b"\x03"
TICKS = os.sysconf("SC_CLK_TCK")
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


async def log_lines(pod: Pod, wanted: QueryParams) -> AsyncIterator[bytes]:
    """Lines as asked for by tailLines, sinceSeconds, timestamps and follow."""
    lines = list(pod.log)
    if "sinceSeconds" in wanted:
        oldest = datetime.now(UTC) - timedelta(seconds=int(wanted["sinceSeconds"]))
        lines = [line for line in lines if line[0] >= oldest]
    if "tailLines" in wanted:
        count = int(wanted["tailLines"])
        lines = lines[-count:] if count else []
    stamped = wanted.get("timestamps") == "true"
    for at, text in lines:
        yield _line(at, text, stamped)
    last = lines[-1][0] if lines else datetime.now(UTC)
    while wanted.get("follow") == "true" and pod.running:
        await pod.logged.wait()
        for at, text in [line for line in pod.log if line[0] > last]:
            yield _line(at, text, stamped)
            last = at


def _line(at: datetime, text: str, stamped: bool) -> bytes:
    prefix = f"{at:%Y-%m-%dT%H:%M:%S.%f}Z " if stamped else ""
    return f"{prefix}{text}\n".encode()


def usage(pod: Pod, labels: dict[str, str]) -> dict[str, Any]:
    """CPU since the start, averaged, and resident memory, as `kubectl top` wants them."""
    nanocores, kibibytes = 0, 0
    if pod.running and pod.process is not None:
        fields = Path(f"/proc/{pod.process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
        up = float(Path("/proc/uptime").read_text().split()[0]) - int(fields[19]) / TICKS
        used = (int(fields[11]) + int(fields[12])) / TICKS
        nanocores = int(used / max(up, 0.1) * 1e9)
        kibibytes = int(fields[21]) * PAGE_SIZE // 1024
    return {
        "metadata": {"name": pod.name, "namespace": "default", "labels": labels},
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "window": "30s",
        "containers": [
            {"name": "main", "usage": {"cpu": f"{nanocores}n", "memory": f"{kibibytes}Ki"}}
        ],
    }


async def execute(socket: WebSocket, pod: Pod, command: list[str]) -> None:
    """Run a command in the pod's environment, its output on the channels of the protocol."""
    await socket.accept(subprotocol=SUBPROTOCOL)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=pod.full_env(),
            cwd=pod.directory,
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    except OSError as error:
        await socket.send_bytes(STDERR + f"exec: {command[0]}: {error.strerror}\n".encode())
        await _finish(socket, _failure(127, ""))
        return
    try:
        await _copy_output(socket, process)
        code = await process.wait()
        await _finish(socket, {"status": "Success"} if code == 0 else _failure(code, ""))
    except (WebSocketDisconnect, RuntimeError):
        process.kill()


async def _copy_output(socket: WebSocket, process: asyncio.subprocess.Process) -> None:
    async def copy(stream: asyncio.StreamReader | None, channel: bytes) -> None:
        while stream and (data := await stream.read(32768)):
            await socket.send_bytes(channel + data)

    await asyncio.gather(copy(process.stdout, STDOUT), copy(process.stderr, STDERR))


async def _finish(socket: WebSocket, status: dict[str, Any]) -> None:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, **status}
    await socket.send_bytes(STATUS + json.dumps(body).encode())
    await socket.close()


def _failure(code: int, message: str) -> dict[str, Any]:
    return {
        "status": "Failure",
        "message": message or f"command terminated with non-zero exit code: {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }
