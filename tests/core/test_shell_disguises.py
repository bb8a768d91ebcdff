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
