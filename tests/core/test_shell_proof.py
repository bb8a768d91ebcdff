"""What looks whether a change took hold, by the change's own words."""

import pytest

from playcall.core.compiler.shell import read_command
from playcall.core.compiler.shell.proof import proof_of
from playcall.core.plan import EffectClass

PROVEN = {
    "kubectl scale deployment/web --replicas=0": "kubectl rollout status deployment/web"
    " --timeout=300s",
    "kubectl -n shop scale --replicas 3 deploy web": "kubectl -n=shop rollout status deploy/web"
    " --timeout=300s",
    "kubectl rollout undo ds/agent --context=blue": "kubectl --context=blue rollout status"
    " ds/agent --timeout=300s",
    "kubectl delete pod web-1": "kubectl wait --for=delete pod/web-1 --timeout=300s",
    "kubectl set env deployment/web FLAG=0": "kubectl wait '--for=jsonpath="
    '{.spec.template.spec.containers[0].env[?(@.name=="FLAG")].value}=0\' deployment/web'
    " --timeout=30s",
    'kubectl patch service front -p \'{"spec":{"selector":{"version":"v1"}}}\'': "kubectl wait"
    " '--for=jsonpath={.spec.selector.version}=v1' service/front --timeout=30s",
}


@pytest.mark.parametrize("command", PROVEN)
def test_a_change_is_proven_by_its_own_words(command: str) -> None:
    assert proof_of(command) == PROVEN[command]


@pytest.mark.parametrize("command", PROVEN)
def test_a_proof_only_looks(command: str) -> None:
    assert read_command(PROVEN[command]).effect is EffectClass.OBSERVE


@pytest.mark.parametrize(
    "command",
    [
        "kubectl scale deployment/$NAME --replicas=0",
        "kubectl delete pod web; rm -rf /",
        "kubectl delete pods --all",
        "kubectl delete pod -l app=web",
        "kubectl delete pod web-1 web-2",
        "kubectl delete pod $(kubectl get pods -o name)",
        "kubectl set env deployment/web FLAG-",
        "kubectl set env deployment/web -c side FLAG=1",
        "kubectl set env deployment/web --from=configmap/x",
        "kubectl scale job/import --replicas=0",
        "kubectl patch service front -p 'spec: {}'",
        'kubectl patch service front -p \'{"spec":{"ports":[1]}}\'',
        "kubectl patch service front --type=json -p '{\"spec\":1}'",
        'kubectl patch service front -p \'{"metadata":{"labels":{"a.b/c":"x"}}}\'',
        "kubectl apply -f web.yaml",
        "kubectl scale deployment/web --replicas=0 --dry-run=server",
        "kubectl scale 'deployment/web",
        "systemctl restart web",
        "",
    ],
)
def test_what_nobody_can_prove_has_no_proof(command: str) -> None:
    assert proof_of(command) is None


@pytest.mark.parametrize("value", ["a b", "$(id)", "'", "a;b", "`id`", "x\ny"])
def test_a_value_stays_one_word(value: str) -> None:
    from shlex import quote, split

    proof = proof_of(f"kubectl set env deployment/web {quote(f'FLAG={value}')}")
    assert proof is None or any(word.endswith(f"={value}") for word in split(proof))
