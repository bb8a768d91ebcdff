"""A line into a pod, through `kubectl exec`: kubectl knows every way to sign in to a cluster, and
both protocols of exec. A command in there may do what the pod's own service account may do."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from playcall.core.placement import only_looks
from playcall.core.plan import EffectClass
from playcall.engine.ports import Unavailable
from playcall.runner.far import SHELL, Line

PIECE = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    name: str  # "playcall-observe", or "deployment/playcall-observe"
    env: Mapping[str, str]  # of kubectl: PATH, KUBECONFIG
    context: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubernetes:
    namespace: str
    container: str
    observe: Pod
    change: Pod

    @contextlib.asynccontextmanager
    async def connect(self, effect: EffectClass) -> AsyncIterator[Line]:
        pod = self.observe if only_looks(effect) else self.change
        try:
            process = await asyncio.create_subprocess_exec(
                *self._words(pod),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(pod.env),
                start_new_session=True,  # with what it starts to sign in
            )
        except OSError as error:
            raise Unavailable(
                f"kubectl cannot be run: {error.strerror}. Install it, and check PATH in "
                "[runner.env].",
                permanent=True,
            ) from error
        try:
            yield _KubectlLine(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.communicate()

    def _words(self, pod: Pod) -> list[str]:
        words = ["kubectl", "exec", "--stdin", "--pod-running-timeout=10s"]
        for option, value in (
            ("--context", pod.context),
            ("--namespace", self.namespace),
            ("--container", self.container),
        ):
            if value:
                words.append(f"{option}={value}")
        return [*words, pod.name, "--", *SHELL]


class _KubectlLine:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._input, self._output = process.stdin, process.stdout

    async def send(self, data: bytes) -> None:
        self._input.write(data)
        await self._input.drain()

    async def receive(self) -> bytes:
        return await self._output.read(PIECE)
