"""What runs in a command's place, which values it lacks, and what is wrong with it."""

import pytest

from playcall.core.compiler.shell import read_command

P99 = 'histogram_quantile(0.99,sum(rate(x_bucket{job="a"}[5m]))by(le))'


@pytest.mark.parametrize(
    ("command", "runs_as"),
    [
        ("kubectl exec -it web-0 -- df -h", "kubectl exec web-0 -- df -h"),
        ("kubectl exec -ti web-0 -c app -- df", "kubectl exec web-0 -c app -- df"),
        ("kubectl exec --stdin --tty web-0 -- df", "kubectl exec web-0 -- df"),
        ("kubectl exec -itc app web-0 -- df | grep x", "kubectl exec -c app web-0 -- df | grep x"),
        ("cat q | kubectl exec -it web-0 -- cat", "cat q | kubectl exec -i web-0 -- cat"),
        ("docker exec -it shop df -h", "docker exec shop df -h"),
        ("watch -n 5 kubectl get pods", "kubectl get pods"),
        ("watch 'kubectl get pods | grep x'", "kubectl get pods | grep x"),
        ("watch -n 5 'ping db-1'", "ping -c 5 db-1"),
        ("kubectl logs -f web-0", "kubectl logs --tail=200 web-0"),
        ("kubectl logs -f web-0 --tail=10", "kubectl logs web-0 --tail=10"),
        ("kubectl get pods -w", "kubectl get pods"),
        ("tail -f /var/log/x | grep y", "tail -n 200 /var/log/x | grep y"),
        ("tail -n 5 -f /var/log/x", "tail -n 5 /var/log/x"),
        ("journalctl -fu kubelet", "journalctl -n 200 -u kubelet"),
        ("ceph -w", "ceph -s"),
        ("stern web -n shop", "stern --no-follow --tail=50 web -n shop"),
        ("dstat", "dstat 1 5"),
        ("ping db-1", "ping -c 5 db-1"),
        ("kubectl exec -it web-0 -- ping db-1", "kubectl exec web-0 -- ping -c 5 db-1"),
        ("vmstat 1", "vmstat 1 5"),
        ("iostat -x 2", "iostat -x 2 5"),
        ("docker stats", "docker stats --no-stream"),
        ("top -b | head", "top -n 1 -b | head"),
        ("top", "top -b -n 1"),
        ("top -o %MEM", "top -b -n 1 -o %MEM"),
        ("kubectl logs -f <pod>", "kubectl logs --tail=200 <pod>"),
    ],
)
def test_what_never_ends_or_wants_a_terminal_is_bounded(command: str, runs_as: str | None) -> None:
    reading = read_command(command)
    assert reading.effect == "observe", reading.reasons
    assert reading.runs_as is not None
    assert reading.runs_as.kind == "shell"
    if runs_as is not None:
        assert reading.runs_as.text == runs_as
    again = read_command(reading.runs_as.text)
    assert again.effect == "observe"
    assert again.runs_as is None


@pytest.mark.parametrize(
    ("command", "query"),
    [
        ("curl http://p:9090/api/v1/query?query=up", "up"),
        (f"curl -s 'http://p:9090/api/v1/query?query={P99}'", P99),
        ("curl -sg 'http://p/api/v1/query?query=rate(x%5B5m%5D)+%2B+1' | jq .", "rate(x[5m]) + 1"),
        ("curl -G http://p/api/v1/query --data-urlencode 'query=a + b'", "a + b"),
        ("curl -s -G --data-urlencode 'query=up' http://p/prom/api/v1/query | jq -r .data", "up"),
        ("promtool query instant http://p:9090 'up == 0'", "up == 0"),
        ("kubectl exec -it prometheus-0 -- promtool query instant 'sum(x)'", "sum(x)"),
        ("watch -n 9 'echo now && curl -s \"http://p/api/v1/query?query=up\" | jq .'", "up"),
        ("curl 'http://p/api/v1/query?query=up{pod=\"<pod>\"}'", 'up{pod="<pod>"}'),
    ],
)
def test_a_query_is_asked_natively(command: str, query: str) -> None:
    reading = read_command(command)
    assert reading.effect == "observe"
    assert reading.runs_as is not None
    assert (reading.runs_as.kind, reading.runs_as.text) == ("promql", query)


@pytest.mark.parametrize(
    "command",
    [
        "curl 'http://p/api/v1/query?query=up&time=1'",
        "curl 'http://p/api/v1/query_range?query=up'",
        "curl 'http://p/api/v1/query?query=up' | grep x",
        "kubectl get pods; curl 'http://p/api/v1/query?query=up'",
        "for i in a b; do curl \"http://p/api/v1/query?query=up{x='$i'}\"; done",
    ],
)
def test_what_is_more_than_one_query_stays_a_command(command: str) -> None:
    reading = read_command(command)
    assert reading.runs_as is None or reading.runs_as.kind == "shell"


@pytest.mark.parametrize(
    ("command", "code", "column"),
    [
        ("kubectl get pods (", "PC201", 1),
        ("curl http://l:909${i}/x", "PC202", 18),
        ("curl 'http://p/q?query=rate(x[5m])'", "PC203", 6),
        ("curl http://p/q?a=b", "PC203", 6),
        ("curl 'http://p/q?query=a b'", "PC203", 6),
        ("promtool query instant 'up'", "PC204", 1),
        ("kubectl exec -it p -- df", "PC205", 14),
        ("top", "PC205", 1),
        ("watch uptime", "PC206", 1),
        ("tail -f x", "PC206", 1),
        ("go tool pprof -http=:1 x", "PC206", 1),
        ("kubectl logs <pod>", "PC207", 14),
        ("./scripts/x.sh", "PC208", 1),
        ("kubectl apply -f configs/x.yaml", "PC208", 18),
        ("echo \0", "PC209", 1),
    ],
)
def test_a_fault_is_told_with_its_place(command: str, code: str, column: int) -> None:
    found = [(f.code, f.column) for f in read_command(command).faults]
    assert (code, column) in found or (code == "PC201" and code in dict(found)), found


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("kubectl logs <pod-name> -n [NAMESPACE_NAME]", ["pod-name", "NAMESPACE_NAME"]),
        ("curl http://{{ host }}:8080/x", ["host"]),
        ("ssh YOUR_HOST uptime", ["YOUR_HOST"]),
        ("ping -c 1 your-server", ["your-server"]),
        ("kubectl exec shop-pod -- ping -c 1 destination-host", ["shop-pod", "destination-host"]),
        ("iptables -A INPUT -s PROBLEM_IP -j DROP", ["PROBLEM_IP"]),
        ("kubectl delete pod web-POD_NAME", ["POD_NAME"]),
        ("gcc -DMY_NAME x.c; echo ${X:-MY_NAME}", []),
        ("curl http://TARGET_HOST:8080/x", ["TARGET_HOST"]),
        ('curl "http://$HOST_A/${path}"', ["HOST_A", "path"]),
        ("kubectl logs XXX", ["XXX"]),
        ("NS=shop; kubectl get pods -n $NS", []),
        ("NS=shop kubectl get pods -n $NS", ["NS"]),
        ("kubectl set env deploy/x DB_HOST=db-1", []),
        ("echo $HOME $? ${x:-1}", []),
        ("kubectl get pods # see <link>", []),
        ("env | grep DB_HOST", []),
        ("grep ERROR x | grep -v '[A-Z]'", []),
        ("kubectl get pod -o go-template='{{.status}}'", []),
        ("kubectl get pod -o go-template='{{if .a}}{{.b}}{{else}}x{{end}}'", []),
        ("kubectl get pods -o jsonpath='{.items[0].metadata.name}'", []),
        ("kubectl exec p -- sh -c 'echo $HOSTNAME $UNKNOWN'", []),
        ("cat <input.txt >/dev/null", []),
        ("awk '{print $1}' x", []),
    ],
)
def test_placeholders_are_what_stands_for_a_value(command: str, names: list[str]) -> None:
    assert [p.name for p in read_command(command).placeholders] == names


@pytest.mark.parametrize(
    ("command", "levels"),
    [
        ("kubectl exec -it p -- df", ["note"]),
        ("kubectl exec -it p -- bash", ["note", "warning"]),
        ("sh -c 'kubectl exec -it p -- df'", ["warning"]),
        ("tail -f x", ["note"]),
        ("sh -c 'tail -f x'", ["warning"]),
        ("while true; do ls; done", ["warning"]),
    ],
)
def test_what_was_mended_is_only_noted(command: str, levels: list[str]) -> None:
    assert [str(f.level) for f in read_command(command).faults] == levels


def test_a_position_counts_characters_and_lines() -> None:
    reading = read_command("echo é &&\n  kubectl logs é<pod>")
    assert [(p.line, p.column) for p in reading.placeholders] == [(2, 17)]


def test_work_that_repeats_is_bounded_and_still_work() -> None:
    reading = read_command("jstat -gcutil 12 1000")
    assert reading.effect.value == "heavy"
    assert reading.runs_as is not None
    assert reading.runs_as.text == "jstat -gcutil 12 1000 5"
