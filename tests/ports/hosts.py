"""Hosts for runners to run commands on, each a process of its own: an SSH server, a pocket cluster
with a pod for each class of commands. `python -m tests.ports.hosts KIND DIRECTORY` prints what
leads to them as JSON, and serves until its input ends.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import asyncssh

from drillrange.cluster.server import PocketCluster

KUBECTL = Path(sys.executable).with_name("kubectl")


@contextlib.contextmanager
def serving(kind: str, directory: Path) -> Iterator[Mapping[str, Any]]:
    words = [sys.executable, "-m", "tests.ports.hosts", kind, str(directory)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    with process:
        yield json.loads(process.stdout.readline())
        process.stdin.close()


async def _ssh(directory: Path) -> None:
    keys = {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("host", "ada", "eve")}
    for name, key in keys.items():
        key.write_private_key(directory / name)
        key.write_public_key(directory / f"{name}.pub")
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[keys["host"]],
        authorized_client_keys=str(directory / "ada.pub"),
        process_factory=_handle,
        encoding=None,
    )
    async with server:
        port = server.get_port()
        public = keys["host"].export_public_key().decode()
        (directory / "known_hosts").write_text(f"[127.0.0.1]:{port} {public}")
        await _serve({"port": port})


async def _handle(process: "asyncssh.SSHServerProcess[bytes]") -> None:
    """As sshd would: the login shell with the command, its input ended with the connection."""
    shell = await asyncio.create_subprocess_exec(
        *("bash", "-c", process.command or ""),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "USER": process.get_extra_info("username")},
        start_new_session=True,
    )
    assert shell.stdin
    feeding = asyncio.create_task(_copy(process.stdin, shell.stdin))
    await asyncio.gather(_copy(shell.stdout, process.stdout), _copy(shell.stderr, process.stderr))
    process.exit(await shell.wait())
    await feeding


async def _copy(source: Any, sink: Any) -> None:
    """To the end of the source, which a broken connection is too."""
    with contextlib.suppress(OSError, asyncssh.Error):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    if isinstance(sink, asyncio.StreamWriter):
        sink.close()


async def _kubernetes(directory: Path) -> None:
    async with PocketCluster(directory=directory / "cluster", token="a-token-of-a-test") as cluster:
        pods = [_pod("tools-observe"), _pod("tools-change")]
        manifest = "\n---\n".join(json.dumps(pod) for pod in pods)
        for words in (
            ("apply", "-f", "-"),
            ("wait", "--for=condition=Ready", "pod", "-l", "app=tools"),
        ):
            kubectl = await asyncio.create_subprocess_exec(
                str(KUBECTL),
                *words,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                env={"KUBECONFIG": str(cluster.kubeconfig), "HOME": str(directory)},
            )
            await kubectl.communicate(manifest.encode())
            assert kubectl.returncode == 0, words
        await _serve({"kubeconfig": str(cluster.kubeconfig)})


def _pod(name: str) -> dict[str, Any]:
    container = {
        "name": "tools",
        "image": "local",
        "command": ["sleep", "1000"],
        "env": [{"name": "USER", "value": name}, {"name": "PATH", "value": "/usr/bin:/bin"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "tools"}},
        "spec": {"containers": [container]},
    }


async def _serve(told: Mapping[str, Any]) -> None:
    print(json.dumps(told), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run({"ssh": _ssh, "kubernetes": _kubernetes}[sys.argv[1]](Path(sys.argv[2])))
