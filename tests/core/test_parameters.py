"""What a placeholder stands for, and which values it may have."""

from dataclasses import replace

import pytest

from playcall.core.compiler.shell import read_command
from playcall.core.parameters import Kind, is_secret, kind_of, missing, why_unfit
from playcall.core.plan import Command
from playcall.testing import a_command


def reading(text: str) -> Command:
    """A command as the compiler would have it."""
    found = read_command(text)
    return replace(
        a_command(text=text, effect=found.effect),
        placeholders=found.placeholders,
        runs_as=found.runs_as,
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("iptables -A INPUT -s PROBLEM_IP -j DROP", Kind.IP),
        ("iptables -A INPUT -s <peer> -j DROP", Kind.IP),
        ("ping -c 5 DESTINATION_HOST", Kind.HOST),
        ("ping -c 5 <target>", Kind.HOST),
        ("curl -s http://<somewhere>/health", Kind.ENDPOINT),
        ("curl -s http://$DB_HOST/health", Kind.ENDPOINT),
        ("iptables -A INPUT -s <cidr> -j DROP", Kind.TEXT),
        ("curl -s http://localhost:909${i}/health", Kind.NUMBER),
        ("kubectl exec dwcp-v3-pod -- uptime", Kind.WORKLOAD),
        ("kubectl logs <pod-name>", Kind.WORKLOAD),
        ("kubectl delete pod <pod>", Kind.POD),
        ("kubectl describe pod <x>", Kind.POD),
        ("kubectl get pods -n <ns>", Kind.NAMESPACE),
        ("kubectl get pods --namespace=$WHERE", Kind.NAMESPACE),
        ("kubectl logs web --since=<age>", Kind.DURATION),
        ("kubectl logs web --tail <how many>", Kind.NUMBER),
        ("nc -vz db <port>", Kind.PORT),
        ("cat <log file>", Kind.PATH),
        ("kubectl rollout status deployment/<deployment>", Kind.NAME),
        ("grep <pattern> app.log", Kind.TEXT),
        ("kubectl get pods -n <x>; ping <x>", Kind.TEXT),  # two places that disagree
    ],
)
def test_the_name_and_then_the_place_say_what_is_wanted(text: str, kind: Kind) -> None:
    command = reading(text)
    assert kind_of(command, command.placeholders[0].name) is kind


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            Kind.IP,
            "10.0.0.7 2001:db8::7 ::1",
            "10.0.0.300 10.0.0 10.0.0.0/8 0.0.0.0 :: fe80::1%eth0 web 010.0.0.7 ٣.0.0.1",
        ),
        (
            Kind.HOST,
            "db-1.example.org DB1 10.0.0.7 2001:db8::7",
            f"db_1 -db db- a..b 10.0.0.300 h/-/reload h:80 h;boom {'a' * 64} é",
        ),
        (Kind.ENDPOINT, "db db:8080 10.0.0.7:80 [::1]:80", "db: db:0 db:x a:b:80 h/x:80"),
        (Kind.POD, "web-7c9f-x2x1z a.b", "Web web_1 deployment/web web- $(boom)"),
        (Kind.WORKLOAD, "web-1 deployment/web svc/web", "rm/web deployment/ deployment/web/x"),
        (Kind.NAMESPACE, "shop kube-system", f"Shop a.b -n {'a' * 64}"),
        (Kind.PORT, "1 65535", "0 65536 080 http -1 ٣"),
        (Kind.NUMBER, "0 20", "-1 1.5 1e3 ٣"),
        (Kind.DURATION, "30s 5m 1h30m 500ms", "5 m 5x -5m 5m; 1h-"),
        (Kind.PATH, "/var/log/app.log x.log", "~/x ~root/x -x"),
        (Kind.NAME, "web-1 Web_1.2", "-web .web a/b $(boom)"),
        (Kind.TEXT, "a;b $(boom) *", "-x"),
    ],
)
def test_a_kind_takes_what_it_is_and_says_what_would_be_right(
    kind: Kind, good: str, bad: str
) -> None:
    for value in good.split():
        assert why_unfit(kind, value) == "", value
    for value in bad.split():
        assert "write " in why_unfit(kind, value), value


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("value", ["", "-x", "a\nb", "a\0b", "\ud800", "x" * 5000, "10.0.0.7\n"])
def test_no_kind_takes_what_no_command_could(kind: Kind, value: str) -> None:
    assert why_unfit(kind, value)


def test_a_value_that_does_not_fit_is_still_missing() -> None:
    command = reading("kubectl exec <pod> -- iptables -A INPUT -s PROBLEM_IP -j DROP")
    assert missing(command, {"pod": "web-1"}) == ("PROBLEM_IP",)
    assert missing(command, {"pod": "web-1", "PROBLEM_IP": "web-1"}) == ("PROBLEM_IP",)
    assert missing(command, {"pod": "web-1", "PROBLEM_IP": "10.0.0.7"}) == ()


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("DB_PASSWORD", True),
        ("api-token", True),
        ("API_KEY", True),
        ("key", False),
        ("KEYSPACE_NAME", False),
    ],
)
def test_a_secret_is_known_by_its_name(name: str, secret: bool) -> None:
    assert is_secret(name) is secret
