"""Tokens of well-known services, and what Kubernetes keeps in Secrets, however it is printed."""

import pytest

from playcall.core.alert import Alert
from playcall.core.events import NoteAdded, RunDeclined, Woken
from playcall.engine.scrub import scrub, scrub_alert
from playcall.runner.kubesecret import NOTE
from playcall.runner.redaction import Redactor, is_secret_name
from playcall.testing import NOON, an_alert

REDACTOR = Redactor(["hunter2"])
LISTED = "NAME   TYPE     DATA   AGE\ndb     Opaque   2      3d\n"
YAML = """\
apiVersion: v1
data:
  password: aHVudGVyMg==
  note: >-
    c2VjcmV0
    bW9yZQ==
kind: Secret
metadata:
  name: db
"""
JSON = """\
{
    "data": {
        "password": "aHVudGVyMzM=",
        "a": "b"
    },
    "kind": "Secret"
}
"""


def redact(text: str, command: str = "", cut: int = 10_000) -> str:
    stream = REDACTOR.begin(command)
    data = text.encode()
    pieces = [stream.feed(data[n : n + cut]) for n in range(0, len(data), cut)]
    return b"".join([*pieces, stream.end()]).decode()


# Put together here, so that no scanner takes this file for a leak.
@pytest.mark.parametrize(
    "token",
    [
        "glpat-" + "x1" * 10,
        "SG." + "a" * 22 + "." + "b" * 43,
        "sk_" + "live_" + "0a" * 12,
        "123456789:AA" + "b" * 33,
        "https://hooks." + "slack.com/services/T0AB/B0CD/xyz",
        "0" * 32 + "-us12",
        "pypi-AgEIcHlwaS5vcmc" + "a" * 70,
        "DefaultEndpointsProtocol;AccountKey=" + "a" * 86 + "==",
        "AC" + "0" * 32,
    ],
)
@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_tokens_of_services_are_hidden_however_they_are_cut(token: str, cut: int) -> None:
    shown = redact(f"before\nsent {token} now\nafter\n", cut=cut)
    assert token[-12:] not in shown
    assert shown.startswith("before\nsent ")
    assert shown.endswith(" now\nafter\n")


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("  password: pa55word\n", "  password: [redacted]\n"),
        ("X-Api-Key: abc123\r\n", "X-Api-Key: [redacted]\r\n"),
        ("Set-Cookie: sid=1; Path=/\n", "Set-Cookie: [redacted]\n"),
        ("token:      892 bytes\n", "token:      892 bytes\n"),
        ('in JSON "hun\\u0074er2"', 'in JSON "hun\\u0074er2"'),
    ],
)
def test_lines_of_yaml_and_headers(printed: str, shown: str) -> None:
    assert redact(printed) == shown


@pytest.mark.parametrize("cut", [1, 10_000])
@pytest.mark.parametrize("command", ["kubectl get secret db -o yaml", "kubectl get all -o yaml"])
def test_values_of_secrets_are_hidden_in_yaml(command: str, cut: int) -> None:
    shown = redact(YAML, command, cut)
    assert "aHVudGVyMg" not in shown
    assert "  password: [redacted]\n" in shown
    assert shown.endswith("kind: Secret\nmetadata:\n  name: db\n")
    assert ("c2VjcmV0" in shown) == ("secret" not in command)


def test_values_of_secrets_are_hidden_in_json_on_many_lines_or_on_one() -> None:
    shown = redact(JSON, "kubectl get secret db -o json")
    assert "aHVudGVyMzM" not in shown
    assert '"a": "b"' not in shown
    assert '"kind": "Secret"' in shown
    one = '{"data":{"k":"aHVudGVyMzM=","c":"plain"},"kind":"Secret"}\n'
    assert redact(one) == '{"data":{"k":"[redacted]","c":"plain"},"kind":"Secret"}\n'
    quoted = '"last-applied": "{\\"data\\":{\\"k\\":\\"aHVudGVyMzM=\\"}}"\n'
    assert "aHVudGVyMzM" not in redact(quoted)


@pytest.mark.parametrize(
    "command",
    [
        "kubectl get secret db -o jsonpath='{.data.password}' | base64 -d",
        "kubectl get secret db -o json | jq -r .data.password",
        "kubectl -n a get secrets -o go-template='{{.data}}'",
        "oc get secret/db --template={{.data.a}}",
        "kubectl exec p -- cat /var/run/secrets/token",
    ],
)
def test_a_command_that_asks_for_a_value_alone_shows_nothing_but_its_errors(command: str) -> None:
    failed = "Error from server (NotFound): secrets not found\n"
    assert redact("bare\nvalue\n", command, cut=3) == NOTE.decode()
    assert redact(failed, command) == failed


@pytest.mark.parametrize(
    "command",
    [
        "kubectl get secrets",
        "kubectl get secrets -o wide",
        "ls -l /run/secrets/",
        "kubectl get pods",
    ],
)
def test_lists_stay_as_they_are(command: str) -> None:
    assert redact(LISTED, command) == LISTED


def test_what_is_no_secret_in_a_block_of_data_stays() -> None:
    text = "data:\n  level: info\n  file.ini: |\n    [a]\n    b = c\nkind: ConfigMap\n"
    assert redact(text, "kubectl get configmap c -o yaml") == text


@pytest.mark.parametrize("name", ["DB_PASSWORD", "apiToken", "AWS_SECRET_ACCESS_KEY", "SENTRY_DSN"])
def test_secret_names(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["PATH", "KUBECONFIG", "NAMESPACE", "MONKEY"])
def test_names_of_no_secret(name: str) -> None:
    assert not is_secret_name(name)


def test_what_people_and_alerts_say_is_scrubbed_and_labels_are_not() -> None:
    note = NoteAdded(at=NOON, by="hunter2", text="it is hunter2, ünd")
    assert scrub(note, REDACTOR.hide) == NoteAdded(
        at=NOON, by="hunter2", text="it is [redacted], ünd"
    )
    declined = RunDeclined(at=NOON, by="ada", command="2.1", reason="Bearer " + "a" * 20)
    assert "aaaa" not in str(scrub(declined, REDACTOR.hide))
    assert scrub(Woken(at=NOON), REDACTOR.hide) == Woken(at=NOON)
    alert: Alert = an_alert(service="hunter2")
    said = scrub_alert(alert, lambda text: text.replace("slow", "X"))
    assert said.annotations == {"summary": "requests are X"}
    assert said.labels == alert.labels
