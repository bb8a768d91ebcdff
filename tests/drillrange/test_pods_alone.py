"""Pods that no deployment made, by the real kubectl: their containers, restarts and ends."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.drillrange.conftest import Kubectl

SLEEP = "import signal; print('asleep', flush=True); signal.pause()"


def a_container(name: str, program: str = SLEEP, **more: Any) -> dict[str, Any]:
    return {"name": name, "command": [sys.executable, "-c", program], **more}


def a_pod(*containers: dict[str, Any], policy: str = "Always") -> str:
    spec = {"restartPolicy": policy, "containers": list(containers)}
    meta = {"name": "p", "labels": {"app": "alone"}}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})


async def start(kubectl: Kubectl, *containers: dict[str, Any]) -> None:
    await kubectl.ok("create", "-f", "-", stdin=a_pod(*containers))
    await kubectl.ok("wait", "--for=condition=ready", "--timeout=20s", "pod/p")


def lives(number: str) -> bool:
    return Path("/proc", number).exists()


def phase(wanted: str) -> Any:
    return lambda found: (found.get("status") or {}).get("phase") == wanted


async def test_a_pod_is_made_told_of_and_deleted(kubectl: Kubectl) -> None:
    await start(kubectl, a_container("main"))
    said = await kubectl("create", "-f", "-", stdin=a_pod(a_container("main")))
    assert 'pods "p" already exists' in said.err
    row = (await kubectl.ok("get", "pod", "p", "--no-headers")).split()
    assert row[:4] == ["p", "1/1", "Running", "0"]
    told = await kubectl.ok("describe", "pod", "p")
    assert (await kubectl.get("pod", "p"))["status"]["podIP"] in told
    assert await kubectl.ok("delete", "pod", "p") == 'pod "p" deleted from default namespace\n'
    assert (await kubectl("get", "pod", "p")).code == 1


async def test_containers_have_logs_and_commands_of_their_own(kubectl: Kubectl) -> None:
    env = [{"name": "WHO", "value": "second"}]
    second = a_container("second", SLEEP.replace("asleep", "dreaming"), env=env)
    await start(kubectl, a_container("first"), second)
    while await kubectl.ok("logs", "p", "-c", "second") != "dreaming\n":
        pass
    first = await kubectl("logs", "p")
    assert first.out == "asleep\n"
    assert "Defaulted container" in first.err
    every = await kubectl.ok("logs", "p", "--all-containers", "--prefix")
    assert sorted(every.splitlines()) == ["[pod/p/first] asleep", "[pod/p/second] dreaming"]
    seen = await kubectl.ok("exec", "p", "-c", "second", "--", "sh", "-c", "echo $WHO")
    assert seen == "second\n"
    assert await kubectl.ok("exec", "p", "--", "sh", "-c", "echo $WHO") == "\n"
    rows = (await kubectl.ok("top", "pod", "p", "--containers", "--no-headers")).splitlines()
    assert [row.split()[:2] for row in rows] == [["p", "first"], ["p", "second"]]


async def test_a_pod_is_ready_when_all_its_containers_are(kubectl: Kubectl, tmp_path: Path) -> None:
    serve = ["-m", "http.server", "8080", "--bind", "$(POD_IP)", "--directory", str(tmp_path)]
    late = {
        "name": "late",
        "command": [sys.executable],
        "args": serve,
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}},
    }
    await kubectl.ok("create", "-f", "-", stdin=a_pod(a_container("early"), late))

    def half(found: Any) -> bool:
        statuses = found["status"].get("containerStatuses") or []
        return [status["ready"] for status in statuses] == [True, False]

    await kubectl.until(half, "pod", "p")
    assert (await kubectl.ok("get", "pod", "p", "--no-headers")).split()[1:3] == ["1/2", "Running"]
    assert (await kubectl("wait", "--for=condition=ready", "--timeout=1s", "pod/p")).code == 1
    (tmp_path / "ready").touch()
    await kubectl.ok("wait", "--for=condition=ready", "--timeout=20s", "pod/p")


async def test_only_the_container_that_ended_is_started_again(kubectl: Kubectl) -> None:
    await start(kubectl, a_container("calm"), a_container("hasty"))
    statuses = (await kubectl.get("pod", "p"))["status"]["containerStatuses"]
    ids = {status["name"]: status["containerID"].split("//")[1] for status in statuses}
    await kubectl.ok("exec", "p", "--", "kill", "-9", ids["hasty"])

    def restarted(found: Any) -> bool:
        counts = {s["name"]: s["restartCount"] for s in found["status"]["containerStatuses"]}
        ready = all(status["ready"] for status in found["status"]["containerStatuses"])
        return ready and counts == {"calm": 0, "hasty": 1}

    found = await kubectl.until(restarted, "pod", "p")
    last = found["status"]["containerStatuses"][1]["lastState"]["terminated"]
    assert last["exitCode"] == 137
    assert found["status"]["containerStatuses"][0]["containerID"].endswith(ids["calm"])
    assert "BackOff" in await kubectl.ok("describe", "pod", "p")


@pytest.mark.parametrize(
    ("policy", "code", "expected"),
    [
        ("Never", 0, ("Succeeded", "Completed")),
        ("Never", 3, ("Failed", "Error")),
        ("OnFailure", 0, ("Succeeded", "Completed")),
    ],
)
async def test_a_pod_that_is_done_says_how(
    kubectl: Kubectl, policy: str, code: int, expected: tuple[str, str]
) -> None:
    said = f"import sys; print('done'); sys.exit({code})"
    pod = a_pod(a_container("main", said), policy=policy)
    await kubectl.ok("create", "-f", "-", stdin=pod)
    found = await kubectl.until(phase(expected[0]), "pod", "p")
    (status,) = found["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == code
    assert status["restartCount"] == 0
    row = (await kubectl.ok("get", "pod", "p", "--no-headers")).split()
    assert row[1:3] == ["0/1", expected[1]]
    assert await kubectl.ok("logs", "p") == "done\n"
    await kubectl.ok("wait", f"--for=jsonpath={{.status.phase}}={expected[0]}", "pod/p")
    said_ = await kubectl("exec", "p", "--", "true")
    assert said_.code == 1
    assert f"cannot exec into a container in a completed pod; current phase is {expected[0]}" in (
        said_.err
    )


async def test_a_pod_that_fails_is_started_again_until_it_succeeds(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    twice = f"import pathlib, sys; m = pathlib.Path({str(mark)!r})\nif not m.exists():\n"
    twice += "    m.touch(); sys.exit(1)"
    pod = a_pod(a_container("main", twice), policy="OnFailure")
    await kubectl.ok("create", "-f", "-", stdin=pod)
    found = await kubectl.until(phase("Succeeded"), "pod", "p")
    assert found["status"]["containerStatuses"][0]["restartCount"] == 1


async def test_a_pod_that_was_asked_to_end_ends_all_its_containers(kubectl: Kubectl) -> None:
    await start(kubectl, a_container("one"), a_container("two"))
    statuses = (await kubectl.get("pod", "p"))["status"]["containerStatuses"]
    numbers = [status["containerID"].split("//")[1] for status in statuses]
    assert all(lives(number) for number in numbers)
    await kubectl.ok("delete", "pod", "p", "--now")
    deadline = asyncio.get_running_loop().time() + 10
    while any(lives(number) for number in numbers):
        assert asyncio.get_running_loop().time() < deadline
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"restartPolicy": "Sometimes"}, "spec.restartPolicy: Unsupported value: 'Sometimes'"),
        ({"initContainers": [a_container("first")]}, "runs no init containers"),
        ({"containers": [a_container("a"), a_container("a")]}, "containers need different names"),
        ({"containers": []}, "spec.containers: Required value"),
    ],
)
async def test_pods_that_cannot_be_are_refused(
    kubectl: Kubectl, change: dict[str, Any], told: str
) -> None:
    pod = json.loads(a_pod(a_container("main")))
    pod["spec"] |= change
    said = await kubectl("create", "-f", "-", stdin=json.dumps(pod))
    assert said.code == 1
    assert told in said.err
