"""Volumes of pods, by the real kubectl: ConfigMaps that change, directories that pods share."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from drillrange.cluster.confinement import may_mount
from drillrange.cluster.objects import Object, Objects
from drillrange.cluster.pods import Unstartable
from drillrange.cluster.volumes import Volumes
from tests.drillrange.conftest import Kubectl

SLEEP = [sys.executable, "-c", "import signal; signal.pause()"]


def a_config_map(**data: str) -> str:
    kept: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    return json.dumps({**kept, "data": data})


def a_pod(path: Path, *volumes: dict[str, Any], containers: int = 1) -> dict[str, Any]:
    """Volumes that are called a, b ... are seen at a, b ... under the path."""
    mounts = [{"name": made["name"], "mountPath": str(path / made["name"])} for made in volumes]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {
            "volumes": list(volumes),
            "containers": [
                {"name": f"c{number}", "command": SLEEP, "volumeMounts": mounts}
                for number in range(containers)
            ],
        },
    }


async def start(kubectl: Kubectl, pod: dict[str, Any]) -> None:
    await kubectl.ok("apply", "-f", "-", stdin=json.dumps(pod))
    await kubectl.ok("wait", "--for=condition=ready", "--timeout=20s", "pod/p")


async def inside(kubectl: Kubectl, *words: str) -> str:
    return await kubectl.ok("exec", "p", "--", *words)


async def test_a_config_map_is_a_directory_that_follows_it(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(load="4", gone="1"))
    path = tmp_path / "mnt"
    await start(kubectl, a_pod(path, {"name": "a", "configMap": {"name": "c"}}))
    assert await inside(kubectl, "cat", f"{path}/a/load") == "4"
    assert (await inside(kubectl, "ls", f"{path}/a")).split() == ["gone", "load"]
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(load="5", new="2"))

    seen = ""
    while seen != "load new":
        seen = " ".join((await inside(kubectl, "ls", f"{path}/a")).split())
    assert await inside(kubectl, "cat", f"{path}/a/load") == "5"


async def test_items_choose_keys_and_their_paths(kubectl: Kubectl, tmp_path: Path) -> None:
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(load="4", other="1"))
    items = [{"key": "load", "path": "deep/load.txt"}]
    path = tmp_path / "mnt"
    await start(kubectl, a_pod(path, {"name": "a", "configMap": {"name": "c", "items": items}}))
    assert (await inside(kubectl, "ls", f"{path}/a")).split() == ["deep"]
    assert await inside(kubectl, "cat", f"{path}/a/deep/load.txt") == "4"


async def test_an_optional_config_map_may_come_later(kubectl: Kubectl, tmp_path: Path) -> None:
    path = tmp_path / "mnt"
    volume = {"name": "a", "configMap": {"name": "c", "optional": True}}
    await start(kubectl, a_pod(path, volume))
    assert await inside(kubectl, "ls", f"{path}/a") == ""
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(load="4"))
    while await inside(kubectl, "ls", f"{path}/a") != "load\n":
        pass


async def test_a_config_map_that_is_missing_keeps_its_pod_waiting(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    pod = a_pod(tmp_path / "mnt", {"name": "a", "configMap": {"name": "c"}})
    await kubectl.ok("apply", "-f", "-", stdin=json.dumps(pod))

    def told(found: Any) -> bool:
        return any('configmap "c" not found' in event["message"] for event in found["items"])

    await kubectl.until(told, "events", "--field-selector=involvedObject.name=p")
    assert 'configmap "c" not found' in await kubectl.ok("describe", "pod", "p")
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(load="4"))
    await kubectl.ok("wait", "--for=condition=ready", "--timeout=20s", "pod/p")


async def test_containers_of_a_pod_share_an_empty_directory_that_ends_with_it(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    path = tmp_path / "mnt"
    pod = a_pod(path, {"name": "a", "emptyDir": {}}, containers=2)
    await start(kubectl, pod)
    await kubectl.ok("exec", "p", "-c", "c0", "--", "sh", "-c", f"echo here > {path}/a/file")
    seen = await kubectl.ok("exec", "p", "-c", "c1", "--", "cat", f"{path}/a/file")
    assert seen == "here\n"
    await kubectl.ok("delete", "pod", "p", "--now")
    await start(kubectl, pod)
    assert await inside(kubectl, "ls", f"{path}/a") == ""


@pytest.mark.skipif(not may_mount(), reason="mounts need CAP_SYS_ADMIN")
async def test_a_mount_is_the_containers_own_and_a_config_map_is_read_only(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(load="4"))
    path = tmp_path / "mnt"
    await start(kubectl, a_pod(path, {"name": "a", "configMap": {"name": "c"}}))
    assert list((path / "a").iterdir()) == []
    said = await kubectl("exec", "p", "--", "sh", "-c", f"echo 5 > {path}/a/load")
    assert said.code != 0
    assert "Read-only file system" in said.err


async def test_a_mount_path_that_cannot_be_made_is_told(kubectl: Kubectl, tmp_path: Path) -> None:
    (tmp_path / "mnt").write_text("a file")
    pod = a_pod(tmp_path / "mnt", {"name": "a", "emptyDir": {}})
    await kubectl.ok("apply", "-f", "-", stdin=json.dumps(pod))

    def told(found: Any) -> bool:
        (status,) = found["status"].get("containerStatuses") or [{}]
        waiting = status.get("state", {}).get("waiting") or {}
        return f"mountPath {tmp_path}/mnt/a" in waiting.get("message", "")

    await kubectl.until(told, "pod", "p")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"volumes": []}, "volumeMounts[0].name: Not found: 'a'"),
        ({"volumes": [{"name": "a", "hostPath": {"path": "/"}}]}, "knows configMap and emptyDir"),
        ({"volumes": [{"name": "a", "configMap": {}}]}, "configMap.name: Required value"),
        (
            {
                "volumes": [
                    {
                        "name": "a",
                        "configMap": {"name": "c", "items": [{"key": "k", "path": "../k"}]},
                    }
                ]
            },
            "must be relative",
        ),
    ],
)
async def test_volumes_that_cannot_be_are_refused(
    kubectl: Kubectl, tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    pod = a_pod(tmp_path / "mnt", {"name": "a", "emptyDir": {}})
    pod["spec"] |= change
    said = await kubectl("apply", "-f", "-", stdin=json.dumps(pod))
    assert said.code == 1
    assert told in said.err


async def test_a_key_that_is_a_path_is_refused(kubectl: Kubectl) -> None:
    wrong = a_config_map(**{"../escaped": "1"})
    said = await kubectl("apply", "-f", "-", stdin=wrong)
    assert "a valid config key" in said.err


# --- without the right to mount


def linking(tmp_path: Path) -> tuple[Objects, Volumes]:
    objects = Objects()
    objects.create("configmaps", {"metadata": {"name": "c"}, "data": {"load": "4"}})
    return objects, Volumes(objects, tmp_path / "volumes", mounting=False)


def stored(objects: Objects, name: str, pod: dict[str, Any]) -> Object:
    return objects.create("pods", {**pod, "metadata": {"name": name}})


def test_without_mounts_a_link_leads_to_the_volume_and_goes_with_the_cluster(
    tmp_path: Path,
) -> None:
    objects, volumes = linking(tmp_path)
    path = tmp_path / "mnt"
    pod = a_pod(path, {"name": "a", "configMap": {"name": "c"}})
    for name in ("one", "two"):  # the same ConfigMap at the same path is no quarrel
        assert volumes.provide(stored(objects, name, pod), "c0") == ()
    assert (path / "a" / "load").read_text() == "4"
    volumes.close()
    assert not path.exists()


def test_without_mounts_two_pods_cannot_have_different_things_at_one_path(tmp_path: Path) -> None:
    objects, volumes = linking(tmp_path)
    made = a_pod(tmp_path / "mnt", {"name": "a", "emptyDir": {}})
    one, two = stored(objects, "one", made), stored(objects, "two", made)
    volumes.provide(one, "c0")
    with pytest.raises(Unstartable, match="another one for each pod that differs"):
        volumes.provide(two, "c0")
    volumes.forget(one)
    volumes.provide(two, "c0")
    assert os.listdir(tmp_path / "mnt" / "a") == []
