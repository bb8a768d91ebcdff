"""Asking the pocket cluster for what it lacks: an error as Kubernetes has them, never a crash."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from drillrange.cluster.server import PocketCluster
from tests.drillrange.conftest import Kubectl, a_deployment

LACKING = [
    ("get ingresses", 'the server doesn\'t have a resource type "ingresses"'),
    ("get crontabs.example.org", "the server doesn't have a resource type"),
    ("autoscale deployment/web --max=5", ""),
    ("drain node-1", ""),
    ("cordon node-1", ""),
    ("taint nodes node-1 a=b:NoSchedule", ""),
    ("cp web-0:/etc/hosts /tmp/nowhere", ""),
    ("port-forward deployment/web 18080:80", ""),
    ("attach deployment/web", ""),
    ("debug deployment/web --image=busybox", ""),
    ("create ingress x --rule=a/b=c:80", ""),
    ("create job x --image=busybox", ""),
    ("certificate approve x", ""),
    ("scale deployment/nothing --replicas=2", "NotFound"),
    ("rollout undo deployment/nothing", "NotFound"),
    ("rollout undo deployment/web --to-revision=99", ""),
    ("set env deployment/nothing A=b", "NotFound"),
    ("set image deployment/web nothing=busybox", ""),
    ("patch deployment/web -p {bad", ""),
    ('patch deployment/web -p {"spec":{"replicas":"many"}}', ""),
    ('patch deployment/web --type=json -p [{"op":"remove","path":"/spec/nothing"}]', ""),
    ("scale deployment/web --replicas=-1", ""),
    ("logs deployment/nothing", "NotFound"),
    ("exec deployment/web -- nothing-like-this", "127"),
    ("delete deployment/nothing", "NotFound"),
    ("wait --for=condition=Nothing deployment/web --timeout=1s", "timed out"),
    ("apply -f /dev/null", ""),
    ("annotate deployment/nothing a=b", "NotFound"),
    ("label deployment/web -- a=b=c", ""),
    ("top nodes", ""),
    ("get pods -n nowhere --field-selector=spec.nothing=x", ""),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kubectl]:
    """One cluster for all that is refused: nothing of it may leave a trace."""
    folder = tmp_path_factory.mktemp("refusals")
    async with PocketCluster(directory=folder / "cluster", token="a-token-of-a-test") as made:
        kubectl = Kubectl(made, folder)
        await kubectl.ok("apply", "-f", "-", stdin=json.dumps(a_deployment()))
        yield kubectl


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("words", "said"), LACKING, ids=[words for words, _ in LACKING])
async def test_what_is_not_there_is_refused_in_words(
    deployed: Kubectl, words: str, said: str
) -> None:
    before = (await deployed.get("deployment", "web"))["spec"]
    done = await deployed(*words.split(" "))
    assert done.code != 0, done
    assert said in done.err
    for crash in ("Traceback", "InternalError", "Internal Server Error", "panic"):
        assert crash not in done.err
    assert (await deployed.get("deployment", "web"))["spec"] == before
