"""`kubectl exec`: a command beside a pod's process, in its environment, over a WebSocket.

Binary frames begin with the number of their channel. There is no terminal: with `tty` the command
simply has none.
"""

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

from starlette.websockets import WebSocket, WebSocketDisconnect

from drillrange.cluster.objects import Object
from drillrange.cluster.pods import ContainerSpec

SUBPROTOCOL = "v5.channel.k8s.io"
STDIN, CLOSE = 0, 255
STDOUT, STDERR, STATUS = b"\x01", b"\x02", b"\x03"
NO_SUCH_PROGRAM = 127
PIECE = 32_768  # bytes


async def execute(
    socket: WebSocket, spec: ContainerSpec, directory: Path, confine: Callable[[], None]
) -> None:
    """Until the command ends, or the client leaves: then the command is killed."""
    command = socket.query_params.getlist("command")
    await socket.accept(subprotocol=SUBPROTOCOL)
    try:
        process = await _start(command, spec, directory, confine, _asks(socket, "stdin"))
    except OSError as error:
        await socket.send_bytes(STDERR + f"exec: {command[0]}: {error.strerror}\n".encode())
        await _finish(socket, _failure(NO_SUCH_PROGRAM))
        return
    copying = asyncio.create_task(_copy_output(socket, process))
    reading = asyncio.create_task(_read_input(socket, process))
    try:
        await asyncio.wait((copying, reading), return_when=asyncio.FIRST_COMPLETED)
        if copying.done():
            copying.result()
            code = await process.wait()
            await _finish(socket, {"status": "Success"} if code == 0 else _failure(_shown(code)))
    except (WebSocketDisconnect, RuntimeError):
        pass  # the client left; nobody is there to be told
    finally:
        await _end(process, (copying, reading))


async def _start(
    command: list[str],
    spec: ContainerSpec,
    directory: Path,
    confine: Callable[[], None],
    stdin: bool,
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(spec.env),
        cwd=spec.directory or directory,
        start_new_session=True,
        preexec_fn=confine,
    )


async def _copy_output(socket: WebSocket, process: asyncio.subprocess.Process) -> None:
    async def copy(stream: asyncio.StreamReader | None, channel: bytes) -> None:
        while stream and (data := await stream.read(PIECE)):
            await socket.send_bytes(channel + data)

    await asyncio.gather(copy(process.stdout, STDOUT), copy(process.stderr, STDERR))


async def _read_input(socket: WebSocket, process: asyncio.subprocess.Process) -> None:
    """Until the client leaves."""
    while (message := await socket.receive())["type"] == "websocket.receive":
        data = message.get("bytes") or b""
        if process.stdin is None or not data:
            continue
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            if data[0] == STDIN:
                process.stdin.write(data[1:])
                await process.stdin.drain()
            elif data[:2] == bytes((CLOSE, STDIN)):
                process.stdin.close()


async def _end(
    process: asyncio.subprocess.Process, tasks: tuple["asyncio.Task[None]", ...]
) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()


async def _finish(socket: WebSocket, status: Object) -> None:
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, **status}
    await socket.send_bytes(STATUS + json.dumps(body).encode())
    await socket.close()


def _failure(code: int) -> Object:
    return {
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _shown(code: int) -> int:
    """As a shell tells the end by a signal."""
    return 128 - code if code < 0 else code


def _asks(socket: WebSocket, what: str) -> bool:
    return socket.query_params.get(what) in ("true", "1")
