"""What is said to prove a change, asked of a real cluster by the real kubectl: it fails before the
change, and holds after it."""

import json
import shlex

import pytest

from playcall.core.compiler.shell.proof import proof_of
from tests.drillrange.conftest import Kubectl, Said, a_deployment

SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "front"},
    "spec": {"selector": {"app": "web", "version": "v3"}, "ports": [{"port": 80}]},
}


async def prove(kubectl: Kubectl, change: str) -> Said:
    proof = proof_of(change)
    assert proof is not None
    words = shlex.split(proof)
    for start in [n for n, word in enumerate(words) if word == "kubectl"]:
        ends = [n for n, word in enumerate(words) if word == "&&" and n > start]
        patient = words[start + 1 : ends[0] if ends else None]
        said = await kubectl(*patient[:-1], "--timeout=2s")
        if said.code:
            return said
    return said


@pytest.mark.parametrize(
    "change",
    [
        "kubectl set env deployment/web FLAG=0",
        "kubectl scale deployment/web --replicas=0",
        'kubectl patch service front -p \'{"spec":{"selector":{"version":"v1","app":"api"}}}\'',
        "kubectl delete deployment web",
    ],
)
async def test_a_proof_holds_after_the_change_and_not_before(kubectl: Kubectl, change: str) -> None:
    for manifest in (a_deployment(env={"FLAG": "100"}), SERVICE):
        await kubectl.ok("apply", "-f", "-", stdin=json.dumps(manifest))
    await kubectl.ok("rollout", "status", "deployment/web", "--timeout=20s")
    if "scale" not in change:  # a rollout that is over says so of whatever it was
        assert (await prove(kubectl, change)).code != 0
    await kubectl.ok(*shlex.split(change)[1:])
    proven = await prove(kubectl, change)
    assert proven.code == 0, proven


async def test_a_paused_rollout_does_not_hide_that_the_variable_is_set(kubectl: Kubectl) -> None:
    await kubectl.ok("apply", "-f", "-", stdin=json.dumps(a_deployment(env={"FLAG": "100"})))
    await kubectl.ok("rollout", "status", "deployment/web", "--timeout=20s")
    await kubectl.ok("rollout", "pause", "deployment/web")
    change = "kubectl set env deployment/web FLAG=0"
    await kubectl.ok(*shlex.split(change)[1:])
    assert (await prove(kubectl, change)).code == 0
