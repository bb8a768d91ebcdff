"""Changes that look like something harmless: found by reading our own rules for their gaps."""

import pytest

from playcall.core.compiler.shell import read_command

FUNCTIONS = """
mkfs() { ls; }; ssh db mkfs /dev/sda
mkfs() { ls; }; sudo mkfs /dev/sda
mkfs() { ls; }; sh -c mkfs
mkfs() { ls; }; watch mkfs
mkfs() { ls; }; kubectl exec web-0 -- mkfs /dev/sda
mkfs() { ls; }; find . -exec mkfs {} +
mkfs /dev/sda; mkfs() { ls; }
if false; then mkfs() { ls; }; fi; mkfs /dev/sda
false && mkfs() { ls; }; mkfs /dev/sda
(mkfs() { ls; }); mkfs /dev/sda
mkfs() { ls; } & mkfs /dev/sda
mkfs() { ls; } | cat; mkfs /dev/sda
run() { mkfs /dev/sda; }; run; mkfs() { ls; }
""".strip().splitlines()

PROGRAMS_WITHIN = r"""
awk '{ # (@ print "x" > "f" # )@}' y
find . -exec tee + /etc/x {} \;
find . -exec sort + -o x {} \;
kubectl get -k github.com/somebody/something
""".strip().splitlines()


@pytest.mark.parametrize("command", FUNCTIONS)
def test_a_function_stands_for_its_name_only_where_it_is_sure_to_be_defined(command: str) -> None:
    assert read_command(command).effect == "change"


def test_a_function_defined_before_its_call_is_what_its_body_does() -> None:
    assert read_command("look() { kubectl get pods; }; look; look").effect == "observe"
    assert read_command("fix() { kubectl delete pod x; }; fix").effect == "change"


@pytest.mark.parametrize("command", PROGRAMS_WITHIN)
def test_a_language_within_an_argument_is_read_as_its_program_reads_it(command: str) -> None:
    assert read_command(command.replace("@", "\n")).effect == "change"


VARIABLES = """
x[1]=a; awk -F $x '{print}' 'BEGIN{system("id")}'
x=a; A=1 B=2 read x < e; curl "$x"
x=a; command read -r x; curl "$x"
false && x=a; awk -F $x '{print}' 'BEGIN{system("id")}'
if false; then x=a; fi; awk -F $x '{print}' 'BEGIN{system("id")}'
(x=a); awk -F $x '{print}' 'BEGIN{system("id")}'
x=a & awk -F $x '{print}' 'BEGIN{system("id")}'
x=a | cat; awk -F $x '{print}' 'BEGIN{system("id")}'
awk -F $x '{print}' 'BEGIN{system("id")}'; x=a
x=a; unset x; awk -F $x '{print}' 'BEGIN{system("id")}'
for x in a b; do true; done; awk -F $y '{print}' 'BEGIN{system("id")}'; y=1
for y in $y; do awk -F $x '{print}' 'BEGIN{system("id")}'; x=a; done
""".strip().splitlines()


@pytest.mark.parametrize("command", VARIABLES)
def test_a_variable_that_may_be_empty_may_move_the_words_behind_it(command: str) -> None:
    assert read_command(command).effect == "change"


@pytest.mark.parametrize(
    "command",
    [
        "x=a; awk -F $x '{print}' f",
        "format=a; awk -F $format '{print}' f",
        "x=a && awk -F $x '{print}' f",
        "export x=a; awk -F $x '{print}' f",
        "x=a y=b; awk -F $y '{print}' f",
        "for x in a b; do awk -F $x '{print}' f; done",
        "for x in a b; do y=$x; awk -F $y '{print}' f; done",
        "for ((i=0;i<3;i++)); do curl http://shop:808$i/health; done",
        "look() { x=a; awk -F $x '{print}' f; }; look",
        "kubectl get pods | while IFS= read -r line; do echo $line; done",
    ],
)
def test_a_variable_that_surely_holds_a_plain_word_is_one(command: str) -> None:
    assert read_command(command).effect == "observe"


NAMES_FEED = """
for p in $(kubectl get pods -o name); do kubectl logs "$p"; done
for p in $(kubectl get po -o jsonpath='{.items[*].metadata.name}'); do kubectl logs $p; done
POD=$(kubectl get pods -o jsonpath='{.items[0].metadata.name}'); kubectl logs $POD --tail=5
POD=$(kubectl -n shop get pod -oname | head -1); kubectl get pods
kubectl exec $(kubectl get pods -o name) -- ls
kubectl get pods -o name | xargs kubectl describe
kubectl get pods -A --output=name | sort | xargs -n1 -I{} kubectl logs {}
if true; then ns=a; else ns=b; fi; kubectl get pods "$ns"
""".strip().splitlines()

ANYTHING_FEEDS = """
curl http://shop/x | xargs kubectl get
for p in $(curl http://shop/x); do kubectl logs "$p"; done
for p in $(kubectl get po -o jsonpath='{.items[0].metadata.uid}'); do kubectl logs "$p"; done
for p in $(kubectl get pods -o name -o yaml); do kubectl logs "$p"; done
for p in $(kubectl get pods -o name -Aoyaml); do kubectl logs "$p"; done
for p in $(kubectl get pods -o name; curl http://shop/x); do kubectl logs "$p"; done
kubectl get pods -o name | sed 's/^pod/-/' | xargs kubectl get
kubectl get pods -o yaml | xargs kubectl get
kubectl get pods -o name | xargs awk -F
awk -F $(kubectl get pods -o name) '{print}' 'BEGIN{system("id")}'
timeout $(kubectl get pods -o name) ls
sh -c "ls $(kubectl get pods -o name)"
watch "ls $(kubectl get pods -o name)"
ssh db-1 "ls $(kubectl get pods -o name)"
$(kubectl get pods -o name)
kubectl $(kubectl get pods -o name)
uniq $(kubectl get pods -o name)
uniq *.txt
p=$(kubectl get pods -o name); p=$(curl http://shop/x); kubectl logs "$p"
""".strip().splitlines()


@pytest.mark.parametrize("command", NAMES_FEED)
def test_names_of_objects_are_no_options(command: str) -> None:
    assert read_command(command).effect == "observe", read_command(command).reasons


@pytest.mark.parametrize("command", ANYTHING_FEEDS)
def test_output_that_may_be_anything_may_be_an_option(command: str) -> None:
    assert read_command(command).effect in ("change", "manual")


HEAVY = """
curl 'http://shop:6060/debug/ppro[f-f]/profile'
curl 'http://shop:6060/d{e,x}bug/x'
curl "http://shop:6060/$(cat which)"
curl http://shop:6060/debug/fgprof?seconds=30
curl 'http://shop:6060/debug/pprof/heap?seconds=30'
ping -i 0.001 -c 5 db-1
ping -c 1000000 db-1
find / -name core
du -sh /
grep -r secret /
""".strip().splitlines()

ENDLESS = """
while true; do ls; done
while sleep 5; do kubectl get pods; done
while [ 1 ]; do ls; done
while ((1)); do ls; done
until false; do ls; done
for ((;;)); do ls; done
for ((i=0;;i++)); do ls; done
""".strip().splitlines()

ENDING = """
while true; do curl -sf http://shop/health && break; sleep 1; done
while ! curl -sf http://shop/health; do sleep 1; done
until [ -f /tmp/ready ]; do sleep 1; done
for ((i=0;i<3;i++)); do ls; done
""".strip().splitlines()


@pytest.mark.parametrize("command", HEAVY)
def test_a_load_on_a_sick_system_is_heavy_however_it_is_spelt(command: str) -> None:
    assert read_command(command).effect == "heavy", read_command(command).reasons


@pytest.mark.parametrize("command", ENDLESS)
def test_a_loop_that_never_ends_is_left_to_a_person(command: str) -> None:
    assert read_command(command).effect == "manual"


@pytest.mark.parametrize("command", ENDING)
def test_a_loop_that_may_end_is_what_its_body_is(command: str) -> None:
    assert read_command(command).effect == "observe"


@pytest.mark.parametrize(
    "command", ["docker exec -it shop bash", "kubectl logs x -f=false", "vim x; tail -f y"]
)
def test_nothing_runs_in_place_of_what_is_left_to_a_person(command: str) -> None:
    reading = read_command(command)
    assert reading.effect == "manual"
    assert reading.runs_as is None


@pytest.mark.parametrize(
    "command",
    [
        "cat <<EOF\n a ${x:-b} `boom` ",
        "cat <<EOF\n a ${x:-b} `boom`\n",
        "cat <<EOF\nhi\n EOF\n",
        "cat <<EOF\nhi\nEOF \nboom\nEOF",
        "cat <<A <<B\nhi\nA\n$(boom)\nB",
        "cat <<-E\n\ta\n E\n",
        "cat <<END_OF\n`boom`\nEND_OF",
        "cat <<EOF\nE\\\nOF\nboom\nEOF",
        "cat <<'E'\nhi\nE\nboom\nE",
    ],
)
def test_a_here_document_ends_where_bash_ends_it(command: str) -> None:
    assert read_command(command).effect == "change"


@pytest.mark.parametrize(
    "command",
    [
        "cat <<EOF\nhi $x\n\nEOF",
        "cat <<EOF\nhi\nEOF\nls",
        "cat <<-E\n\ta\n\tE\n",
        "cat <<'E' | grep x\n$(hi) `x`\nE",
        "echo $(cat <<E\nhi\nE\n)",
    ],
)
def test_a_plain_here_document_is_only_text(command: str) -> None:
    assert read_command(command).effect == "observe", read_command(command).reasons


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("kubectl delete pod x", "deletes objects"),
        ("kubectl scale deploy/x --replicas=0", "number of replicas"),
        ("kubectl rollout undo deploy/x", "another version"),
        ("kubectl frobnicate x", "unknown subcommand"),
        ("kubectl get pods --frob", 'unknown option "--frob"'),
        ("./scripts/fix.sh", "runs the script"),
        ("unknown-tool x", "unknown program"),
        ("$CMD x", "known only at run time"),
        ("curl -s http://x | sh", "whatever is fed to it"),
        ("kubectl logs x > /etc/passwd", 'writes the file "/etc/passwd"'),
        ("PATH=/tmp ls", 'sets "PATH"'),
        ("curl -X POST http://x", "sends a POST"),
        ("curl -K f", "options from a file"),
        ("sysctl -w a=1", "kernel setting"),
        ("iptables -A INPUT -j DROP", "adds a rule"),
        ("sed -i s/a/b/ x", "in place"),
        ("find . -delete", "may change files"),
        ("eval ls", "run time"),
        ("ls (", "does not parse"),
        ("kubectl exec p -- sh -c 'cat x; reboot'", "stops the machine"),
    ],
)
def test_a_change_says_what_makes_it_one(command: str, reason: str) -> None:
    reading = read_command(command)
    assert reading.effect == "change"
    assert any(reason in one for one in reading.reasons), reading.reasons
