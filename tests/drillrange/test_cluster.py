"""What the pocket cluster is as an API: refusals, patches, selectors, watches, namespaces, keys."""

import asyncio
import json
from pathlib import Path
from typing import Any

import yaml

from drillrange.cluster.server import PocketCluster
from tests.drillrange.conftest import Kubectl, a_deployment

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web", "version": "v3"}, "ports": [{"port": 80}]},
}


def a_config_map(**data: str) -> str:
    kept: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}
    return json.dumps({**kept, "data": data})


async def test_the_version_says_what_it_is(kubectl: Kubectl) -> None:
    assert "pocket-cluster-for-drills" in await kubectl.ok("version")


async def test_unknown_kinds_and_names_are_refused_in_the_words_of_kubernetes(
    kubectl: Kubectl,
) -> None:
    said = await kubectl("get", "nonsense")
    assert (said.code, said.err) == (
        1,
        'error: the server doesn\'t have a resource type "nonsense"\n',
    )
    said = await kubectl("get", "deployment", "nope")
    assert (said.code, said.err) == (
        1,
        'Error from server (NotFound): deployments.apps "nope" not found\n',
    )
    said = await kubectl("scale", "deployment/nope", "--replicas=2")
    assert said.code == 1


async def test_a_wrong_token_is_unauthorized(kubectl: Kubectl, tmp_path: Path) -> None:
    config = yaml.safe_load(kubectl.cluster.kubeconfig.read_text())
    config["users"][0]["user"]["token"] = "another"
    stranger = tmp_path / "stranger"
    stranger.write_text(yaml.safe_dump(config))
    said = await kubectl("--kubeconfig", str(stranger), "get", "pods")
    assert said.code == 1
    assert "Unauthorized" in said.err or "must be logged in" in said.err


async def test_the_kubeconfig_is_for_its_owner_only(cluster: PocketCluster) -> None:
    assert cluster.kubeconfig.stat().st_mode & 0o077 == 0


async def test_apply_creates_then_updates_then_says_unchanged(kubectl: Kubectl) -> None:
    first = a_config_map(a="1", b="2")
    assert await kubectl.ok("apply", "-f", "-", stdin=first) == "configmap/c created\n"
    assert await kubectl.ok("apply", "-f", "-", stdin=first) == "configmap/c unchanged\n"
    changed = await kubectl.ok("apply", "-f", "-", stdin=a_config_map(b="3"))
    assert changed == "configmap/c configured\n"
    assert (await kubectl.get("configmap", "c"))["data"] == {"b": "3"}
    shown = yaml.safe_load(await kubectl.ok("get", "configmap", "c", "-o", "yaml"))
    assert shown["data"] == {"b": "3"}


async def test_apply_takes_a_variable_out_of_a_container(kubectl: Kubectl) -> None:
    for env in ({"A": "1", "B": "2"}, {"B": "3"}):
        await kubectl.ok("apply", "-f", "-", stdin=json.dumps(a_deployment(env=env)))
    spec = (await kubectl.get("deployment", "web"))["spec"]["template"]["spec"]
    assert spec["containers"][0]["env"] == [{"name": "B", "value": "3"}]


async def test_an_object_that_cannot_be_is_refused_with_its_field(kubectl: Kubectl) -> None:
    manifest = a_deployment()
    manifest["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    said = await kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    assert said.code == 1
    assert 'The Deployment "web" is invalid: spec.template.metadata.labels' in said.err


async def test_a_patch_of_a_service_merges_its_selector(kubectl: Kubectl) -> None:
    await kubectl.ok("apply", "-f", "-", stdin=json.dumps(SERVICE))
    patch = '{"spec":{"selector":{"version":"v1"}}}'
    assert await kubectl.ok("patch", "service", "web", "-p", patch) == "service/web patched\n"
    assert (await kubectl.get("service", "web"))["spec"]["selector"] == {
        "app": "web",
        "version": "v1",
    }
    removal = '[{"op": "remove", "path": "/spec/selector/version"}]'
    await kubectl.ok("patch", "service", "web", "--type=json", "-p", removal)
    assert (await kubectl.get("service", "web"))["spec"]["selector"] == {"app": "web"}
    await kubectl.ok(
        "patch", "service", "web", "--type=merge", "-p", '{"spec":{"selector":{"app":null}}}'
    )
    assert not (await kubectl.get("service", "web"))["spec"].get("selector")
    said = await kubectl("patch", "service", "web", "--type=json", "-p", removal)
    assert said.code == 1


async def test_labels_select(kubectl: Kubectl) -> None:
    for name in ("one", "two"):
        manifest = {**SERVICE, "metadata": {"name": name, "labels": {"app": name}}}
        await kubectl.ok("apply", "-f", "-", stdin=json.dumps(manifest))
    expected = {
        "app=one": ["one"],
        "app!=one": ["two"],
        "app in (one, two)": ["one", "two"],
        "app notin (one)": ["two"],
        "app,app!=two": ["one"],
        "!app": [],
    }
    found = {selector: await kubectl.get("services", "-l", selector) for selector in expected}
    names = {on: [item["metadata"]["name"] for item in of["items"]] for on, of in found.items()}
    assert names == expected


async def test_namespaces_keep_objects_apart(kubectl: Kubectl) -> None:
    said = await kubectl("apply", "-n", "other", "-f", "-", stdin=a_config_map(a="1"))
    assert 'namespaces "other" not found' in said.err
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "other"}}
    await kubectl.ok("apply", "-f", "-", stdin=json.dumps(space))
    await kubectl.ok("apply", "-n", "other", "-f", "-", stdin=a_config_map(a="1"))
    assert (await kubectl("get", "configmap", "c")).code == 1
    every = await kubectl.get("configmaps", "-A")
    assert [item["metadata"]["namespace"] for item in every["items"]] == ["other"]
    names = (await kubectl.ok("get", "namespaces", "-o", "name")).split()
    assert names == ["namespace/default", "namespace/other"]


async def test_a_watch_begins_with_what_is_there_and_goes_on_with_what_changes(
    kubectl: Kubectl,
) -> None:
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(a="1"))
    watching = await kubectl.open("get", "configmaps", "-w", "--no-headers")
    assert watching.stdout is not None
    try:
        first = await asyncio.wait_for(watching.stdout.readline(), 20)
        assert first.split()[:2] == [b"c", b"1"]
        await kubectl.ok("apply", "-f", "-", stdin=a_config_map(a="1", b="2"))
        second = await asyncio.wait_for(watching.stdout.readline(), 20)
        assert second.split()[:2] == [b"c", b"2"]
    finally:
        watching.kill()
        await watching.communicate()


async def test_a_streamed_list_ends_with_the_bookmark_that_kubectl_waits_for(
    kubectl: Kubectl,
) -> None:
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(a="1"))
    query = "watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    path = (
        f"/api/v1/namespaces/default/configmaps?{query}&allowWatchBookmarks=true&timeoutSeconds=1"
    )
    lines = (await kubectl.ok("get", "--raw", path)).splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["type"] for event in events[:2]] == ["ADDED", "BOOKMARK"]
    annotations = events[1]["object"]["metadata"]["annotations"]
    assert annotations == {"k8s.io/initial-events-end": "true"}


async def test_wait_ends_when_the_object_is_deleted(kubectl: Kubectl) -> None:
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(a="1"))
    waiting = asyncio.create_task(kubectl("wait", "--for=delete", "configmap/c", "--timeout=20s"))
    await kubectl.ok("delete", "configmap", "c")
    assert (await waiting).code == 0


async def test_an_update_of_what_changed_meanwhile_is_a_conflict(kubectl: Kubectl) -> None:
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(a="1"))
    old = await kubectl.ok("get", "configmap", "c", "-o", "json")
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(a="2"))
    said = await kubectl("replace", "-f", "-", stdin=old)
    assert said.code == 1
    assert "the object has been modified" in said.err


async def test_events_are_none_while_all_is_well(kubectl: Kubectl) -> None:
    assert (await kubectl.get("events"))["items"] == []


async def test_a_missing_config_map_keeps_a_pod_waiting_until_it_is_there(
    kubectl: Kubectl,
) -> None:
    manifest = a_deployment()
    reference = {"configMapKeyRef": {"name": "c", "key": "a"}}
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    container["env"] = [{"name": "A", "valueFrom": reference}]
    await kubectl.ok("apply", "-f", "-", stdin=json.dumps(manifest))

    def waits(found: Any) -> bool:
        (status,) = found["items"][0]["status"].get("containerStatuses") or [{}]
        return "waiting" in status.get("state", {})

    found = await kubectl.until(lambda f: bool(f["items"]) and waits(f), "pods")
    (status,) = found["items"][0]["status"]["containerStatuses"]
    assert 'configmap "c" not found' in status["state"]["waiting"]["message"]
    await kubectl.ok("apply", "-f", "-", stdin=a_config_map(a="from the map"))
    await kubectl.ok("rollout", "status", "deployment/web", "--timeout=20s")
    seen = await kubectl.ok("exec", "deployment/web", "--", "sh", "-c", "echo $A")
    assert seen == "from the map\n"


async def test_two_clusters_side_by_side_know_nothing_of_each_other(
    kubectl: Kubectl, tmp_path: Path
) -> None:
    async with PocketCluster(directory=tmp_path / "second", token="another") as second:
        other = Kubectl(second, tmp_path)
        await other.ok("apply", "-f", "-", stdin=a_config_map(a="1"))
        assert (await kubectl("get", "configmap", "c")).code == 1
        assert (await other.get("configmap", "c"))["data"] == {"a": "1"}
