"""Deployments of trivial pods, driven by the real kubectl: rollouts, scales, restarts, ends."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from drillrange.processes import free_ports
from tests.drillrange.conftest import Kubectl, a_deployment


async def apply(kubectl: Kubectl, manifest: dict[str, Any]) -> None:
    await kubectl.ok("apply", "-f", "-", stdin=json.dumps(manifest))
    name = f"deployment/{manifest['metadata']['name']}"
    await kubectl.ok("rollout", "status", name, "--timeout=20s")


def runs(number: str) -> bool:
    return Path("/proc", number).exists()


async def pods(kubectl: Kubectl) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await kubectl.get("pods"))["items"]
    return found


async def test_rollout_status_waits_until_the_probe_succeeds(kubectl: Kubectl) -> None:
    (port,) = free_ports(1)
    serve = (sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1")
    await apply(kubectl, a_deployment(command=serve, probe=port))
    said = await kubectl.ok("wait", "--for=condition=available", "--timeout=10s", "deployment/web")
    assert said == "deployment.apps/web condition met\n"
    table = (await kubectl.ok("get", "deployments")).splitlines()
    assert table[0].split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert table[1].split()[:4] == ["web", "1/1", "1", "1"]
    status = (await kubectl.get("deployment", "web"))["status"]
    assert status["observedGeneration"] == 1
    assert {c["type"]: c["status"] for c in status["conditions"]} == {
        "Available": "True",
        "Progressing": "True",
    }


async def test_rollout_status_gives_up_on_a_pod_that_never_gets_ready(kubectl: Kubectl) -> None:
    (port,) = free_ports(1)
    manifest = json.dumps(a_deployment(probe=port))
    await kubectl.ok("apply", "-f", "-", stdin=manifest)
    said = await kubectl("rollout", "status", "deployment/web", "--timeout=1s")
    assert said.code == 1
    assert "timed out waiting for the condition" in said.err
    assert (await kubectl.ok("get", "pods")).splitlines()[1].split()[1:3] == ["0/1", "Running"]


async def test_set_env_replaces_the_pod_and_undo_brings_the_first_template_back(
    kubectl: Kubectl,
) -> None:
    await apply(kubectl, a_deployment(env={"COLOUR": "red", "SIZE": "3"}))
    (first,) = await pods(kubectl)
    said = await kubectl.ok("set", "env", "deployment/web", "COLOUR=blue")
    assert said == "deployment.apps/web env updated\n"
    await kubectl.ok("rollout", "status", "deployment/web", "--timeout=20s")
    (second,) = await pods(kubectl)
    assert first["metadata"]["name"] != second["metadata"]["name"]
    seen = await kubectl.ok("exec", "deployment/web", "--", "sh", "-c", "echo $COLOUR $SIZE")
    assert seen == "blue 3\n"

    history = (await kubectl.ok("rollout", "history", "deployment/web")).split()
    assert [word for word in history if word.isdigit()] == ["1", "2"]
    await kubectl.ok("rollout", "undo", "deployment/web")
    await kubectl.ok("rollout", "status", "deployment/web", "--timeout=20s")
    seen = await kubectl.ok("exec", "deployment/web", "--", "sh", "-c", "echo $COLOUR $SIZE")
    assert seen == "red 3\n"
    history = (await kubectl.ok("rollout", "history", "deployment/web")).split()
    assert [word for word in history if word.isdigit()] == ["2", "3"]


async def test_a_variable_is_taken_away_with_a_minus(kubectl: Kubectl) -> None:
    await apply(kubectl, a_deployment(env={"COLOUR": "red", "SIZE": "3"}))
    await kubectl.ok("set", "env", "deployment/web", "SIZE-")
    assert await kubectl.ok("set", "env", "deployment/web", "--list") == (
        "# Deployment web, container main-thing\nCOLOUR=red\n"
    )


async def test_rollout_restart_makes_a_new_pod_of_the_same_template(kubectl: Kubectl) -> None:
    await apply(kubectl, a_deployment())
    (first,) = await pods(kubectl)
    await kubectl.ok("rollout", "restart", "deployment/web")
    await kubectl.ok("rollout", "status", "deployment/web", "--timeout=20s")
    (second,) = await pods(kubectl)
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    assert first["spec"]["containers"] == second["spec"]["containers"]


async def test_scale_makes_and_takes_pods(kubectl: Kubectl) -> None:
    await apply(kubectl, a_deployment())
    await kubectl.ok("scale", "deployment/web", "--replicas=3")
    await kubectl.ok("rollout", "status", "deployment/web", "--timeout=20s")
    three = {pod["metadata"]["uid"] for pod in await pods(kubectl)}
    assert len(three) == 3
    await kubectl.ok("scale", "deployment/web", "--replicas=1")
    left = await kubectl.until(lambda found: len(found["items"]) == 1, "pods")
    assert left["items"][0]["metadata"]["uid"] in three  # none was made anew
    await kubectl.ok("scale", "deployment/web", "--replicas=0")
    await kubectl.until(lambda found: not found["items"], "pods")
    said = await kubectl("scale", "deployment/web", "--replicas=-1")
    assert said.code == 1


async def test_recreate_ends_the_old_pod_before_the_new_one_begins(
    kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    marks = tmp_path_factory.mktemp("marks") / "marks"
    lives = (
        "import os, signal, sys, time\n"
        f"say = lambda word: open({str(marks)!r}, 'a').write(word + os.environ['N'] + '\\n')\n"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), say('end'), sys.exit(0)))\n"
        "say('begin')\n"
        "signal.pause()"
    )
    await apply(kubectl, a_deployment(command=(sys.executable, "-c", lives), env={"N": "1"}))
    while not marks.exists():
        await kubectl.get("pods")
    await kubectl.ok("set", "env", "deployment/web", "N=2")
    await kubectl.ok("rollout", "status", "deployment/web", "--timeout=20s")
    await kubectl.until(lambda _: "begin2" in marks.read_text(), "pods")
    assert marks.read_text().split() == ["begin1", "end1", "begin2"]


async def test_a_rolling_update_always_keeps_pods_that_are_ready(kubectl: Kubectl) -> None:
    await apply(kubectl, a_deployment(strategy="RollingUpdate", replicas=2))
    await kubectl.ok("set", "env", "deployment/web", "A=1")
    fewest = 2

    def done(found: Any) -> bool:
        nonlocal fewest
        status = found["status"]
        fewest = min(fewest, status.get("availableReplicas", 0))
        new = status.get("updatedReplicas", 0) == status.get("replicas") == 2
        return bool(new and status["observedGeneration"] == found["metadata"]["generation"])

    await kubectl.until(done, "deployment", "web")
    assert fewest == 2


async def test_a_pod_that_crashes_is_started_again_and_its_last_words_are_kept(
    kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mark = tmp_path_factory.mktemp("crash") / "mark"
    once = (
        "import os, signal, sys\n"
        f"mark = {str(mark)!r}\n"
        "if not os.path.exists(mark):\n"
        "    open(mark, 'w').close()\n"
        "    sys.exit('first life')\n"
        "print('second life', flush=True)\n"
        "signal.pause()"
    )
    manifest = json.dumps(a_deployment(command=(sys.executable, "-c", once)))
    await kubectl.ok("apply", "-f", "-", stdin=manifest)

    def restarted(found: Any) -> bool:
        (container,) = found["items"][0]["status"].get("containerStatuses") or [{}]
        return container.get("restartCount") == 1 and bool(container["ready"])

    found = await kubectl.until(lambda f: bool(f["items"]) and restarted(f), "pods")
    (container,) = found["items"][0]["status"]["containerStatuses"]
    assert container["lastState"]["terminated"]["exitCode"] == 1
    name = found["items"][0]["metadata"]["name"]
    assert await kubectl.ok("logs", name, "--previous") == "first life\n"
    assert (await kubectl.ok("get", "pods")).splitlines()[1].split()[1:3] == ["1/1", "Running"]


async def test_a_pod_that_will_not_drain_is_killed_after_its_grace(kubectl: Kubectl) -> None:
    stubborn = (
        "import os, signal\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print(os.getpid(), flush=True)\n"
        "while True: signal.pause()"
    )
    await apply(kubectl, a_deployment(command=(sys.executable, "-c", stubborn), grace=1))
    (pod,) = await pods(kubectl)
    await kubectl.ok("wait", "--for=condition=ready", "pod", pod["metadata"]["name"])
    number = ""
    while not number:
        number = (await kubectl.ok("logs", "deployment/web")).strip()
    await kubectl.ok("delete", "deployment", "web")
    await kubectl.until(lambda found: not found["items"], "pods")
    assert not runs(number)


async def test_a_deleted_pod_is_replaced_and_a_deleted_deployment_takes_all_with_it(
    kubectl: Kubectl,
) -> None:
    await apply(kubectl, a_deployment())
    (first,) = await pods(kubectl)
    await kubectl.ok("delete", "pod", first["metadata"]["name"])
    await kubectl.ok("rollout", "status", "deployment/web", "--timeout=20s")
    (second,) = await pods(kubectl)
    assert first["metadata"]["uid"] != second["metadata"]["uid"]
    await kubectl.ok("delete", "deployment", "web")
    await kubectl.until(lambda found: not found["items"], "pods")
    await kubectl.until(lambda found: not found["items"], "replicasets")
